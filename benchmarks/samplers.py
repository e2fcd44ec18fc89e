"""Samplers on equal terms: how good stories are by each, over the steps that a canvas takes.

    python benchmarks/samplers.py --items 64 --output benchmarks/results/samplers.json --plot docs/pictures/samplers.svg

Every contender writes the same stories from the same noise, with at most so many steps, and the checker of the story
world judges them. All have the model's own temperatures but the reference, which has everything as published. A run
that was cut off goes on where it was, if its output lies there and nothing else is asked for.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gesso
from gesso.evals.estimate import Estimate
from gesso.evals.frontier import Frontier
from gesso.evals.frontier_plot import plot_frontiers
from gesso.evals.measure import Point, Report, Sample
from gesso.evals.plot import check_plots
from gesso.evals.record import write_record
from gesso.evals.table import table
from gesso.evals.task import Judged
from gesso.evals.world_tasks import Stories
from gesso.worlds.stories import World

CONTENDERS: Mapping[str, Mapping[str, Any]] = {
    "the model's own": {},
    "own, patience 8": {"patience": 8},
    "reference": {"sampler": "reference"},
    "entropy bound, no reach": {"sampler": "entropy-bound", "reach": 0},
    "rising bound": {"sampler": "rising-bound"},
    "rising bound, no reach": {"sampler": "rising-bound", "reach": 0},
    "confidence": {"sampler": "confidence"},
    "top-k": {"sampler": "top-k"},
    "posterior": {"sampler": "posterior"},
    "gibbs": {"sampler": "gibbs"},
}
FIGURES = ("sentences", "consistent", "complete", "grammatical", "ok", "converged")


def kept(output: Path | None, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What an earlier run with the same settings has found."""
    if output is None or not output.exists():
        return {}
    record = json.loads(output.read_text(encoding="utf-8"))
    return record["results"] if record["settings"] == settings else {}


def report_of(name: str, found: Mapping[str, Any]) -> Report:
    """A report from its JSON."""
    points = [
        Point(at=row["max_steps"], figures={key: Estimate(**row[key]) for key in row if key != "max_steps"})
        for row in found["curve"]
    ]
    return Report(name=name, points=tuple(points), axis="max_steps")


def main() -> None:
    """Measure, print, draw, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model")
    parser.add_argument("--items", type=int, default=64)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=int, nargs="+", default=[4, 8, 16, 32, 48])
    parser.add_argument("--phrasings", type=int)
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--output", type=Path)
    parser.add_argument("--plot", type=Path)
    args = parser.parse_args()

    if args.plot:
        check_plots(args.plot.parent)
    settings = {key: value for key, value in vars(args).items() if key not in ("only", "output", "plot")}
    lm = gesso.load(args.model)
    task = Judged(task=Stories(name="stories", kind="request", world=World(phrasings=args.phrasings)))
    frontier = Frontier(base=task, axis="steps", values=tuple(args.steps))
    results = kept(args.output, settings)
    for name in args.only:
        if name not in results:
            sampler = lm.sampler.with_overrides(**CONTENDERS[name])
            sample = Sample(items=args.items, seeds=tuple(args.seeds), sampler=sampler)
            *_, report = frontier.measure(lm, sample)
            assert isinstance(report, Report), "a measure ends with its report"
            results[name] = {"sampler": str(sampler), **report.as_json()}
            if args.output:
                write_record(args.output, settings, results)
        print(table(report_of(name, results[name])), flush=True)
    if args.plot:
        plot_frontiers({name: report_of(name, results[name]) for name in args.only}, FIGURES, args.plot)


if __name__ == "__main__":
    main()
