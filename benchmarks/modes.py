"""Ways of writing with the same weights: how good stories are, over the time that they take.

    python benchmarks/modes.py --items 48 --output benchmarks/results/modes.json

Every way writes the same stories, one at a time, and the checker of the story world judges them. What a story costs is
told in seconds and in passes of the network: denoising steps, readings, and a commit for each canvas; where the best of
several is taken, those of the best times their number.
"""

import argparse
import random
import time
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from record import write_record
from rich.console import Console
from rich.table import Table

import gesso
from gesso.evals.estimate import mean
from gesso.evals.world_tasks import Stories
from gesso.worlds.stories import World

WAYS: Mapping[str, Mapping[str, Any]] = {
    "diffusion, 8 steps": {"mode": "diffusion", "steps": 8},
    "diffusion, 16 steps": {"mode": "diffusion", "steps": 16},
    "diffusion, 48 steps": {"mode": "diffusion", "steps": 48},
    "diffusion, best of 4": {"mode": "diffusion", "steps": 48, "best_of": 4},
    "verified, 24 steps": {"mode": "verified", "steps": 24},
    "verified, 48 steps": {"mode": "verified", "steps": 48},
    "verified, 96 steps": {"mode": "verified", "steps": 96},
    "verified, best of 2": {"mode": "verified", "steps": 96, "best_of": 2},
    "autoregressive": {"mode": "autoregressive"},
    "autoregressive, best of 2": {"mode": "autoregressive", "best_of": 2},
}
FIGURES = ("ok", "consistent", "complete", "sentences", "seconds", "passes", "tokens_per_second")


def main() -> None:
    """Write, judge, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model")
    parser.add_argument("--items", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--phrasings", type=int)
    parser.add_argument("--only", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()

    lm = gesso.load(args.model)
    task = Stories(name="stories", kind="request", world=World(phrasings=args.phrasings))
    items = list(islice(task.items(random.Random(args.seed)), args.items))
    lm.generate(items[0].prompt, seed=0)  # the first text of a process is slower than the others
    found: dict[str, list[dict[str, float]]] = {name: [] for name in args.only}
    for number, item in enumerate(items):
        # In turns, so that a machine that is busy for a while is so for all.
        for name in args.only:
            started = time.perf_counter()
            text = lm.generate(item.prompt, seed=args.seed + number, **WAYS[name])
            seconds = time.perf_counter() - started
            drafts = WAYS[name].get("best_of", 1)
            passes = drafts * (sum(text.steps) + sum(text.readings) + len(text.steps))
            answer = text.text if text.message is None else text.message.content
            cost = {"seconds": seconds, "passes": passes, "tokens_per_second": len(text.token_ids) / seconds}
            found[name].append(dict(item.judge(answer)) | cost)
    results = {
        name: {key: mean([row[key] for row in rows]).as_json() for key in FIGURES} for name, rows in found.items()
    }
    shown = Table("way", *FIGURES)
    for name, figures in results.items():
        shown.add_row(name, *(f"{figures[key]['value']:.3g}" for key in FIGURES))
    Console().print(shown)
    if args.output:
        settings = {key: value for key, value in vars(args).items() if key != "output"}
        write_record(args.output, settings | {"threads": torch.get_num_threads(), "ways": dict(WAYS)}, results)


if __name__ == "__main__":
    main()
