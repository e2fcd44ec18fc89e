"""Tokens a second with many requests at once: the engine, one request after the other, and Transformers.

    python benchmarks/engine_throughput.py --output benchmarks/results/engine_throughput.json

Every system writes one canvas after each of the same prompts, of unlike lengths, with the same weights and the same
number of steps, early stopping and stop tokens off, so that all do equal work. At concurrency n the engine runs n
requests at once, Transformers a batch of n rows, padded. Systems take turns, so a machine whose speed drifts slows all.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
import transformers
from record import write_record

import gesso
from gesso.checkpoint.hub import resolve
from gesso.engine.engine import Engine, EngineSettings
from gesso.engine.events import CanvasCommitted
from gesso.engine.reference import run_request
from gesso.engine.request import Request
from gesso.sampling.stop import NeverStop
from gesso.worlds.stories import write_story

Run = Callable[[int], int]
"""Answers all prompts at a concurrency, and returns how many tokens were written."""


def prompts(lm: gesso.LanguageModel, count: int) -> list[list[int]]:
    """Beginnings of stories, from a few words to a few sentences."""
    rng = random.Random(0)
    texts = [write_story(rng).text.split() for _ in range(count)]
    return [lm.tokenizer.encode(" ".join(words[: rng.randint(4, 60)]), add_bos=True) for words in texts]


def requests(lm: gesso.LanguageModel, count: int, steps: int) -> list[Request]:
    """One canvas after each prompt, with all its steps."""
    sampler = replace(lm.sampler, max_steps=steps, stop=NeverStop())
    return [
        Request(
            prompt_ids=tuple(ids),
            max_new_tokens=lm.network.config.canvas_length,
            sampler=sampler,
            seed=seed,
            stop_ids=frozenset(),
        )
        for seed, ids in enumerate(prompts(lm, count))
    ]


def engine_run(lm: gesso.LanguageModel, asked: list[Request], *, share_passes: bool) -> Run:
    """The engine; its cache of prompts is new in every run."""

    def run(concurrency: int) -> int:
        engine = Engine(lm.network, EngineSettings(max_rows=concurrency, share_passes=share_passes))
        streams = [engine.submit(request) for request in asked]
        return sum(len(e.token_ids) for stream in streams for e in stream if isinstance(e, CanvasCommitted))

    return run


def one_by_one(lm: gesso.LanguageModel, asked: list[Request]) -> Run:
    """The plain loop, request after request, whatever the concurrency."""

    def run(concurrency: int) -> int:
        events = (event for request in asked for event in run_request(lm.network, request))
        return sum(len(event.token_ids) for event in events if isinstance(event, CanvasCommitted))

    return run


def transformers_run(lm: gesso.LanguageModel, asked: list[Request], dtype: torch.dtype, steps: int) -> Run:
    """The reference's `generate`, in batches filled up on the left."""
    folder = resolve(None if lm.name == "bundled" else lm.name)
    reference = transformers.DiffusionGemmaForBlockDiffusion.from_pretrained(folder, dtype=dtype).eval()
    canvas = lm.network.config.canvas_length

    def run(concurrency: int) -> int:
        for first in range(0, len(asked), concurrency):
            rows = [request.prompt_ids for request in asked[first : first + concurrency]]
            width = max(map(len, rows))
            ids = torch.tensor([[lm.tokenizer.pad_id] * (width - len(row)) + list(row) for row in rows])
            mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
            # A confidence that no canvas reaches turns early stopping off.
            reference.generate(
                ids,
                attention_mask=mask,
                max_new_tokens=canvas,
                max_denoising_steps=steps,
                confidence_threshold=1e-30,
                eos_token_id=[],
            )
        return len(asked) * canvas

    return run


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="bfloat16")
    parser.add_argument("--requests", type=int, default=16)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--without-transformers", action="store_true")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()

    dtype = getattr(torch, args.dtype)
    lm = gesso.load(args.model, dtype=dtype)
    asked = requests(lm, args.requests, args.steps)
    runs = {
        "engine, passes apart": engine_run(lm, asked, share_passes=False),
        "engine, passes shared": engine_run(lm, asked, share_passes=True),
        "one by one": one_by_one(lm, asked),
    }
    if not args.without_transformers:
        runs["transformers"] = transformers_run(lm, asked, dtype, args.steps)
    for run in runs.values():
        run(1)
    rows = []
    for concurrency in args.concurrency:
        rates: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(args.repeats):
            for name, run in runs.items():
                started = time.perf_counter()
                tokens = run(concurrency)
                rates[name].append(tokens / (time.perf_counter() - started))
        for name, values in rates.items():
            rows.append(
                {
                    "system": name,
                    "concurrency": concurrency,
                    "tokens_per_s_median": round(statistics.median(values), 1),
                    "tokens_per_s_min": round(min(values), 1),
                    "tokens_per_s_max": round(max(values), 1),
                }
            )
            print(rows[-1], flush=True)
    if args.output:
        settings = {key: value for key, value in vars(args).items() if key != "output"}
        write_record(args.output, settings, rows, packages=("transformers",))


if __name__ == "__main__":
    main()
