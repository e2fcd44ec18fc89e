"""Time of a denoising step: Gesso beside Transformers, same weights, same number of steps, same process.

    python benchmarks/against_transformers.py --output benchmarks/results/against_transformers.json
    python benchmarks/against_transformers.py --model 100m --dtypes bfloat16 --steps 3 --repeats 2

`--model 100m` is a network with random weights and a vocabulary of 262,144 tokens (`random_models.py`), which both load
from the same files. `--compile` compiles both.

Both write one canvas from the same prompt with early stopping off. The two alternate, so a machine whose speed drifts
slows both. The figure is the whole of `generate` divided by its steps: network, sampler and loop.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import transformers
from random_models import SHAPES, save_random_model
from record import write_record

import gesso
from gesso.checkpoint.hub import resolve
from gesso.sampling.stop import NeverStop

PROMPT = "Once upon a time"


def gesso_run(model: str | None, dtype: torch.dtype, steps: int, *, compile: bool) -> Callable[[], None]:
    """A call that writes one canvas with Gesso."""
    lm = gesso.load(model, dtype=dtype, compile=compile)
    lm = replace(lm, sampler=replace(lm.sampler, max_steps=steps, stop=NeverStop()), stop_ids=frozenset())

    def run() -> None:
        result = lm.generate(PROMPT, seed=0, max_new_tokens=256)
        assert result.steps == [steps]

    return run


def transformers_run(model: str | None, dtype: torch.dtype, steps: int, *, compile: bool) -> Callable[[], None]:
    """A call that writes one canvas with Transformers."""
    reference = transformers.DiffusionGemmaForBlockDiffusion.from_pretrained(resolve(model), dtype=dtype).eval()
    if compile:
        reference.forward = torch.compile(reference.forward)
    ids = torch.tensor([gesso.load(model).tokenizer.encode(PROMPT, add_bos=True)])

    def run() -> None:
        # A confidence that no canvas reaches turns early stopping off.
        reference.generate(ids, max_new_tokens=256, max_denoising_steps=steps, confidence_threshold=1e-30)

    return run


def seconds(run: Callable[[], None]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="a folder, a hub id, or one of the random shapes; by default the bundled model")
    parser.add_argument("--dtypes", nargs="+", choices=("float32", "bfloat16"), default=["float32", "bfloat16"])
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()

    with TemporaryDirectory() as folder:
        model = str(save_random_model(args.model, Path(folder))) if args.model in SHAPES else args.model
        rows = measure(model, args)
    if args.output:
        settings = {key: value for key, value in vars(args).items() if key != "output"}
        settings |= {"prompt": PROMPT, "batch": 1, "canvas": 256}
        write_record(args.output, settings, rows, packages=("transformers",))


def measure(model: str | None, args: argparse.Namespace) -> list[dict[str, Any]]:
    """Time both systems in turn, in each dtype."""
    rows = []
    for dtype in (getattr(torch, name) for name in args.dtypes):
        runs = {
            "gesso": gesso_run(model, dtype, args.steps, compile=args.compile),
            "transformers": transformers_run(model, dtype, args.steps, compile=args.compile),
        }
        times: dict[str, list[float]] = {name: [] for name in runs}
        for run in runs.values():
            run()
        for _ in range(args.repeats):
            for name, run in runs.items():
                times[name].append(1000 * seconds(run) / args.steps)
        for name, values in times.items():
            rows.append(
                {
                    "system": name,
                    "dtype": str(dtype).removeprefix("torch."),
                    "ms_per_step_median": round(statistics.median(values), 2),
                    "ms_per_step_min": round(min(values), 2),
                    "ms_per_step_max": round(max(values), 2),
                }
            )
            print(rows[-1], flush=True)
    return rows


if __name__ == "__main__":
    main()
