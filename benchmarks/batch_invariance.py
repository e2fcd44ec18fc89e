"""How far a request's tokens depend on who shares its passes, and which operations are to blame.

    python benchmarks/batch_invariance.py --output benchmarks/results/batch_invariance.json

First, matrix products: are a row's numbers the same bits alone as among 16 of its kind? Then the engine on the bundled
model: requests of unlike lengths are written with passes apart and with passes shared, and compared.
"""

import argparse
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import torch

import gesso
from gesso.engine.engine import Engine, EngineSettings
from gesso.engine.events import CanvasCommitted, Event, StepDone
from gesso.engine.request import Request
from gesso.evals.record import write_record

SHAPES = [(256, 256), (256, 512), (512, 256), (256, 4096), (24, 32)]
"""Inputs and outputs of the products: those of the bundled model, and a tiny one."""


def is_invariant(dtype: torch.dtype, height: int, width: int, outputs: int) -> bool:
    """Whether `height` rows times a matrix are the same bits alone and as a part of 2, 5 and 16 times as many rows."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(16 * height, width, generator=generator).to(dtype)
    weight = torch.randn(outputs, width, generator=generator).to(dtype)
    alone = torch.cat([torch.nn.functional.linear(part, weight) for part in rows.split(height)])
    return all(
        torch.equal(torch.nn.functional.linear(rows[: times * height], weight), alone[: times * height])
        for times in (2, 5, 16)
    )


def write(lm: gesso.LanguageModel, asked: list[Request], *, share_passes: bool) -> list[list[Event]]:
    """The events of all requests."""
    engine = Engine(lm.network, EngineSettings(max_rows=len(asked), share_passes=share_passes))
    streams = [engine.submit(request) for request in asked]
    return [list(stream) for stream in streams]


def compare(apart: list[list[Event]], shared: list[list[Event]]) -> dict[str, object]:
    """How many requests have the same tokens, how many tokens differ, and how far the entropies of first steps are."""
    committed = [[e.token_ids for e in events if isinstance(e, CanvasCommitted)] for events in (*apart, *shared)]
    pairs = list(zip(committed[: len(apart)], committed[len(apart) :], strict=True))
    tokens = [pair for one, other in pairs for a, b in zip(one, other, strict=True) for pair in zip(a, b, strict=True)]
    first = [
        [next(e for e in events if isinstance(e, StepDone)).entropy for events in side] for side in (apart, shared)
    ]
    gaps = [abs(a - b) for one, other in zip(*first, strict=True) for a, b in zip(one, other, strict=True)]
    return {
        "requests": len(pairs),
        "requests_with_equal_tokens": sum(one == other for one, other in pairs),
        "tokens_that_differ": round(sum(a != b for a, b in tokens) / len(tokens), 4),
        "largest_gap_of_first_entropies_nats": max(gaps),
    }


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model")
    parser.add_argument("--requests", type=int, default=8)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()

    results: dict[str, object] = {}
    for dtype in (torch.float32, torch.bfloat16):
        name = str(dtype).removeprefix("torch.")
        results[f"{name} products that vary"] = [
            f"{height} x {width} x {outputs}"
            for height in (1, 3, 16, 64, 256)
            for width, outputs in SHAPES
            if not is_invariant(dtype, height, width, outputs)
        ]
        lm = gesso.load(args.model, dtype=dtype)
        unending = replace(lm, stop_ids=frozenset())
        asked = story_requests(unending, args.requests, steps=args.steps, mode="diffusion")
        assert all(len(a.prompt_ids) != len(b.prompt_ids) for a, b in pairwise(asked)), "lengths shall differ"
        results[f"{name} engine"] = compare(write(lm, asked, share_passes=False), write(lm, asked, share_passes=True))
        for key in (f"{name} products that vary", f"{name} engine"):
            print(key, results[key], flush=True)
    if args.output:
        write_record(args.output, {key: value for key, value in vars(args).items() if key != "output"}, results)


if __name__ == "__main__":
    main()
