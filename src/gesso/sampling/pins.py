"""Positions of a canvas whose token the caller fixed."""

import math
from dataclasses import dataclass

import torch

from gesso.sampling.statistics import Statistics
from gesso.shapes import CanvasIds, CanvasMask, Logits


@dataclass(frozen=True, kw_only=True, slots=True)
class Pins:
    """Fixed tokens. They hold in every canvas that the network sees, in what it is fed back, and in what is emitted.

    Attributes:
        mask: true where the token is fixed.
        tokens: the fixed tokens; what stands where `mask` is false has no meaning.
    """

    mask: CanvasMask
    tokens: CanvasIds

    def apply(self, canvas: CanvasIds) -> CanvasIds:
        """Put the fixed tokens in their places."""
        return torch.where(self.mask, self.tokens, canvas)

    def apply_to_logits(self, logits: Logits) -> Logits:
        """Make the prediction certain where tokens are fixed: zero for the token, minus infinity for all others.

        Everything that is read from such logits agrees with the pins by itself: argmax and sample are the fixed token,
        the entropy is zero and spends nothing of an entropy bound, the soft embedding is the token's own.
        """
        tokens = torch.where(self.mask, self.tokens, torch.zeros_like(self.tokens)).long()
        certain = torch.full_like(logits, -math.inf).scatter_(-1, tokens.unsqueeze(-1), 0.0)
        return torch.where(self.mask.unsqueeze(-1), certain, logits)

    def apply_to_statistics(self, statistics: Statistics) -> Statistics:
        """Make the statistics those of a prediction that is certain where tokens are fixed."""
        return Statistics(
            entropy=statistics.entropy.masked_fill(self.mask, 0.0),
            confidence=statistics.confidence.masked_fill(self.mask, 1.0),
            argmax=self.apply(statistics.argmax),
            sampled=self.apply(statistics.sampled),
        )
