"""Words to be put in order: by the alphabet or by length, either way round."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from gesso.worlds.cases import Case, is_exact
from gesso.worlds.lexicon import ANIMALS, THINGS
from gesso.worlds.splits import Split, belongs

WORDS = tuple(sorted({thing.noun for thing in THINGS if " " not in thing.noun} | {animal.kind for animal in ANIMALS}))
FEWEST_WORDS, MOST_WORDS = 3, 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """An order of words: how it is asked for, and by what it goes."""

    request: str
    key: Callable[[str], str | int]
    descending: bool = False


ORDERS = (
    Order(request="from a to z", key=str),
    Order(request="from z to a", key=str, descending=True),
    Order(request="from short to long", key=len),
    Order(request="from long to short", key=len, descending=True),
)


def write_case(rng: random.Random, split: Split = "train") -> Case:
    """Ask for words in an order that leaves no choice: no two are of equal length where length decides.

    A held-out set of words is never sorted in training, in no order.

    Raises:
        SettingError: there is no such split.
    """
    order = rng.choice(ORDERS)
    while True:
        words = _words(rng, order)
        if belongs(split, *sorted(words)):
            break
    answer = sorted(words, key=order.key, reverse=order.descending)
    prompt = f"Sort these words {order.request}: {', '.join(words)}"
    return Case(prompt=prompt, answer=", ".join(answer), kind="sorting", chat=True)


def is_right(case: Case, text: str) -> bool:
    """Whether a text is all the words in their order, with commas between them."""
    return is_exact(case, text)


def _words(rng: random.Random, order: Order) -> list[str]:
    """Draw words that differ in what the order goes by."""
    count = rng.randint(FEWEST_WORDS, MOST_WORDS)
    shuffled = rng.sample(WORDS, len(WORDS))
    first_of_its_rank = {order.key(word): word for word in reversed(shuffled)}
    return [word for word in shuffled if first_of_its_rank[order.key(word)] == word][:count]
