"""How much of a clean canvas survives at each noise level."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

NoiseLevels = Float[Tensor, "B #C"]
"""Noise level t in [0, 1] of each canvas position, or one for a whole canvas; 0 is clean, 1 is pure noise."""


@runtime_checkable
class Schedule(Protocol):
    """Keep probability alpha(t): 1 at t = 0, falling to 0 at t = 1."""

    def keep_probability(self, t: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Probability alpha(t) that the noise leaves a token untouched."""
        ...

    def derivative(self, t: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Rate alpha'(t) at which the keep probability changes; never positive."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class LinearSchedule:
    """alpha(t) = 1 - t, the schedule of DiffusionGemma: t is the fraction of positions that were replaced."""

    def keep_probability(self, t: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Probability 1 - t that the noise leaves a token untouched."""
        return 1 - t

    def derivative(self, t: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Rate -1 at every noise level."""
        return -torch.ones_like(t)
