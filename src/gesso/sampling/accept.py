"""Which sampled tokens a step keeps. The others become noise again, and every step decides anew."""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from gesso.errors import SettingError
from gesso.shapes import CanvasEntropy, CanvasMask


@runtime_checkable
class Acceptance(Protocol):
    """Chooses the positions to keep. Pinned positions are always kept and cost nothing."""

    def accept(
        self, entropy: CanvasEntropy, confidence: Float[Tensor, "B C"], pinned: CanvasMask | None = None
    ) -> CanvasMask:
        """Choose positions.

        Args:
            entropy: entropy of each position's prediction, in nats.
            confidence: probability of each position's most likely token.
            pinned: positions whose token is fixed.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class EntropyBound:
    """Keeps the most certain positions while their entropies, without the largest, add up to at most a bound.

    That sum bounds the mutual information of the kept tokens, that is, what is lost by sampling them independently
    (Ben-Hamu et al. 2025, arXiv 2505.24857). The most certain position is always kept.

    Text that is kept far ahead fixes how many tokens must fit before it, and a model that is not sure of the count then
    leaves a word out or says one twice. `reach` keeps the writing near its open end.

    Attributes:
        bound_nats: the bound, above 0.
        reach: positions that may be kept, counted from the first one whose entropy alone is above the bound; those
            behind them stay noise. None, as published: all.
    """

    bound_nats: float = 0.1
    reach: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.bound_nats < math.inf:
            raise SettingError(f"the entropy bound is {self.bound_nats:g} nats; give a number above 0 (0.1 is usual)")
        if self.reach is not None and self.reach < 1:
            raise SettingError(f"the reach is {self.reach} positions; give at least 1, or None for the whole canvas")

    def accept(
        self, entropy: CanvasEntropy, confidence: Float[Tensor, "B C"], pinned: CanvasMask | None = None
    ) -> CanvasMask:
        """Keep positions in order of entropy until the bound is spent."""
        if pinned is not None:
            entropy = entropy.masked_fill(pinned, 0.0)
        accepted = within_bound(entropy, torch.full_like(entropy[:, :1], self.bound_nats), self.reach)
        return accepted if pinned is None else accepted | pinned


def within_bound(
    entropy: CanvasEntropy, bound: Float[Tensor, "B 1"], reach: int | Float[Tensor, "B 1"] | None
) -> CanvasMask:
    """The positions that `EntropyBound` keeps, with a bound, and perhaps a reach, for each row."""
    if reach is not None:
        num_open = (entropy > bound).cumsum(-1)
        behind_open_end = (num_open > 0).cumsum(-1) > reach
        entropy = entropy.masked_fill(behind_open_end, math.inf)
    ascending, order = entropy.sort(-1)
    kept = (ascending.cumsum(-1) - ascending <= bound) & ascending.isfinite()
    return torch.zeros_like(kept).scatter(-1, order, kept)


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfidenceThreshold:
    """Keeps every position whose most likely token is likely enough, and the most confident one in any case.

    Attributes:
        min_probability: the least probability, above 0 and at most 1.
    """

    min_probability: float = 0.9

    def __post_init__(self) -> None:
        if not 0 < self.min_probability <= 1:
            raise SettingError(
                f"the confidence threshold is {self.min_probability:g}; give a probability above 0, at most 1"
            )

    def accept(
        self, entropy: CanvasEntropy, confidence: Float[Tensor, "B C"], pinned: CanvasMask | None = None
    ) -> CanvasMask:
        """Keep the confident positions."""
        pinned = torch.zeros_like(confidence, dtype=torch.bool) if pinned is None else pinned
        best = confidence.masked_fill(pinned, -math.inf).argmax(-1, keepdim=True)
        return (confidence >= self.min_probability).scatter(-1, best, True) | pinned


@dataclass(frozen=True, kw_only=True, slots=True)
class TopK:
    """Keeps the k positions of lowest entropy, besides the pinned ones.

    Attributes:
        per_step: positions to keep, at least 1; a canvas that has fewer keeps all.
    """

    per_step: int

    def __post_init__(self) -> None:
        if self.per_step < 1:
            raise SettingError(f"per_step is {self.per_step}; a step must keep at least 1 position")

    def accept(
        self, entropy: CanvasEntropy, confidence: Float[Tensor, "B C"], pinned: CanvasMask | None = None
    ) -> CanvasMask:
        """Keep the k most certain positions."""
        pinned = torch.zeros_like(entropy, dtype=torch.bool) if pinned is None else pinned
        rank = entropy.masked_fill(pinned, math.inf).argsort(dim=-1, stable=True).argsort(-1)
        return (rank < self.per_step) | pinned
