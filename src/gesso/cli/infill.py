"""`gesso infill`: write what is missing between two texts."""

import re
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated

import typer
from rich.console import Console

from gesso.cli import options
from gesso.cli.frame import Mark, Span, printable
from gesso.cli.output import as_json, remark, write_line
from gesso.cli.painter import Painter
from gesso.errors import PromptError

HOLE = "___"
_HOLE = re.compile("_{3,}")


def infill(
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help=f"A text with one hole in it, marked {HOLE}.")
    ] = None,
    prefix: Annotated[str | None, typer.Option("--prefix", help="Text before the hole.")] = None,
    suffix: Annotated[str | None, typer.Option("--suffix", help="Text after the hole.")] = None,
    max_hole_tokens: Annotated[
        int, typer.Option("--max-hole-tokens", help="The largest hole that is tried.", rich_help_panel=options.SAMPLING)
    ] = 40,
    model: options.Model = "bundled",
    steps: options.Steps = None,
    seed: options.Seed = None,
    temperature: options.Temperature = None,
    dtype: options.DtypeOption = options.Dtype.AUTO,
    device: options.Device = "auto",
    revision: options.Revision = None,
    offline: options.Offline = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Fill the hole in a text.

    Holes of several sizes are filled; the filling that reads likeliest is taken. Prints the whole text.

    Examples:
        gesso infill "Once upon a time ___ and they all went home."
        gesso infill --prefix "Tom had a kite." --suffix " It was red." --seed 7 --json
    """
    before, after = _sides(text, prefix, suffix)

    from gesso.cli.loading import load_model

    lm = load_model(model, dtype=dtype, device=device, revision=revision, offline=offline, quiet=quiet)
    with _spinner(quiet=quiet):
        filling = lm.infill(
            before, after, seed=seed, steps=steps, temperature=temperature, max_hole_tokens=max_hole_tokens
        )
    if json:
        facts = {
            "text": before + filling.text + after,
            "prefix": before,
            "filling": filling.text,
            "suffix": after,
            "token_ids": list(filling.token_ids),
            "nats_per_token": round(filling.nats_per_token, 4),
            "seed": filling.seed,
            "model": lm.name,
        }
        write_line(as_json(facts))
    elif sys.stdout.isatty():
        highlighted = Painter(Console()).paint(Span(printable(filling.text), Mark.ACCEPTED))
        write_line(printable(before) + highlighted + printable(after))
    else:
        write_line(before + filling.text + after)
    if not quiet:
        remark(f"{len(filling.token_ids)} tokens, {filling.nats_per_token:.2f} nats per token, seed {filling.seed}")


def _sides(text: str | None, prefix: str | None, suffix: str | None) -> tuple[str, str]:
    if text is None:
        return prefix or "", suffix or ""
    if prefix is not None or suffix is not None:
        raise PromptError("a text with a hole is given, and --prefix or --suffix too; give the one or the others")
    sides = _HOLE.split(text)
    if len(sides) != 2:
        raise PromptError(f"the text has {len(sides) - 1} holes; mark one, as {HOLE}")
    return sides[0], sides[1]


def _spinner(*, quiet: bool) -> AbstractContextManager[object]:
    console = Console(stderr=True)
    return nullcontext() if quiet or not console.is_terminal else console.status("Filling")
