"""Trains a small model from scratch on stories of `gesso.worlds`: what a run looks like, not what a model should be.

gesso train --recipe recipes/small_stories.py --out runs/small
gesso generate "Once upon a time" --model runs/small/model
"""

import random
from collections.abc import Iterator

from gesso.checkpoint.hub import resolve
from gesso.checkpoint.load import load_config
from gesso.diffusion.levels import Mixture, UniformLevels
from gesso.text.tokenizer import Tokenizer
from gesso.train.datasets import Record
from gesso.train.optimizer import WarmupStableDecay
from gesso.train.run import Run
from gesso.train.settings import TrainSettings
from gesso.train.shape import scaled_shape
from gesso.train.start import FromScratch
from gesso.worlds.plots import PLOTS
from gesso.worlds.stories import World, write_story

NUM_STORIES = 10_000
STEPS = 2000


def stories() -> Iterator[Record]:
    """Stories of three plots, each told in one way: a world that a small model can learn."""
    rng = random.Random(0)
    world = World(plots=tuple(PLOTS)[:3], phrasings=1)
    for number in range(NUM_STORIES):
        yield Record(value={"text": write_story(rng, world=world).text}, origin=f"story {number}")


def run() -> Run:
    """Four layers of width 128."""
    bundled = resolve("bundled")
    return Run(
        start=FromScratch(shape=scaled_shape(load_config(bundled), Tokenizer.load(bundled), width=128, layers=4)),
        data=stories,
        settings=TrainSettings(
            total_steps=STEPS,
            schedule=WarmupStableDecay(warmup_steps=50, total_steps=STEPS, decay_steps=STEPS // 4),
            learning_rate=4e-3,
            # Agreement of names across a canvas is learnt last and only at high noise: see it more often.
            levels=Mixture(parts=((0.5, UniformLevels()), (0.5, UniformLevels(low=0.6)))),
            compile=True,
        ),
    )
