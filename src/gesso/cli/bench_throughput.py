"""`gesso bench throughput`: how much the engine writes when many ask."""

from typing import Annotated

from gesso.cli import options
from gesso.cli.bench_options import Model, Output, Picture, Quiet, Repeats, Warmup, measured
from gesso.cli.bench_report import check_places, leave_report
from gesso.cli.measuring import follow_measurement, numbers_of

COLUMNS = {
    "traffic": "requests",
    "tokens_per_s": "all tokens/s",
    "tokens_per_s_of_a_request": "of one, tokens/s",
    "tokens_per_forward": "tokens a pass",
    "first_draft_p50_s": "first draft, s",
    "first_draft_p90_s": "p90",
    "first_canvas_p50_s": "first canvas, s",
    "first_canvas_p90_s": "p90",
    "total_p50_s": "whole text, s",
    "total_p90_s": "p90",
}


def throughput(
    model: Model = "bundled",
    concurrency: Annotated[
        str, measured("--concurrency", "Requests at once, level by level, with commas between.")
    ] = "1,2,4,8,16",
    arrivals: Annotated[
        str | None,
        measured("--arrivals", "Let requests arrive at random instead, so many a second; rates with commas between."),
    ] = None,
    requests: Annotated[int, measured("--requests", "Requests of each level.")] = 16,
    all_steps: Annotated[
        bool, measured("--all-steps", "Let every canvas take all its steps, and no text end early: equal work.")
    ] = False,
    share_passes: Annotated[
        bool | None,
        measured("--share-passes/--no-share-passes", "Whether canvases share passes; by default on a GPU."),
    ] = None,
    repeats: Repeats = 3,
    warmup: Warmup = 1,
    max_new_tokens: options.MaxNewTokens = None,
    steps: options.Steps = None,
    mode: options.Mode = None,
    seed: options.Seed = 0,
    dtype: options.DtypeOption = options.Dtype.AUTO,
    quantize: options.Quantize = None,
    device: options.Device = "auto",
    compile: options.Compile = False,
    revision: options.Revision = None,
    offline: options.Offline = False,
    output: Output = None,
    picture: Picture = None,
    quiet: Quiet = False,
) -> None:
    """Measure how much the engine writes when many ask: so many at once, or as they come.

    Requests go on from the beginnings of stories, of unlike lengths. Each level has a new engine and the same requests.
    With --arrivals, the largest --concurrency is how many are written at once, and the others wait; latencies count
    from the arrival.

    Examples:
        gesso bench throughput
        gesso bench throughput --concurrency 1,4 --requests 8 --all-steps --steps 8 -o throughput.json
        gesso bench throughput path/to/model --arrivals 0.5,1,2 --requests 64 --picture throughput.svg
    """
    check_places(output, picture)
    levels = numbers_of(concurrency, "--concurrency")
    rates = None if arrivals is None else numbers_of(arrivals, "--arrivals", float)

    # Only now, so that help and refusals need not wait for torch.
    from gesso.bench.picture import draw_bars
    from gesso.bench.throughput import Traffic, measure_throughput
    from gesso.bench.workload import story_requests, with_all_steps
    from gesso.cli.bench_model import facts_of, load_measured
    from gesso.engine.request import check_mode

    asked_mode = None if mode is None else check_mode(mode)
    first_seed = 0 if seed is None else seed
    traffics = [Traffic(concurrency=level) for level in levels]
    if rates is not None:
        traffics = [Traffic(concurrency=max(levels), arrivals_per_s=rate, seed=first_seed) for rate in rates]
    words = {"dtype": dtype, "quantize": quantize, "device": device, "revision": revision, "offline": offline}
    lm = load_measured(model, quiet=quiet, compile=compile, **words)
    lm = with_all_steps(lm) if all_steps else lm
    chosen = {"steps": steps, "max_new_tokens": max_new_tokens, "mode": asked_mode, "seed": first_seed}
    asked = story_requests(lm, requests, **chosen)
    measurement = measure_throughput(lm, asked, traffics, repeats=repeats, warmup=warmup, share_passes=share_passes)
    rows = follow_measurement(measurement, "throughput", quiet=quiet)
    settings = {
        "model": model,
        "requests": requests,
        "all_steps": all_steps,
        "share_passes": share_passes,
        **chosen,
        "repeats": repeats,
        "warmup": warmup,
        **facts_of(lm),
        "quantize": quantize,
        "compile": compile,
    }
    leave_report(rows, COLUMNS, settings=settings, output=output, quiet=quiet)
    if picture is not None:
        shown = ("tokens_per_s", "first_draft_p50_s", "total_p50_s", "total_p90_s")
        titles = COLUMNS | {"total_p90_s": "whole text, s, p90"}
        draw_bars({titles[name]: {row["traffic"]: row[name] for row in rows} for name in shown}, picture)
