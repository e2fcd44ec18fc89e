"""A server beside the engine that it runs: the same requests over HTTP and without, alone and many at once.

    python benchmarks/server_beside_engine.py --output benchmarks/results/server_beside_engine.json

The server is `gesso serve` in a process of its own, asked over a socket as any client would; the engine runs in this
one. They take turns, with the same conversations, seeds and threads, and the benchmark ends if one of them writes more
tokens than the other. A request that is alone has its drafts streamed, as a page does. Asking takes time of the
processor, too: give torch one thread less than there are cores (OMP_NUM_THREADS).
"""

import argparse
import re
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import gesso
from gesso.bench.summary import row_as_json, summarize
from gesso.bench.sweep import PROMPTS, Level, Load, sweep
from gesso.bench.target import Target
from gesso.bench.throughput import Run, Traffic, serve_all
from gesso.bench.turns import in_turns
from gesso.engine.engine import Engine, EngineSettings
from gesso.engine.request import Request
from gesso.evals.record import record_of, record_text, write_record
from gesso.lm.language_model import LanguageModel

FIRST_DRAFT_S = 0.15
"""A request that is alone shall see a draft within so many seconds."""

FIRST_CANVAS = 1.1
"""And its first canvas in at most this many times the engine's time."""

THROUGHPUT = 0.9
"""Of the engine's tokens a second, the least share that the server shall write when many ask."""


@contextmanager
def serving(model: str, max_running: int) -> Iterator[str]:
    """The address of a server in a process of its own, which ends with the block."""
    command = [sys.executable, "-m", "gesso", "serve", model, "--port", "0", "--max-running", str(max_running)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = ""
    try:
        for line in process.stderr:
            said += line
            if found := re.search(r"serving .* at (http://\S+)", line):
                threading.Thread(target=process.stderr.read, daemon=True).start()  # its log must not fill the pipe
                yield found[1]
                break
        else:
            raise SystemExit(f"the server did not start:\n{said}")
    finally:
        process.terminate()
        process.wait()


def engine_requests(lm: LanguageModel, load: Load, steps: int | None) -> list[Request]:
    """What the server makes of the load."""
    bodies = [load.body(number) for number in range(load.num_requests)]
    return [
        lm.start(body["messages"], seed=body["seed"], max_new_tokens=body["max_tokens"], steps=steps).request
        for body in bodies
    ]


def by_engine(lm: LanguageModel, requests: Sequence[Request], concurrency: int) -> Run:
    """Have the requests written without a server."""
    settings = EngineSettings(max_rows=concurrency, max_waiting=len(requests))
    return serve_all(Engine(lm.network, settings), requests, Traffic(concurrency=concurrency))


def by_server(target: Target, load: Load) -> Level:
    """Have them written by the server."""
    (level,) = sweep(target.ask, load)
    for reply in level.replies:
        if reply.error is not None:
            raise SystemExit(f"the server did not answer: {reply.error}")
    return level


def compared(load: Load, engine: Sequence[Run], server: Sequence[Level]) -> dict[str, Any]:
    """A row of figures: medians over all requests of all turns, and ratios turn by turn."""
    for run, level in zip(engine, server, strict=True):
        written, answered = [one.tokens for one in run.served], [reply.output_tokens for reply in level.replies]
        if written != answered:
            raise SystemExit(f"the engine wrote {written} tokens and the server {answered}: they cannot be compared")
    speeds = [level.tokens_per_s or 0.0 for level in server]
    rates = [speed / run.tokens_per_s for speed, run in zip(speeds, engine, strict=True)]
    served, replies = [one for run in engine for one in run.served], [one for level in server for one in level.replies]
    drafts = [reply.first_draft_s for reply in replies if reply.first_draft_s is not None]
    texts = [reply.first_text_s or reply.total_s for reply in replies]
    canvas = statistics.median(one.first_canvas_s for one in served)
    return {
        "concurrency": load.concurrency[0],
        "requests": load.num_requests,
        "engine_first_draft_s": statistics.median(one.first_draft_s for one in served),
        "server_first_draft_s": statistics.median(drafts) if drafts else None,
        "engine_first_canvas_s": canvas,
        "server_first_canvas_s": statistics.median(texts),
        "first_canvas_ratio": statistics.median(texts) / canvas,
        "engine_total_s": statistics.median(one.total_s for one in served),
        "server_total_s": statistics.median(reply.total_s for reply in replies),
        "engine_tokens_per_s": summarize([run.tokens_per_s for run in engine]),
        "server_tokens_per_s": summarize(speeds),
        "throughput_ratio": summarize(rates),
    }


def verdicts(alone: dict[str, Any], many: dict[str, Any]) -> dict[str, Any]:
    """Each target, what was seen, and whether that is enough."""
    seen = {
        "first_draft_s": (alone["server_first_draft_s"], FIRST_DRAFT_S, 1),
        "first_canvas_ratio": (alone["first_canvas_ratio"], FIRST_CANVAS, 1),
        "throughput_ratio": (many["throughput_ratio"].median, THROUGHPUT, -1),
    }
    return {
        name: {"seen": round(value, 4), "target": target, "is_met": sign * value <= sign * target}
        for name, (value, target, sign) in seen.items()
    }


def main() -> None:
    """Measure, and print or keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="bundled")
    parser.add_argument("--concurrency", type=int, default=16, help="clients that ask at once")
    parser.add_argument("--requests", type=int, default=32, help="of the many")
    parser.add_argument("--alone", type=int, default=8, help="requests that are alone, one after another")
    parser.add_argument("--max-tokens", type=int, default=256)
    parser.add_argument("--steps", type=int, help="most denoising steps of a canvas; the model's own if left out")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()

    lm = gesso.load(args.model)
    steps = {} if args.steps is None else {"steps": args.steps}
    common = {"prompts": PROMPTS, "max_tokens": args.max_tokens, "seed": 0, "num_warmup": 0}
    with serving(args.model, args.concurrency) as url:
        target = Target(url=url)
        (name,) = target.models()
        loads = {
            "alone": Load(
                model=name,
                concurrency=(1,),
                num_requests=args.alone,
                extra={"diffusion": {"stream_drafts": True, **steps}},
                **common,
            ),
            "many": Load(
                model=name,
                concurrency=(args.concurrency,),
                num_requests=args.requests,
                extra={"diffusion": steps},
                **common,
            ),
        }
        runs: dict[str, Any] = {}
        for which, load in loads.items():
            requests = engine_requests(lm, load, args.steps)
            runs[f"engine, {which}"] = partial(by_engine, lm, requests, load.concurrency[0])
            runs[f"server, {which}"] = partial(by_server, target, load)
        turns = in_turns(runs, repeats=args.repeats, warmup=args.warmup)
        while True:
            try:
                done = next(turns)
            except StopIteration as end:
                found = end.value
                break
            print(f"{done.done} of {done.total} runs", file=sys.stderr, flush=True)
    rows = {
        which: compared(load, found[f"engine, {which}"], found[f"server, {which}"]) for which, load in loads.items()
    }
    settings = {key: str(value) if isinstance(value, Path) else value for key, value in vars(args).items()}
    results = {"targets": verdicts(rows["alone"], rows["many"]), **{key: row_as_json(row) for key, row in rows.items()}}
    if args.output is None:
        print(record_text(record_of(settings, results)), end="")
    else:
        write_record(args.output, settings, results)


if __name__ == "__main__":
    main()
