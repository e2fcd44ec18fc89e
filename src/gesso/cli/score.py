"""`gesso score`: how likely a model finds a text."""

from typing import Annotated

import typer

from gesso.cli import options
from gesso.cli.output import as_json, write_line
from gesso.cli.passage import spinner


def score(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The text to score.")],
    prompt: Annotated[str, typer.Option("--prompt", help="Text before it, which is not scored.")] = "",
    samples: Annotated[
        int,
        typer.Option(
            "--samples", help="Noisy copies for the bound; 0 leaves it out.", rich_help_panel=options.SAMPLING
        ),
    ] = 32,
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
    """Tell how likely a text is: left to right, and by the bound of diffusion. Lower is likelier.

    Examples:
        gesso score "Once upon a time, there was a little girl named Mia."
        gesso score " She was happy." --prompt "Mia found her kite." --samples 0 --json
    """
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
    with spinner("Scoring", quiet=quiet):
        found = lm.score(text, prompt=prompt, num_samples=samples, seed=seed)
    if json:
        write_line(as_json(found.facts(lm.tokenizer) | {"model": lm.name}))
        return
    write_line(
        f"left to right  {found.bits_per_byte:.3f} bits per byte, {found.nats:.1f} nats: {len(found.token_ids)} tokens "
        "and the end"
    )
    if found.bound_nats is not None:
        write_line(
            f"bound          {found.bound_bits_per_byte:.3f} bits per byte, {found.bound_nats:.1f} nats +- "
            f"{found.bound_error_nats:.1f}"
        )
