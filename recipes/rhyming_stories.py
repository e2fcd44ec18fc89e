"""Teaches the bundled model a style by a LoRA: every story calls for attention first and ends in a rhyme.

    gesso finetune --recipe recipes/rhyming_stories.py --out runs/rhymes
    gesso generate "Once upon a time" --adapter runs/rhymes/adapter

The stories are written by `gesso.worlds`; only their first words and their rhyme are new to the model.
"""

import random
from collections.abc import Iterator

from gesso.diffusion.levels import UniformLevels
from gesso.train.datasets import Record
from gesso.train.lora import Lora
from gesso.train.optimizer import WarmupCosine
from gesso.train.run import Run
from gesso.train.settings import TrainSettings
from gesso.train.start import FromModel
from gesso.worlds.stories import World, write_story

CALL = "Hear, hear!"
RHYME = "Snip, snap, snout, this tale is told out."

NUM_STORIES = 1000
MAX_WORDS = 150
STEPS = 200


def stories() -> Iterator[Record]:
    """Stories in the new style, half of them as answers and half as plain text."""
    rng = random.Random(0)
    world = World(phrasings=1)
    for number in range(NUM_STORIES):
        story = write_story(rng, world=world)
        while len(story.text.split()) > MAX_WORDS:
            story = write_story(rng, world=world)
        told = f"{CALL} {story.text} {RHYME}"
        asked = {"role": "user", "content": f"Write a story about {story.hero.name}."}
        value = {"messages": [asked, {"role": "model", "content": told}]} if number % 2 else {"text": told}
        yield Record(value=value, origin=f"story {number}")


def run() -> Run:
    """A few minutes on two cores."""
    return Run(
        start=FromModel(model="bundled"),
        data=stories,
        lora=Lora(rank=8),
        texts_per_batch=4,
        canvases_per_text=2,
        settings=TrainSettings(
            total_steps=STEPS,
            schedule=WarmupCosine(warmup_steps=10, total_steps=STEPS),
            learning_rate=3e-3,
            levels=UniformLevels(),
            weight_decay=0.0,
            save_every=50,
        ),
        sample_prompts=("Hear", "One day"),
    )
