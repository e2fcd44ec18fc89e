"""How far two samples of texts lie from each other: energy distance between bags of n-grams.

Each text is a point: counts of its runs of one, two and three words, hashed into a vector of length 1. Between samples
X and Y of such points stands (Szekely and Rizzo 2013, "Energy statistics")

    E = 2 mean |x - y| - mean |x - x'| - mean |y - y'|,   all pairs, x = x' included,

which is never negative, 0 for equal samples and, in the limit of many texts, 0 only for equal distributions. No other
model is needed. Two samples of one source are not at 0 but at about 1 / n: report that floor beside the figure.
"""

import zlib
from collections import Counter
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from gesso.errors import SettingError

NUM_BUCKETS = 4096
"""Dimensions that n-grams are hashed into."""

LONGEST_RUN = 3
"""Words of the longest n-gram."""


def embed(texts: Sequence[str]) -> Float[Tensor, "N D"]:
    """One point for each text, in float64, of length 1; a text without words lies at the origin."""
    points = torch.zeros(len(texts), NUM_BUCKETS, dtype=torch.float64)
    for row, text in enumerate(texts):
        words = text.split()
        runs = (" ".join(words[i : i + n]) for n in range(1, LONGEST_RUN + 1) for i in range(len(words) - n + 1))
        for bucket, count in Counter(zlib.crc32(run.encode()) % NUM_BUCKETS for run in runs).items():
            points[row, bucket] = count
    return torch.nn.functional.normalize(points)


def energy_distance(first: Float[Tensor, "N D"], second: Float[Tensor, "M D"]) -> float:
    """Energy distance between two samples of points.

    Raises:
        SettingError: A sample is empty.
    """
    if not len(first) or not len(second):
        raise SettingError(f"samples of {len(first)} and {len(second)} texts have no distance; give at least one each")
    between = _mean_distance(first, second)
    return max(0.0, 2 * between - _mean_distance(first, first) - _mean_distance(second, second))


def _mean_distance(first: Float[Tensor, "N D"], second: Float[Tensor, "M D"]) -> float:
    # The fast way to a distance of points loses the digits of small ones.
    return torch.cdist(first, second, compute_mode="donot_use_mm_for_euclid_dist").mean().item()
