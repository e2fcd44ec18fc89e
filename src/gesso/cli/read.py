"""`gesso read`: read decisions off the slots of a template."""

from typing import Annotated

import typer

from gesso.cli import options
from gesso.cli.output import as_json, remark, write_line
from gesso.cli.passage import spinner


def read(
    template: Annotated[str, typer.Argument(metavar="TEMPLATE", help="A text whose slots are marked ___.")],
    choices: Annotated[
        list[str],
        typer.Option(
            "--choices", "-c", help="Labels with commas between, for all slots; or once for each slot, in order."
        ),
    ],
    prompt: Annotated[str, typer.Option("--prompt", help="Text before the template.")] = "",
    chat: Annotated[
        bool, typer.Option("--chat/--raw", help="The template answers the prompt as a user's message, or goes on.")
    ] = False,
    left_to_right: Annotated[
        bool,
        typer.Option("--left-to-right", help="Read slot after slot by the causal mode; labels may differ in length."),
    ] = False,
    draws: Annotated[
        int, typer.Option("--draws", help="Draws of noise to average over.", rich_help_panel=options.SAMPLING)
    ] = 8,
    seed: Annotated[int, typer.Option("--seed", help="Of the noise.", rich_help_panel=options.SAMPLING)] = 0,
    model: options.Model = "bundled",
    dtype: options.DtypeOption = options.Dtype.AUTO,
    quantize: options.Quantize = None,
    device: options.Device = "auto",
    revision: options.Revision = None,
    adapter: options.Adapter = None,
    offline: options.Offline = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Tell how likely each label is at each slot of a template.

    No text is written: the template is pinned in a canvas, and all slots are read in one pass.

    Examples:
        gesso read "Tom was ___. He began to cry." --choices happy,sad
        gesso read "A ___ had a ___ kite." -c girl,boy,dog -c red,blue --json
    """
    from gesso.cli.loading import load_model

    labels = [[label.strip() for label in one.split(",")] for one in choices]
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
    with spinner("Reading", quiet=quiet):
        reading = lm.read(
            template,
            labels[0] if len(labels) == 1 else labels,
            prompt=[{"role": "user", "content": prompt}] if chat else prompt,
            by="left_to_right" if left_to_right else "canvas",
            num_draws=draws,
            seed=seed,
        )
    if json:
        write_line(as_json(reading.facts() | {"model": lm.name}))
        return
    for slot in reading.slots:
        write_line("  ".join(f"{label} {p:.3f}" for label, p in slot.probabilities.items()))
    if not quiet:
        masses = ", ".join(f"{slot.mass:.2f}" for slot in reading.slots)
        remark(f"{reading.text!r}; the labels have {masses} of all probability")
