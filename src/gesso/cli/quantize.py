"""`gesso quantize`: write a model again with its weights in few bits."""

from pathlib import Path
from typing import Annotated

import typer

from gesso.cli import options
from gesso.cli.output import as_json, as_size, remark, write_line


def quantize(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="'bundled', a folder, or a Hugging Face hub id.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the quantized model.")],
    to: Annotated[options.Quantization, typer.Option("--to", help="What linear maps and experts become.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model that is in OUT.")] = False,
    revision: options.Revision = None,
    offline: options.Offline = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write MODEL into OUT with its weights in 8 or 4 bits: about half of the memory, or a third.

    Every command runs what it writes. The same weights come of --quantize, each time a model is loaded.

    What all that changes is told in docs/quant.md: int8 next to nothing, fp8 and int4 more.

    Examples:
        gesso quantize bundled --to int8 small
        gesso quantize google/diffusiongemma-26B-A4B-it --to int4 diffusiongemma-int4
        gesso generate "Once upon a time" --model small
    """
    from gesso.checkpoint.generation_config import read_generation_config
    from gesso.checkpoint.hub import resolve
    from gesso.checkpoint.load import check_finite, inspect_checkpoint, load_network, load_scheme
    from gesso.checkpoint.save import save_network
    from gesso.cli.loading import progress_bar
    from gesso.errors import CheckpointError

    folder = resolve(model, revision=revision, offline=offline)
    if (scheme := load_scheme(folder)) is not None:
        raise CheckpointError(f"{model} is quantized to {scheme.name} already; give the model that it was made from")
    with progress_bar(model, quiet=quiet) as progress:
        network = load_network(folder, quantize=to.value, progress=progress)
    check_finite(network)
    before = inspect_checkpoint(folder)
    save_network(
        network,
        out,
        tokenizer_files=folder,
        generation_config=read_generation_config(folder, network.config),
        vision_tensors=folder if before.vision else None,
        overwrite=overwrite,
    )
    after = inspect_checkpoint(out)
    if json:
        facts = {
            "folder": str(out),
            "scheme": to.value,
            "size_bytes": after.size_bytes,
            "original_size_bytes": before.size_bytes,
        }
        write_line(as_json(facts))
    if not quiet:
        remark(f"{out}: {as_size(after.size_bytes)} in {to.value}, {as_size(before.size_bytes)} before")
