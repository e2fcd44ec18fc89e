"""`gesso bench latency`: how long one text takes."""

from typing import Annotated

from gesso.cli import options
from gesso.cli.bench_options import MODES, Model, Output, Picture, Quiet, Repeats, Warmup, measured, modes_of
from gesso.cli.bench_report import check_places, leave_report
from gesso.cli.measuring import follow_measurement

COLUMNS = {
    "mode": "mode",
    "tokens": "tokens",
    "steps": "steps",
    "first_draft_s": "first draft, s",
    "first_canvas_s": "first canvas, s",
    "total_s": "whole text, s",
    "tokens_per_s": "tokens/s",
    "peak_memory_mb": "peak memory, MB",
}


def latency(
    model: Model = "bundled",
    prompt: Annotated[str, measured("--prompt", "What is asked.")] = "Write a story about a lost toy.",
    chat: Annotated[
        bool, measured("--chat/--raw", "Have the prompt answered as a message, or gone on from as text.")
    ] = True,
    modes: Annotated[str, measured("--modes", "Ways of writing, with commas between.")] = MODES,
    repeats: Repeats = 5,
    warmup: Warmup = 1,
    max_new_tokens: options.MaxNewTokens = None,
    steps: options.Steps = None,
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
    """Measure how long one text takes: until its first draft, its first canvas, its end.

    The same text is written again and again, in each mode in turn. From left to right the first draft is the first
    token, and a step is a token.

    Examples:
        gesso bench latency
        gesso bench latency path/to/model --modes diffusion,autoregressive --repeats 10 -o latency.json
        gesso bench latency 100m --raw --prompt "Once upon a time" --steps 16 --picture latency.svg
    """
    check_places(output, picture)
    asked_modes = modes_of(modes)

    # Only now, so that help and refusals need not wait for torch.
    from gesso.bench.latency import measure_latency
    from gesso.bench.picture import draw_bars
    from gesso.cli.bench_model import facts_of, load_measured

    words = {"dtype": dtype, "quantize": quantize, "device": device, "revision": revision, "offline": offline}
    lm = load_measured(model, quiet=quiet, compile=compile, **words)
    asked = [{"role": "user", "content": prompt}] if chat else prompt
    chosen = {"max_new_tokens": max_new_tokens, "steps": steps, "seed": seed}
    measurement = measure_latency(lm, asked, asked_modes, repeats=repeats, warmup=warmup, **chosen)
    rows = follow_measurement(measurement, "latency", quiet=quiet)
    settings = {
        "model": model,
        "prompt": prompt,
        "chat": chat,
        **chosen,
        "repeats": repeats,
        "warmup": warmup,
        **facts_of(lm),
        "quantize": quantize,
        "compile": compile,
    }
    leave_report(rows, COLUMNS, settings=settings, output=output, quiet=quiet)
    if picture is not None:
        shown = ("first_draft_s", "first_canvas_s", "total_s", "tokens_per_s")
        draw_bars({COLUMNS[name]: {row["mode"]: row[name] for row in rows} for name in shown}, picture)
