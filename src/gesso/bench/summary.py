"""A figure that was taken several times, in short."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DIGITS = 4
"""Significant digits of a figure in a record; a clock on a busy machine gives no more."""

Row = Mapping[str, Any]
"""A line of results: words, numbers, and figures that know their own JSON, each by its name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """A figure over its repeats.

    Attributes:
        median: Half of the repeats came to less.
        least: The least of them: for times, what the machine can do when nothing disturbs it.
        most: The most of them.
        spread: Median distance of a repeat from the median.
        count: Repeats.
    """

    median: float
    least: float
    most: float
    spread: float
    count: int

    def scaled(self, factor: float) -> "Summary":
        """The same figure in another unit; the factor is above 0."""
        return Summary(
            median=self.median * factor,
            least=self.least * factor,
            most=self.most * factor,
            spread=self.spread * factor,
            count=self.count,
        )

    def as_json(self) -> dict[str, float | int]:
        """The figure as a JSON object."""
        values = {name: to_digits(getattr(self, name)) for name in ("median", "least", "most", "spread")}
        return values | {"count": self.count}


def summarize(values: Sequence[float]) -> Summary:
    """Sum up one figure or more."""
    median = statistics.median(values)
    return Summary(
        median=median,
        least=min(values),
        most=max(values),
        spread=statistics.median(abs(value - median) for value in values),
        count=len(values),
    )


def nearest_rank(values: Sequence[float], share: float) -> float:
    """The least of the values that a share of them do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def to_digits(value: float) -> float:
    """A figure to as many digits as it deserves."""
    return float(f"{value:.{DIGITS}g}")


def row_as_json(row: Row) -> dict[str, Any]:
    """A line of results as a JSON object: figures by their own `as_json`, numbers to their digits."""
    return {name: _value_as_json(value) for name, value in row.items()}


def _value_as_json(value: Any) -> Any:
    if hasattr(value, "as_json"):
        return value.as_json()
    return to_digits(value) if isinstance(value, float) else value
