"""`gesso edit`: write spans of a text anew."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from gesso.cli import options
from gesso.cli.output import as_json, remark, write_line
from gesso.cli.passage import spinner, write_passage
from gesso.errors import PromptError, SettingError
from gesso.lm.marks import read_spans

if TYPE_CHECKING:
    from gesso.lm.edit import Edit


def edit(
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="A text; what shall be written anew stands in [[double brackets]].")
    ],
    span: Annotated[
        list[str] | None,
        typer.Option(
            "--span", metavar="START:END", help="Characters to write anew, instead of brackets; may be repeated."
        ),
    ] = None,
    max_span_tokens: Annotated[
        int | None,
        typer.Option(
            "--max-span-tokens",
            help="Most tokens that a span may have anew; without it twice as many as it has, and 2.",
            rich_help_panel=options.SAMPLING,
        ),
    ] = None,
    model: options.Model = "bundled",
    steps: options.Steps = None,
    seed: options.Seed = None,
    temperature: options.Temperature = None,
    dtype: options.DtypeOption = options.Dtype.AUTO,
    quantize: options.Quantize = None,
    device: options.Device = "auto",
    revision: options.Revision = None,
    adapter: options.Adapter = None,
    offline: options.Offline = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write spans of a text anew; everything else stays as it is.

    How long each span becomes is the model's choice. With --span, brackets in the text are mere characters; without it,
    a backslash makes them so.

    Examples:
        gesso edit "Once upon a time, there was a [[boy]] named [[Tom]]. He had a red kite."
        gesso edit "Tom had a kite." --span 0:3 --seed 7 --json
    """
    plain, spans = (text, [_span(one) for one in span]) if span else read_spans(text)
    if not spans:
        raise PromptError("the text has no span; mark what shall be written anew, as [[...]], or give --span START:END")

    from gesso.cli.loading import load_model
    from gesso.lm.edit import check_spans

    check_spans(plain, spans)
    lm = load_model(
        model,
        dtype=dtype,
        device=device,
        revision=revision,
        offline=offline,
        quiet=quiet,
        adapter=adapter,
        quantize=quantize,
    )
    with spinner("Editing", quiet=quiet):
        edited = lm.edit(plain, spans, seed=seed, steps=steps, temperature=temperature, max_span_tokens=max_span_tokens)
    if json:
        facts = {
            "text": edited.text,
            "spans": [
                {
                    "start": one.start,
                    "stop": one.stop,
                    "old": one.old,
                    "new": one.new,
                    "new_start": one.new_start,
                    "token_ids": list(one.token_ids),
                    "nats_per_token": round(one.nats_per_token, 4),
                }
                for one in edited.spans
            ],
            "seed": edited.seed,
            "model": lm.name,
        }
        write_line(as_json(facts))
    else:
        write_passage(_parts(edited))
    if not quiet:
        changed = ", ".join(f"{one.old!r} to {one.new!r}" for one in edited.spans)
        remark(f"{changed}; seed {edited.seed}")


def _span(words: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+):(\d+)", words)
    if match is None:
        raise SettingError(f"--span is {words!r}; give two numbers, such as 0:4, the first character and last + 1")
    return int(match[1]), int(match[2])


def _parts(edited: "Edit") -> Iterator[tuple[str, bool]]:
    """The edited text, cut where new text begins and ends."""
    end = 0
    for span in edited.spans:
        yield edited.text[end : span.new_start], False
        yield span.new, True
        end = span.new_start + len(span.new)
    yield edited.text[end:], False
