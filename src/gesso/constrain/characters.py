"""Sets of characters, as ranges of code points."""

from collections.abc import Callable
from functools import cache
from typing import TypeAlias

Ranges: TypeAlias = tuple[tuple[int, int], ...]
"""Inclusive ranges of code points, ascending and apart. Half a surrogate pair is no character and is in none."""

ANY: Ranges = ((0, 0xD7FF), (0xE000, 0x10FFFF))
"""Every character that UTF-8 can write."""


def merged(*sets: Ranges) -> Ranges:
    """The union of sets; the ranges may be given in any order."""
    result: list[tuple[int, int]] = []
    for low, high in sorted(pair for ranges in sets for pair in ranges):
        if result and low <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(result[-1][1], high))
        else:
            result.append((low, high))
    return common(tuple(result), ANY) if result else ()


def common(first: Ranges, second: Ranges) -> Ranges:
    """The intersection of two sets."""
    pairs = ((max(a, c), min(b, d)) for a, b in first for c, d in second)
    return tuple(sorted(pair for pair in pairs if pair[0] <= pair[1]))


def complement(ranges: Ranges) -> Ranges:
    """Every character that is not in a set."""
    gaps, start = [], 0
    for low, high in ranges:
        if start < low:
            gaps.append((start, low - 1))
        start = high + 1
    return common((*gaps, (start, 0x10FFFF)), ANY)


def single(character: str) -> Ranges:
    """The set of one character."""
    return ((ord(character), ord(character)),)


DIGIT: Ranges = ((0x30, 0x39),)
WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
SPACE: Ranges = ((0x09, 0x0D), (0x20, 0x20))
LINE_END: Ranges = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))

_NARROW = {"d": DIGIT, "w": WORD, "s": SPACE}
_WIDE: dict[str, Callable[[str], bool]] = {
    "d": str.isdecimal,
    "w": lambda character: character.isalnum() or character == "_",
    "s": lambda character: character.isspace() or character == "\ufeff",
}


def shorthand(letter: str, *, wide: bool) -> Ranges:
    r"""The set of \d, \w or \s, or of a capital letter, which means all other characters.

    Engines differ on letters, digits and spaces outside ASCII. A narrow set holds what all of them count in, a wide one
    whatever any of them does.

    Args:
        letter: one of "dwsDWS".
        wide: which of the two sets.
    """
    if letter.isupper():
        return complement(shorthand(letter.lower(), wide=not wide))
    return _scan(letter) if wide else _NARROW[letter]


@cache
def _scan(letter: str) -> Ranges:
    points = (point for low, high in ANY for point in range(low, high + 1) if _WIDE[letter](chr(point)))
    return merged(tuple((point, point) for point in points), _NARROW[letter])
