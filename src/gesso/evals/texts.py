"""Where the texts come from that a model is measured on, or compared with."""

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

from gesso.errors import DataError
from gesso.worlds.stories import WHOLE_WORLD, Split, World, write_story

TextSource = Callable[[random.Random, int], list[str]]
"""Draws so many texts."""


def write_stories(rng: random.Random, count: int, *, split: Split, world: World = WHOLE_WORLD) -> list[str]:
    """Write fresh stories of the story world."""
    return [write_story(rng, split=split, world=world).text for _ in range(count)]


held_out_stories: TextSource = partial(write_stories, split="held_out")
"""Stories that the bundled model's training cannot have told."""


TRAINING_STORIES = 2000
"""Stories that written texts are compared with: not all that a training run saw, but of the same source."""


def training_stories(world: World = WHOLE_WORLD) -> list[str]:
    """Write stories as training tells them, the same each time."""
    return write_stories(random.Random("training stories"), TRAINING_STORIES, split="train", world=world)


def read_texts(file: Path) -> list[str]:
    """Read the texts of a file: its paragraphs, which blank lines divide.

    Raises:
        DataError: The file cannot be read, is not UTF-8, or is empty.
    """
    try:
        content = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: byte {error.start} is not UTF-8; convert the file first") from error
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror}); correct the path") from error
    texts = [" ".join(paragraph.split()) for paragraph in content.replace("\r\n", "\n").split("\n\n")]
    texts = [text for text in texts if text]
    if not texts:
        raise DataError(f"{file} holds no text; give paragraphs, with a blank line between them")
    return texts


def texts_of(file: Path) -> TextSource:
    """Draw from the paragraphs of a file, none twice in one drawing.

    Raises:
        DataError: The file cannot be read; or, when texts are drawn, has fewer than are asked for.
    """
    texts = read_texts(file)

    def draw(rng: random.Random, count: int) -> list[str]:
        if count > len(texts):
            raise DataError(f"{file} has {len(texts)} paragraphs and {count} are asked for; evaluate fewer items")
        return rng.sample(texts, count)

    return draw
