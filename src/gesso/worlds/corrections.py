"""A story with wrong words in it, unmarked, and the story that it should be."""

import random
import re

from gesso.worlds.cases import Case
from gesso.worlds.check import check_story
from gesso.worlds.lexicon import CHARACTERS, COLORS, THINGS
from gesso.worlds.splits import Split
from gesso.worlds.stories import WHOLE_WORLD, World, write_story

REQUESTS = ("Mend this story:", "Some words in this story are wrong. Mend it:")
MOST_WRONG_WORDS = 4
DISAGREEMENT_CHANCE = 0.5

_ALIKE = (
    tuple(character.name for character in CHARACTERS),
    tuple(thing.noun for thing in THINGS if " " not in thing.noun),
    COLORS,
    *(("he", "she"), ("him", "her"), ("his", "her"), ("himself", "herself")),
    *(("He", "She"), ("His", "Her")),
)
"""Words that may stand for each other in a sentence, but not in a story."""

_LIKES = {word: [other for alike in _ALIKE if word in alike for other in alike] for alike in _ALIKE for word in alike}


def write_case(rng: random.Random, split: Split = "train", world: World = WHOLE_WORLD) -> Case:
    """Ask for a story to be mended in which one to four words are wrong: each of them spoils it by itself.

    Half of the wrong words disagree with the rest, as another name, thing or pronoun; the others make no sentence.

    Raises:
        SettingError: there is no such split, or no such story in this world.
    """
    story = write_story(rng, split=split, world=world)
    words = re.split(r"([A-Za-z]+)", story.text)  # words stand at the odd places
    given = list(words)
    count = rng.randint(1, MOST_WRONG_WORDS)
    while count:
        place, other = _mistake(rng, words)
        if given[place] == words[place] != other and _is_spoiled(words, place, other):
            given[place] = other
            count -= 1
    prompt = f"{rng.choice(REQUESTS)}\n{''.join(given)}"
    return Case(prompt=prompt, answer=story.text, kind="correction", chat=True)


def is_right(case: Case, text: str) -> bool:
    """Whether a text is a story without a fault that changes no more words of the given one than the answer does."""
    given = case.prompt.partition("\n")[2]
    changes = _num_changes(given, text.strip())
    most = _num_changes(given, case.answer)
    return changes is not None and most is not None and changes <= most and check_story(text).ok


def _mistake(rng: random.Random, words: list[str]) -> tuple[int, str]:
    """Draw the place of a word, and another word that may be wrong there."""
    if rng.random() < DISAGREEMENT_CHANCE:
        place = rng.choice([place for place in range(1, len(words), 2) if words[place] in _LIKES])
        return place, rng.choice(_LIKES[words[place]])
    return rng.randrange(1, len(words), 2), rng.choice(words[1::2])


def _is_spoiled(words: list[str], place: int, other: str) -> bool:
    return not check_story("".join([*words[:place], other, *words[place + 1 :]])).ok


def _num_changes(given: str, text: str) -> int | None:
    """Words that differ; None where there are more or fewer."""
    old, new = given.split(" "), text.split(" ")
    return sum(map(str.__ne__, old, new)) if len(old) == len(new) else None
