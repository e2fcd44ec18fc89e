"""When a canvas is finished before its steps run out."""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gesso.errors import SettingError
from gesso.shapes import CanvasIds, RowMask

DraftHistory = Int[Tensor, "B K C"]
"""The drafts of the last K steps, oldest first; -1 where there was no step yet."""


@runtime_checkable
class Stop(Protocol):
    """Decides whether a canvas is finished. Pure: what it must remember is handed in and out, row by row."""

    def start(self, batch: int, canvas_length: int, device: torch.device) -> DraftHistory:
        """History before the first step."""
        ...

    def decide(
        self, history: DraftHistory, draft: CanvasIds, mean_entropy: Float[Tensor, "B"]
    ) -> tuple[RowMask, DraftHistory]:
        """Say which rows are finished after a step.

        Args:
            history: as `start` or the last decision left it.
            draft: the most likely tokens of this step.
            mean_entropy: mean entropy of this step's tempered predictions over the positions that are not pinned.

        Returns:
            Which rows are finished, and the history for the next step.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class StableAndConfident:
    """Stops when the draft has not changed for a while and its predictions are certain.

    Attributes:
        stability_steps: how many earlier steps must have had the same draft: with 1, two steps in a row must agree, so
            a canvas takes at least 2. With 0 certainty is enough.
        confidence_nats: the mean entropy of the tempered predictions must be below this, above 0.
    """

    stability_steps: int = 1
    confidence_nats: float = 0.005

    def __post_init__(self) -> None:
        if self.stability_steps < 0:
            raise SettingError(f"the stability is {self.stability_steps} steps; give 0 or more (1 is usual)")
        if not 0 < self.confidence_nats < math.inf:
            raise SettingError(
                f"the confidence threshold is {self.confidence_nats:g} nats; give a number above 0 (0.005 is usual)"
            )

    def start(self, batch: int, canvas_length: int, device: torch.device) -> DraftHistory:
        """Make a history that no draft is equal to."""
        return torch.full((batch, self.stability_steps, canvas_length), -1, device=device)

    def decide(
        self, history: DraftHistory, draft: CanvasIds, mean_entropy: Float[Tensor, "B"]
    ) -> tuple[RowMask, DraftHistory]:
        """Compare the draft with those before it, and its certainty with the threshold."""
        drafts = torch.cat([history, draft[:, None].to(history.dtype)], dim=1)
        stable = (drafts == drafts[:, -1:]).flatten(1).all(1)
        return stable & (mean_entropy < self.confidence_nats), drafts[:, 1:]


@dataclass(frozen=True, kw_only=True, slots=True)
class NeverStop:
    """Takes every step that the settings allow."""

    def start(self, batch: int, canvas_length: int, device: torch.device) -> DraftHistory:
        """Nothing to remember."""
        return torch.empty((batch, 0, canvas_length), dtype=torch.int64, device=device)

    def decide(
        self, history: DraftHistory, draft: CanvasIds, mean_entropy: Float[Tensor, "B"]
    ) -> tuple[RowMask, DraftHistory]:
        """Never."""
        return torch.zeros_like(mean_entropy, dtype=torch.bool), history
