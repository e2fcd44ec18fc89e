"""Calibration: whether what is said with probability 0.8 is right in 80 of 100 cases."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gesso.errors import SettingError
from gesso.evals.estimate import Estimate, mean

BINS = 5
"""Confidences are compared in so many bins of equal width: few, for few observations."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bin:
    """Answers of like confidence: one place of a reliability curve.

    Attributes:
        confidence: The mean of what was said.
        right: The share that was right.
    """

    confidence: float
    right: Estimate


def reliability(confidences: Sequence[float], right: Sequence[bool], num_bins: int = BINS) -> list[Bin]:
    """Compare what was said with what was right, bin by bin, in ascending order; empty bins are left out.

    Args:
        confidences: The probability that each answer was given with, in [0, 1].
        right: Whether it was right.
        num_bins: Bins of equal width between 0 and 1.

    Raises:
        SettingError: A confidence is no probability, or there are fewer than 1 bins.
    """
    if num_bins < 1:
        raise SettingError(f"{num_bins} bins hold nothing; use 1 or more")
    members: list[list[tuple[float, bool]]] = [[] for _ in range(num_bins)]
    for confidence, is_right in zip(confidences, right, strict=True):
        if not 0 <= confidence <= 1:
            raise SettingError(f"the confidence {confidence:g} is no probability; give numbers from 0 to 1")
        members[min(int(confidence * num_bins), num_bins - 1)].append((confidence, is_right))
    return [
        Bin(confidence=sum(said for said, _ in some) / len(some), right=mean([hit for _, hit in some]))
        for some in members
        if some
    ]


def calibration_error(curve: Sequence[Bin]) -> Estimate:
    """The expected calibration error: how far confidence and share of right answers lie apart on average.

    The mean over answers of the distance of their bin (Naeini et al. 2015, AAAI). Its standard error is that of the
    shares alone, as if no distance changed its sign; with few answers the error itself is biased upwards.

    Raises:
        SettingError: The curve is empty.
    """
    count = sum(one.right.count for one in curve)
    if not count:
        raise SettingError("a curve without answers has no calibration error; evaluate more items")
    return Estimate(
        value=sum(one.right.count * abs(one.confidence - one.right.value) for one in curve) / count,
        standard_error=math.hypot(*(one.right.count * one.right.standard_error for one in curve)) / count,
        count=count,
    )
