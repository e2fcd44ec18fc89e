"""When a canvas is finished before its steps run out."""

import math
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from gesso.errors import SettingError
from gesso.shapes import CanvasIds, RowMask

StopHistory = tuple[Shaped[Tensor, "B ..."], ...]
"""What a rule remembers of the steps before, row by row."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """Which rows are finished after a step. Whoever stops a row for good ignores what is said of it later.

    Attributes:
        converged: rows whose draft is final.
        given_up: rows that more steps would not help; their draft is taken as it is.
        history: what the rule remembers for the next step.
    """

    converged: RowMask
    given_up: RowMask
    history: StopHistory


@runtime_checkable
class Stop(Protocol):
    """Decides whether a canvas is finished. Pure: what it must remember is handed in and out, row by row."""

    def start(self, batch: int, canvas_length: int, device: torch.device) -> StopHistory:
        """History before the first step."""
        ...

    def decide(self, history: StopHistory, draft: CanvasIds, mean_entropy: Float[Tensor, "B"]) -> Decision:
        """Say which rows are finished after a step.

        Args:
            history: as `start` or the last decision left it; not changed.
            draft: the most likely tokens of this step.
            mean_entropy: mean entropy of this step's tempered predictions over the positions that are not pinned.
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

    def start(self, batch: int, canvas_length: int, device: torch.device) -> StopHistory:
        """Make a history of drafts, oldest first, that no draft is equal to."""
        return (torch.full((batch, self.stability_steps, canvas_length), -1, device=device),)

    def decide(self, history: StopHistory, draft: CanvasIds, mean_entropy: Float[Tensor, "B"]) -> Decision:
        """Compare the draft with those before it, and its certainty with the threshold."""
        (earlier,) = history
        drafts = torch.cat([earlier, draft[:, None].to(earlier.dtype)], dim=1)
        stable = (drafts == drafts[:, -1:]).flatten(1).all(1)
        converged = stable & (mean_entropy < self.confidence_nats)
        return Decision(converged=converged, given_up=torch.zeros_like(converged), history=(drafts[:, 1:],))


@dataclass(frozen=True, kw_only=True, slots=True)
class NeverStop:
    """Takes every step that the settings allow."""

    def start(self, batch: int, canvas_length: int, device: torch.device) -> StopHistory:
        """Nothing to remember."""
        return ()

    def decide(self, history: StopHistory, draft: CanvasIds, mean_entropy: Float[Tensor, "B"]) -> Decision:
        """Never."""
        never = torch.zeros_like(mean_entropy, dtype=torch.bool)
        return Decision(converged=never, given_up=never, history=history)


@dataclass(frozen=True, kw_only=True, slots=True)
class GiveUp:
    """Stops as another rule does, and ends canvases that do not come into focus.

    Some canvases never converge and take every step that they may: a fifth of them take two fifths of all steps in
    published runs. Their draft flickers, and its mean entropy stays where it is. So a canvas is given up when its
    entropy has set no new record for a while; a record is lower than the last by a share of it.

    Attributes:
        rule: what a canvas that converges is stopped by.
        patience: steps without a record after which a canvas is given up, at least 1.
        min_fall: how much lower than the last record the next must be, as a share of it, below 1.
    """

    rule: Stop = field(default_factory=StableAndConfident)
    patience: int = 8
    min_fall: float = 0.05

    def __post_init__(self) -> None:
        if self.patience < 1:
            raise SettingError(f"the patience is {self.patience} steps; give 1 or more")
        if not 0 <= self.min_fall < 1:
            raise SettingError(f"the least fall is {self.min_fall:g}; give a share from 0 up, below 1")

    def start(self, batch: int, canvas_length: int, device: torch.device) -> StopHistory:
        """The history of the other rule; the record so far; and the steps since."""
        record = torch.full((batch,), math.inf, device=device)
        return (*self.rule.start(batch, canvas_length, device), record, torch.zeros_like(record))

    def decide(self, history: StopHistory, draft: CanvasIds, mean_entropy: Float[Tensor, "B"]) -> Decision:
        """Ask the other rule, and count the steps since the last record."""
        *of_rule, record, since = history
        decision = self.rule.decide(tuple(of_rule), draft, mean_entropy)
        is_record = mean_entropy < (1 - self.min_fall) * record
        record = torch.where(is_record, mean_entropy, record)
        since = torch.where(is_record, torch.zeros_like(since), since + 1)
        hopeless = (since >= self.patience) & ~decision.converged
        return Decision(
            converged=decision.converged,
            given_up=decision.given_up | hopeless,
            history=(*decision.history, record, since),
        )
