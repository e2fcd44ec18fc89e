"""Figures with their error bars."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gesso.errors import SettingError


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A figure measured on a sample.

    Attributes:
        value: The estimate.
        standard_error: One standard deviation of it; 0 where nothing varied, which for a share of 0 or 1 means only
            that the truth is closer to it than about 3 / count.
        count: Independent observations behind it.
    """

    value: float
    standard_error: float
    count: int

    def as_json(self) -> dict[str, Any]:
        """The figure as a JSON object, rounded to what a reader can use."""
        return {
            "value": round(self.value, 6),
            "standard_error": round(self.standard_error, 6),
            "count": self.count,
        }


def mean(values: Sequence[float | int]) -> Estimate:
    """Mean of independent observations, and its standard error; of truth values, their share.

    Raises:
        SettingError: There are no observations.
    """
    return ratio(values, [1.0] * len(values))


def ratio(numerators: Sequence[float | int], denominators: Sequence[float | int]) -> Estimate:
    """A total by a total, such as mended tokens by wrong ones, where each pair is one independent observation.

    The error is that of the linearised ratio (Cochran, Sampling Techniques, Eq. 2.46): tokens of one canvas are no
    independent observations, canvases are.

    Raises:
        SettingError: There are no observations, or the denominators add up to nothing.
    """
    count, total = len(numerators), sum(denominators)
    if not count or not total:
        raise SettingError(f"{count} observations of {total:g} in all give no figure; evaluate more items")
    value = sum(numerators) / total
    pairs = zip(numerators, denominators, strict=True)
    squares = sum((numerator - value * denominator) ** 2 for numerator, denominator in pairs)
    spread = math.sqrt(squares * count / (count - 1)) if count > 1 else 0.0
    return Estimate(value=value, standard_error=spread / total, count=count)
