"""`gesso infill`: write what is missing between two texts."""

from typing import Annotated

import typer

from gesso.cli import options
from gesso.cli.output import as_json, remark, write_line
from gesso.cli.passage import spinner, write_passage
from gesso.errors import PromptError
from gesso.lm.marks import BLANK, split_at_blanks


def infill(
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help=f"A text with one hole in it, marked {BLANK}.")
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
    quantize: options.Quantize = None,
    device: options.Device = "auto",
    revision: options.Revision = None,
    adapter: options.Adapter = None,
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
    with spinner("Filling", quiet=quiet):
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
    else:
        write_passage([(before, False), (filling.text, True), (after, False)])
    if not quiet:
        remark(f"{len(filling.token_ids)} tokens, {filling.nats_per_token:.2f} nats per token, seed {filling.seed}")


def _sides(text: str | None, prefix: str | None, suffix: str | None) -> tuple[str, str]:
    if text is None:
        return prefix or "", suffix or ""
    if prefix is not None or suffix is not None:
        raise PromptError("a text with a hole is given, and --prefix or --suffix too; give the one or the others")
    sides = split_at_blanks(text)
    if len(sides) != 2:
        raise PromptError(f"the text has {len(sides) - 1} holes; mark one, as {BLANK}")
    return sides[0], sides[1]
