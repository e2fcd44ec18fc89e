"""`gesso bench peers`: Gesso beside other systems, on the same weights."""

from typing import Annotated, Any

from gesso.cli import options
from gesso.cli.bench_options import Model, Output, Picture, Quiet, Repeats, Warmup, measured
from gesso.cli.bench_report import check_places, leave_report
from gesso.cli.measuring import follow_measurement, numbers_of, words_of
from gesso.errors import SettingError

COLUMNS = {
    "system": "system",
    "dtype": "dtype",
    "batch": "batch",
    "ms_per_step": "ms a step",
    "tokens": "tokens",
    "total_s": "whole, s",
    "tokens_per_s": "tokens/s",
    "gesso_is_faster": "gesso is faster, times",
    "remark": "remark",
}
DTYPES = (options.Dtype.FLOAT32.value, options.Dtype.BFLOAT16.value)


def peers(
    model: Model = "bundled",
    dtypes: Annotated[str, measured("--dtypes", "Dtypes of the weights, with commas between.")] = ",".join(DTYPES),
    batch: Annotated[str, measured("--batch", "Texts at once, with commas between.")] = "1",
    prompt: Annotated[str, measured("--prompt", "A text to go on from.")] = "Once upon a time",
    steps: Annotated[int, measured("--steps", "Denoising steps of each canvas.")] = 16,
    canvases: Annotated[int, measured("--canvases", "Canvases of each text.")] = 1,
    bare: Annotated[bool, measured("--bare", "Let the plainest loop from left to right take part.")] = False,
    repeats: Repeats = 5,
    warmup: Warmup = 1,
    compile: options.Compile = False,
    revision: options.Revision = None,
    offline: options.Offline = False,
    output: Output = None,
    picture: Picture = None,
    quiet: Quiet = False,
) -> None:
    """Measure Gesso beside Transformers, Diffusers and its own left-to-right mode, on a CPU.

    All have the same weights, write the same number of canvases in the same number of steps, in one process and in
    turns. "gesso as shipped" alone writes by the model's own settings. From left to right a step is a token.

    Examples:
        gesso bench peers
        gesso bench peers --bare --batch 1,8 -o peers.json --picture peers.svg
        gesso bench peers 100m --dtypes bfloat16 --steps 3 --repeats 2
    """
    check_places(output, picture)
    names, sizes = words_of(dtypes), numbers_of(batch, "--batch")
    if not names or set(names) - set(DTYPES) or len(set(names)) != len(names):
        raise SettingError(f"--dtypes is {dtypes!r}; give {' or '.join(DTYPES)}, or both with a comma between")

    # Only now, so that help and refusals need not wait for torch.
    import torch

    from gesso.bench.peers import Work, installed, measure_peers
    from gesso.bench.picture import draw_bars
    from gesso.bench.random_models import as_loadable
    from gesso.checkpoint.hub import resolve

    works = [Work(prompt=prompt, steps=steps, batch=size, canvases=canvases) for size in sizes]
    rows: list[dict[str, Any]] = []
    with as_loadable(model) as name:
        folder = resolve(name, revision=revision, offline=offline)
        for dtype in names:
            for work in works:
                measurement = measure_peers(
                    folder,
                    work,
                    dtype=getattr(torch, dtype),
                    compile=compile,
                    bare=bare,
                    repeats=repeats,
                    warmup=warmup,
                )
                rows += follow_measurement(measurement, f"{dtype}, batch {work.batch}", quiet=quiet)
    settings = {
        "model": model,
        "prompt": prompt,
        "dtypes": names,
        "batch": list(sizes),
        "steps": steps,
        "canvases": canvases,
        "bare": bare,
        "repeats": repeats,
        "warmup": warmup,
        "compile": compile,
    }
    packages = installed(("transformers", "diffusers"))
    leave_report(rows, COLUMNS, settings=settings, output=output, quiet=quiet, packages=packages)
    if picture is not None:
        shown = [row for row in rows if "remark" not in row]
        labels = {id(row): f"{row['system']}, {row['dtype']}, {row['batch']}" for row in shown}
        panels = ("ms_per_step", "tokens_per_s")
        bars = {name: {labels[id(row)]: row[name] for row in shown if name in row} for name in panels}
        draw_bars({COLUMNS[name]: values for name, values in bars.items()}, picture)
