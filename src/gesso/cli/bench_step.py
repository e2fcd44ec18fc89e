"""`gesso bench step`: where the time of a denoising step goes."""

from typing import Annotated, Any

import typer

from gesso.cli import options
from gesso.cli.bench_options import Output, Picture, Quiet, Repeats, Warmup, measured
from gesso.cli.bench_report import check_places, leave_report
from gesso.cli.measuring import follow_measurement, numbers_of

COLUMNS = {
    "model": "model",
    "batch": "batch",
    "step_ms": "step, ms",
    "layers_ms": "layers",
    "reading_ms": "reading",
    "rest_ms": "rest",
    "step_gflop": "GFLOP",
    "of_peak": "of peak",
    "layers_of_peak": "layers, of peak",
    "reading_of_peak": "reading, of peak",
}


def step(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL...",
            help="One or more of: 'bundled', a folder, a Hugging Face hub id, random weights in a shape: 100m, 400m.",
        ),
    ] = None,
    batch: Annotated[str, measured("--batch", "Canvases that share a step, with commas between.")] = "1",
    context: Annotated[int, measured("--context", "Tokens before each canvas.")] = 64,
    repeats: Repeats = 5,
    warmup: Warmup = 1,
    dtype: options.DtypeOption = options.Dtype.BFLOAT16,
    device: options.Device = "auto",
    compile: options.Compile = False,
    revision: options.Revision = None,
    offline: options.Offline = False,
    output: Output = None,
    picture: Picture = None,
    quiet: Quiet = False,
) -> None:
    """Measure a denoising step whole and in parts, beside the speed at which this machine multiplies matrices.

    On a CPU times are those of the processor, per thread: what other programs take of it does not count.

    Examples:
        gesso bench step
        gesso bench step bundled 100m --batch 1,8 -o step.json
        gesso bench step path/to/model --dtype float32 --compile --picture step.svg
    """
    check_places(output, picture)
    names = models or ["bundled"]

    # Only now, so that help and refusals need not wait for torch.
    from gesso.bench.picture import draw_bars
    from gesso.bench.step import StepSetup, measure_step
    from gesso.cli.bench_model import facts_of, load_measured

    setup = StepSetup(batches=numbers_of(batch, "--batch"), context=context)
    rows: list[dict[str, Any]] = []
    facts: dict[str, Any] = {}
    for model in names:
        words = {"dtype": dtype, "device": device, "revision": revision, "offline": offline}
        lm = load_measured(model, quiet=quiet, compile=compile, **words)
        facts = facts_of(lm)
        measurement = measure_step(lm.network, setup, repeats=repeats, warmup=warmup)
        rows += [
            {"model": model, "dtype": facts["dtype"], **row}
            for row in follow_measurement(measurement, model, quiet=quiet)
        ]
    settings = {
        "models": names,
        "batch": list(setup.batches),
        "context": context,
        "repeats": repeats,
        "warmup": warmup,
        **facts,
        "dtype": dtype.value,
        "compile": compile,
    }
    leave_report(rows, COLUMNS, settings=settings, output=output, quiet=quiet)
    if picture is not None:
        shown = ("step_ms", "layers_ms", "reading_ms", "rest_ms", "of_peak")
        bars = {name: {f"{row['model']}, batch {row['batch']}": row[name] for row in rows} for name in shown}
        draw_bars({COLUMNS[name]: values for name, values in bars.items()}, picture)
