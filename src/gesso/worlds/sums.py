"""Small sums and differences of whole numbers from 0 to 99."""

import random

from gesso.worlds.cases import Case, is_exact
from gesso.worlds.splits import Split, belongs

LARGEST_OPERANDS = (9, 20, 99)
ADDITIONS = ("{a} + {b} =", "What is {a} + {b}?", "How much is {a} plus {b}?", "Add {a} and {b}.")
SUBTRACTIONS = ("{a} - {b} =", "What is {a} - {b}?", "How much is {a} minus {b}?", "Take {b} away from {a}.")


def write_case(rng: random.Random, split: Split = "train") -> Case:
    """Ask for a sum, or for a difference that is not negative.

    Two numbers that are held out are so in either order; a sum and a difference are held out apart.

    Raises:
        SettingError: there is no such split.
    """
    while True:
        largest = rng.choice(LARGEST_OPERANDS)
        a, b = rng.randint(0, largest), rng.randint(0, largest)
        sign = rng.choice("+-")
        if belongs(split, sign, str(max(a, b)), str(min(a, b))):
            break
    if sign == "+":
        wording, answer = rng.choice(ADDITIONS), a + b
    else:
        a, b = max(a, b), min(a, b)
        wording, answer = rng.choice(SUBTRACTIONS), a - b
    return Case(prompt=wording.format(a=a, b=b), answer=str(answer), kind="sum", chat=True)


def is_right(case: Case, text: str) -> bool:
    """Whether a text is the number and nothing else."""
    return is_exact(case, text)
