"""The same small model trained with each objective, and from left to right, on equal terms: what comes of it.

    python benchmarks/objectives.py --steps 2000 --output benchmarks/results/objectives.json

Every run has the same first weights, texts in the same order, noise, budget and learning rate; only what the denoiser
minimises differs. A model is measured by the bound on its likelihood, which takes what its logits mean into account; by
its left-to-right likelihood, for the encoder learns beside; and by the stories that it goes on with, unless its logits
are leave-one-out, which the sampler does not read. `left_to_right` is the autoregressive twin: it trains the encoder
alone, has no bound, and writes token by token. A run that was cut off is gone on with by the same words.
"""

import argparse
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import gesso
from gesso.checkpoint.hub import resolve
from gesso.checkpoint.load import load_config
from gesso.cli.run_words import INNER_LEVELS, OBJECTIVES
from gesso.cli.training_options import ObjectiveName
from gesso.evals.estimate import Estimate
from gesso.evals.likelihood import TextLikelihood
from gesso.evals.measure import Measure, Report, Sample
from gesso.evals.record import write_record
from gesso.evals.task import Judged
from gesso.evals.texts import write_stories
from gesso.evals.world_tasks import Stories
from gesso.text.tokenizer import Tokenizer
from gesso.train.datasets import Record
from gesso.train.optimizer import WarmupStableDecay
from gesso.train.prepared_run import prepare_run
from gesso.train.run import Run
from gesso.train.settings import TrainSettings
from gesso.train.shape import scaled_shape
from gesso.train.start import FromScratch
from gesso.worlds.plots import PLOTS
from gesso.worlds.stories import World, write_story

WORLD = World(plots=tuple(PLOTS)[:3], phrasings=1)
"""Three plots, each told in one way: a world that a small model can learn, as in recipes/small_stories.py."""

FIGURES = {
    "nelbo": ("bits_per_byte", "left_to_right_bits_per_byte"),
    "continuations": ("sentences", "grammatical", "consistent", "ok", "steps"),
}


LEFT_TO_RIGHT = "left_to_right"
WAYS = (*(objective.value for objective in ObjectiveName), LEFT_TO_RIGHT)


def run_of(way: str, arguments: argparse.Namespace) -> Run:
    """A run that differs from the others in what it minimises alone."""

    def stories() -> Iterator[Record]:
        rng = random.Random(0)
        for number in range(arguments.documents):
            yield Record(value={"text": write_story(rng, world=WORLD).text}, origin=f"story {number}")

    bundled = resolve("bundled")
    shape = scaled_shape(load_config(bundled), Tokenizer.load(bundled), width=arguments.width, layers=arguments.layers)
    steps = arguments.steps
    return Run(
        start=FromScratch(shape=shape),
        data=stories,
        texts_per_batch=arguments.texts,
        settings=TrainSettings(
            total_steps=steps,
            schedule=WarmupStableDecay(warmup_steps=min(50, steps // 4), total_steps=steps, decay_steps=steps // 4),
            learning_rate=arguments.learning_rate,
            levels=INNER_LEVELS,
            left_to_right=way == LEFT_TO_RIGHT,
            **({} if way == LEFT_TO_RIGHT else {"objective": OBJECTIVES[ObjectiveName(way)]}),
            compile=arguments.compile,
            seed=arguments.seed,
        ),
    )


def measures_of(way: str) -> list[Measure]:
    """What is measured of a model that was trained in a way."""
    texts = partial(write_stories, split="held_out", world=WORLD)
    if way == ObjectiveName.LEAVE_ONE_OUT.value:
        return [TextLikelihood(texts=texts, prediction="leave_one_out")]
    return [TextLikelihood(texts=texts), Judged(task=Stories(name="continuations", kind="continuation", world=WORLD))]


def train_and_measure(way: str, arguments: argparse.Namespace) -> dict[str, Estimate]:
    """The figures of one way."""
    prepared = prepare_run(run_of(way, arguments), arguments.runs / way)
    for event in prepared.steps():
        if event.step % 100 == 0:
            print(f"{way}: step {event.step} of {arguments.steps}", flush=True)
    lm = gesso.load(prepared.export())
    sample = Sample(
        items=arguments.items,
        seeds=(0, 1, 2),
        sampler=lm.sampler,
        mode="autoregressive" if way == LEFT_TO_RIGHT else "diffusion",
    )
    figures: dict[str, Estimate] = {}
    for measure in measures_of(way):
        (report,) = (said for said in measure.measure(lm, sample) if isinstance(said, Report))
        figures |= {name: report.points[0].figures[name] for name in FIGURES[measure.name]}
    if way == LEFT_TO_RIGHT:
        # Its denoiser has learnt nothing.
        del figures["bits_per_byte"]
    return figures


def table(results: dict[str, dict[str, Estimate]]) -> str:
    """The figures as a table in Markdown, each with its standard error."""
    names = [name for group in FIGURES.values() for name in group]
    rows = [["trained by", *names], ["---"] * (len(names) + 1)]
    for way, figures in results.items():
        cells = (figures.get(name) for name in names)
        rows.append([way, *("" if one is None else f"{one.value:.3f} ({one.standard_error:.3f})" for one in cells)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="JSON record of the figures")
    parser.add_argument("--runs", type=Path, default=Path("runs/objectives"), help="folder of the runs")
    parser.add_argument("--objectives", nargs="+", choices=WAYS, default=WAYS, metavar="NAME")
    parser.add_argument("--documents", type=int, default=10_000, help="stories to learn from")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--texts", type=int, default=8, help="of a step, each noised twice")
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--learning-rate", type=float, default=4e-3)
    parser.add_argument("--items", type=int, default=100, help="items for each of three seeds")
    parser.add_argument("--seed", type=int, default=0, help="of weights, order and noise")
    parser.add_argument("--compile", action="store_true", help="compile the step; pays after some hundred")
    arguments = parser.parse_args()

    results = {way: train_and_measure(way, arguments) for way in arguments.objectives}
    print(table(results))
    settings = {name: value for name, value in vars(arguments).items() if name not in ("output", "runs")}
    figures = {name: {key: one.as_json() for key, one in found.items()} for name, found in results.items()}
    write_record(arguments.output, settings, figures)


if __name__ == "__main__":
    main()
