"""Which sizes of a hole are tried, and which of them are worth more work."""

from collections.abc import Mapping
from itertools import pairwise

GROWTH = 1.3
"""Each size that is tried is about so many times the one before it."""


def sizes_to_try(most: int) -> list[int]:
    """Sizes from 1 to `most`, both among them, whose distances grow."""
    sizes, size = [], 1
    while size < most:
        sizes.append(size)
        size = max(size + 1, round(size * GROWTH))
    return [*sizes, most]


def surest_of_each_scale(unsure: Mapping[int, float], count: int) -> list[int]:
    """Choose sizes of every scale, small to large: of each the one that the network is surest of.

    Few tokens are easily certain, so the surest of all would be too small more often than not.

    Args:
        unsure: Mean entropy of what holes of each size hold, in nats.
        count: How many scales the sizes are divided into, equally many sizes in each.
    """
    sizes = sorted(unsure)
    borders = [len(sizes) * scale // count for scale in range(count + 1)]
    scales = [sizes[start:stop] for start, stop in pairwise(borders)]
    return [min(scale, key=unsure.__getitem__) for scale in scales if scale]
