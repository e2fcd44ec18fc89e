"""Writing spans of a text anew: a text with holes where the spans were, and everything else kept to the character."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from gesso.errors import PromptError, SettingError
from gesso.lm.holes import HoleSize, fill_holes
from gesso.model.network import Network
from gesso.sampling.settings import SamplerSettings
from gesso.text.tokenizer import Tokenizer

Span = tuple[int, int]
"""The first character of a span, from 0, and the one after its last."""

USUAL_GROWTH, USUAL_SLACK = 2, 2
"""Unless asked otherwise, a span may become so many times as long, and so many tokens more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EditedSpan:
    """A span that was written anew.

    Attributes:
        start: Its first character in the text as it was.
        stop: The one after its last.
        old: What stood there.
        new: What stands there now.
        new_start: The first character of that in the edited text.
        token_ids: Its tokens, and those of the spaces before it.
        nats_per_token: Mean left-to-right surprise of it and of what follows it in its canvas.
    """

    start: int
    stop: int
    old: str
    new: str
    new_start: int
    token_ids: tuple[int, ...]
    nats_per_token: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """An edited text.

    Attributes:
        text: All of it.
        spans: What was written anew, in the order of the text.
        seed: Repeats the result.
    """

    text: str
    spans: tuple[EditedSpan, ...]
    seed: int


def edit(
    network: Network,
    tokenizer: Tokenizer,
    sampler: SamplerSettings,
    text: str,
    spans: Sequence[Span],
    *,
    seed: int,
    max_span_tokens: int | None,
) -> Edit:
    """Write `spans` of `text` anew; see `LanguageModel.edit`."""
    if max_span_tokens is not None and max_span_tokens < 1:
        raise SettingError(f"max_span_tokens is {max_span_tokens}; a span needs at least 1")
    ordered = check_spans(text, spans)
    cuts = [0, *(place for span in ordered for place in span), len(text)]
    pieces = [text[start:stop] for start, stop in zip(cuts[::2], cuts[1::2], strict=True)]
    widths = [len(tokenizer.encode(text[start:stop])) for start, stop in ordered]
    sizes = [HoleSize(most=max_span_tokens or USUAL_GROWTH * width + USUAL_SLACK, expected=width) for width in widths]
    fillings = fill_holes(network, tokenizer, sampler, pieces, sizes, seed=seed)

    edited, found = pieces[0], []
    for (start, stop), filling, piece in zip(ordered, fillings, pieces[1:], strict=True):
        found.append(
            EditedSpan(
                start=start,
                stop=stop,
                old=text[start:stop],
                new=filling.text,
                new_start=len(edited),
                token_ids=filling.token_ids,
                nats_per_token=filling.nats_per_token,
            )
        )
        edited += filling.text + piece
    return Edit(text=edited, spans=tuple(found), seed=seed)


def check_spans(text: str, spans: Sequence[Span]) -> list[Span]:
    """Put spans in the order of the text.

    Raises:
        PromptError: There are none, or they are all of the text.
        SettingError: A span is empty or lies outside of the text, or two overlap or touch.
    """
    if not spans:
        raise PromptError("there is no span to write anew; give at least one, such as (0, 4)")
    ordered = sorted(spans)
    for start, stop in ordered:
        if not 0 <= start <= stop <= len(text):
            raise SettingError(
                f"the span {start}:{stop} lies outside of the text; it has {len(text)} characters, and a span is "
                "first:last + 1"
            )
        if start == stop:
            raise SettingError(
                f"the span {start}:{stop} is empty; give at least one character, or infill between two texts"
            )
    for (start, stop), (next_start, next_stop) in pairwise(ordered):
        if next_start <= stop:
            fault = "overlap" if next_start < stop else "touch"
            raise SettingError(
                f"the spans {start}:{stop} and {next_start}:{next_stop} {fault}; give {start}:{max(stop, next_stop)} "
                "instead"
            )
    if ordered[0] == (0, len(text)):
        raise PromptError("the span is the whole text; keep some of it, or generate instead")
    return ordered
