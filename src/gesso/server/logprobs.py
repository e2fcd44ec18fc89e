"""Log-probabilities of written tokens in OpenAI's words: those of `gesso.sampling.log_probabilities`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from gesso.lm.language_model import LanguageModel
from gesso.sampling.token_logprob import TokenLogprob
from gesso.server.reply_parts import Part, reply_parts


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenToken:
    """A token of a text.

    Attributes:
        token_id: Which one.
        text: How it is spelled, by itself.
        part: What it belongs to, if the text is a reply.
        logprob: How probable it was.
    """

    token_id: int
    text: str
    part: Part
    logprob: TokenLogprob


def written_tokens(
    lm: LanguageModel, token_ids: Sequence[int], logprobs: Sequence[TokenLogprob], *, start: int = 0
) -> tuple[WrittenToken, ...]:
    """The tokens of a text from a place on, as far as there are log-probabilities: none if they were not asked for."""
    ids = token_ids[: len(logprobs)]
    rows = zip(ids[start:], reply_parts(lm.tokenizer, ids)[start:], logprobs[start:], strict=True)
    return tuple(
        WrittenToken(token_id=token_id, text=_text(lm, token_id), part=part, logprob=logprob)
        for token_id, part, logprob in rows
    )


def count_told(token_ids: Sequence[int], least: int, is_told: Callable[[Sequence[int]], bool]) -> int:
    """How many tokens at the beginning of a text say nothing beyond what its reader was told; `least` is known."""
    return next((count for count in range(len(token_ids), least, -1) if is_told(token_ids[:count])), least)


def share_out(tokens: Sequence[WrittenToken], parts: Sequence[Part]) -> list[Sequence[WrittenToken]]:
    """Cut tokens into a run for each of the parts that tell them, in this order.

    A run reaches to the last token of its part, and the last one to the end.
    """
    runs, start = [], 0
    for number, part in enumerate(parts, start=1):
        ends = [at + 1 for at, token in enumerate(tokens) if token.part == part]
        stop = len(tokens) if number == len(parts) else max([start, *ends])
        runs.append(tokens[start:stop])
        start = stop
    return runs


def chat_logprobs(lm: LanguageModel, tokens: Sequence[WrittenToken]) -> dict[str, Any] | None:
    """Those of a reply or a piece of one, control tokens included; None if there are none."""
    return {"content": token_facts(lm, tokens), "refusal": None} if tokens else None


def token_facts(lm: LanguageModel, tokens: Sequence[WrittenToken]) -> list[dict[str, Any]]:
    """Those of single tokens."""
    return [
        {
            "token": token.text,
            "logprob": round(token.logprob.last, 4),
            "accepted_logprob": None if token.logprob.accepted is None else round(token.logprob.accepted, 4),
            "bytes": list(token.text.encode()),
            "top_logprobs": [_top(lm, top, logprob) for top, logprob in token.logprob.top],
        }
        for token in tokens
    ]


def text_logprobs(lm: LanguageModel, tokens: Sequence[WrittenToken], *, start: int) -> dict[str, Any] | None:
    """Those of a text, or of a piece of one, that begins at a character of an answer; None if there are none."""
    if not tokens:
        return None
    logprobs = [token.logprob for token in tokens]
    texts = [token.text for token in tokens]
    return {
        "tokens": texts,
        "token_logprobs": [round(one.last, 4) for one in logprobs],
        "accepted_logprobs": [None if one.accepted is None else round(one.accepted, 4) for one in logprobs],
        "top_logprobs": [_by_text(lm, one) for one in logprobs] if logprobs[0].top else None,
        "text_offset": list(accumulate(map(len, texts[:-1]), initial=start)),
    }


def _top(lm: LanguageModel, token: int, logprob: float) -> dict[str, Any]:
    text = _text(lm, token)
    return {"token": text, "logprob": round(logprob, 4), "bytes": list(text.encode())}


def _by_text(lm: LanguageModel, one: TokenLogprob) -> dict[str, float]:
    """The likeliest tokens; of those with the same text the likeliest."""
    return {_text(lm, token): round(logprob, 4) for token, logprob in reversed(one.top)}


def _text(lm: LanguageModel, token: int) -> str:
    return lm.tokenizer.decode([token], skip_special=False)
