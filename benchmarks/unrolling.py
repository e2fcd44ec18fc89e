"""Step distillation by unrolling, before and after: what a second stage gives at 4, 8, 16 and 32 steps a canvas.

    python benchmarks/unrolling.py --output benchmarks/results/unrolling.json --plot docs/pictures/unrolling.svg

A first stage trains a small model, unless `--first` names one of benchmarks/objectives.py. From its weights each second
stage goes on, with the same texts, noise, budget and learning rate: by the same objective, or with a share of the
canvases led on by the sampler before they are learnt from (docs/train.md). Every stage's model then goes on with the
same held-out stories at each number of steps. A run that was cut off is gone on with by the same words.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from objectives import WORLD, run_of

import gesso
from gesso.cli.training_options import ObjectiveName
from gesso.evals.frontier import Frontier
from gesso.evals.frontier_plot import plot_frontiers
from gesso.evals.measure import Report, Sample
from gesso.evals.record import write_record
from gesso.evals.task import Judged
from gesso.evals.world_tasks import Stories
from gesso.train.optimizer import WarmupStableDecay
from gesso.train.prepared_run import prepare_run
from gesso.train.run import Run
from gesso.train.start import FromModel
from gesso.train.unroll import Unroll

STAGES: dict[str, Unroll | None] = {
    "more of the same": None,
    "a quarter unrolled once": Unroll(share=0.25),
    "half unrolled up to 3 times": Unroll(share=0.5, steps=3),
}
STEPS = (4, 8, 16, 32)


def second_stage(first: Run, model: Path, unroll: Unroll | None, arguments: argparse.Namespace) -> Run:
    """What goes on from the first stage's model."""
    steps = arguments.second_steps
    settings = replace(
        first.settings,
        total_steps=steps,
        schedule=WarmupStableDecay(warmup_steps=min(20, steps // 4), total_steps=steps, decay_steps=steps // 2),
        learning_rate=arguments.learning_rate / 2,
        unroll=unroll,
        seed=arguments.seed + 1,
    )
    return replace(first, start=FromModel(model=str(model)), settings=settings)


def trained(run: Run, folder: Path, name: str) -> Path:
    """Train, telling how far it is; the folder of the model."""
    prepared = prepare_run(run, folder)
    for event in prepared.steps():
        if event.step % 100 == 0:
            print(f"{name}: step {event.step} of {run.settings.total_steps}", flush=True)
    return prepared.export()


def frontier(model: Path, arguments: argparse.Namespace) -> Report:
    """Stories that are gone on with, at each number of steps."""
    lm = gesso.load(model)
    stories = Judged(task=Stories(name="continuations", kind="continuation", world=WORLD))
    sample = Sample(items=arguments.items, seeds=(0, 1, 2), sampler=lm.sampler, mode="diffusion")
    measured = Frontier(base=stories, axis="steps", values=STEPS).measure(lm, sample)
    (report,) = (said for said in measured if isinstance(said, Report))
    return report


def table(reports: dict[str, Report]) -> str:
    """Share of faultless sentences by stage and steps, as a table in Markdown."""
    rows = [["second stage", *(f"{steps} steps" for steps in STEPS)], ["---"] * (len(STEPS) + 1)]
    for name, report in reports.items():
        found = [point.figures["sentences"] for point in report.points]
        rows.append([name, *(f"{one.value:.3f} ({one.standard_error:.3f})" for one in found)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="JSON record of the figures")
    parser.add_argument("--plot", type=Path, help="picture of the frontiers")
    parser.add_argument("--runs", type=Path, default=Path("runs/unrolling"), help="folder of the runs")
    parser.add_argument("--documents", type=int, default=10_000, help="stories to learn from")
    parser.add_argument("--steps", type=int, default=1000, help="of the first stage")
    parser.add_argument("--second-steps", type=int, default=300, help="of each second stage")
    parser.add_argument("--first", type=Path, help="model of the same shape in place of the first stage's")
    parser.add_argument("--texts", type=int, default=8, help="of a step, each noised twice")
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument(
        "--learning-rate", type=float, default=4e-3, help="of the first stage; half of it in the second"
    )
    parser.add_argument(
        "--items", type=int, default=40, help="stories for each of three seeds, at each number of steps"
    )
    parser.add_argument("--seed", type=int, default=0, help="of weights, order and noise")
    parser.add_argument("--compile", action="store_true", help="compile the step; pays after some hundred")
    arguments = parser.parse_args()

    first = run_of(ObjectiveName.FLAT.value, arguments)
    model = arguments.first or trained(first, arguments.runs / "first", "first stage")
    reports = {"none": frontier(model, arguments)}
    for name, unroll in STAGES.items():
        run = second_stage(first, model, unroll, arguments)
        reports[name] = frontier(trained(run, arguments.runs / name.replace(" ", "_"), name), arguments)
    print(table(reports))
    settings = {
        name: value for name, value in vars(arguments).items() if name not in ("output", "runs", "plot", "first")
    }
    write_record(arguments.output, settings, {name: report.as_json() for name, report in reports.items()})
    if arguments.plot is not None:
        plot_frontiers(reports, ("sentences", "ok"), arguments.plot)


if __name__ == "__main__":
    main()
