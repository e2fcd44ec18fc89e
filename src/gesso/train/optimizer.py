"""Optimizers and the learning rate.

Hidden matrices are stepped by Muon (orthogonalised momentum, Jordan et al. 2024; update scaled to AdamW's size as in
arXiv 2502.16982), everything else by AdamW: embeddings, norms, scalars, stacked experts, the router.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import nn
from torch.optim import AdamW, Muon, Optimizer

from gesso.errors import SettingError, TrainingError


@runtime_checkable
class LearningRate(Protocol):
    """A learning rate as a function of the step."""

    def at(self, step: int) -> float:
        """The factor, in [0, 1], by which step number `step` (from 0) multiplies the peak rate."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class WarmupStableDecay:
    """Linear warm-up, a plateau, and a linear decay to zero (arXiv 2405.18392).

    The plateau makes a run extendable: resume from any checkpoint on it and decay whenever the time is up.

    Attributes:
        warmup_steps: Steps until the peak.
        total_steps: Steps of the whole run.
        decay_steps: Steps of the decay, at the end of the run.
    """

    warmup_steps: int
    total_steps: int
    decay_steps: int

    def __post_init__(self) -> None:
        if min(self.warmup_steps, self.decay_steps, self.total_steps - 1) < 0:
            raise SettingError(f"{self} has a negative phase; steps count from 0 and a run has at least one")

    def at(self, step: int) -> float:
        """The factor at a step; the first step is not idle and the last not zero."""
        rising = (step + 1) / (self.warmup_steps + 1)
        falling = (self.total_steps - step) / (self.decay_steps + 1)
        return max(0.0, min(1.0, rising, falling))


@dataclass(frozen=True, kw_only=True, slots=True)
class WarmupCosine:
    """Linear warm-up, then half a cosine down to a floor.

    Attributes:
        warmup_steps: Steps until the peak.
        total_steps: Steps of the whole run.
        floor: Factor at the end of the run.
    """

    warmup_steps: int
    total_steps: int
    floor: float = 0.1

    def __post_init__(self) -> None:
        if min(self.warmup_steps, self.total_steps - 1) < 0 or not 0 <= self.floor <= 1:
            raise SettingError(
                f"{self} has a negative phase or a floor outside [0, 1]; steps count from 0, a run has at least one"
            )

    def at(self, step: int) -> float:
        """The factor at a step."""
        if step < self.warmup_steps:
            return (step + 1) / (self.warmup_steps + 1)
        progress = min(1.0, (step - self.warmup_steps) / max(1, self.total_steps - self.warmup_steps))
        return self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * progress))


def make_optimizers(
    parameters: Iterable[tuple[str, nn.Parameter]],
    *,
    learning_rate: float,
    weight_decay: float,
    muon: type[Muon] = Muon,
) -> list[Optimizer]:
    """Muon for hidden matrices, AdamW for the rest.

    Args:
        parameters: Names and parameters of a network, in a fixed order; those that need no gradient are left out.
        learning_rate: Peak rate of both.
        weight_decay: Decoupled decay of matrices; vectors and scalars do not decay.
        muon: The class that does Muon's work, where matrices are not held whole.

    Raises:
        TrainingError: No parameter needs a gradient.
    """
    hidden, stacked, vectors = [], [], []
    for name, parameter in parameters:
        if not parameter.requires_grad:
            continue
        if parameter.ndim == 2 and "embed_tokens" not in name and "router" not in name:
            hidden.append(parameter)
        else:
            (stacked if parameter.ndim >= 2 else vectors).append(parameter)
    optimizers: list[Optimizer] = []
    if hidden:
        optimizers.append(
            muon(hidden, lr=learning_rate, weight_decay=weight_decay, momentum=0.95, adjust_lr_fn="match_rms_adamw")
        )
    if stacked or vectors:
        groups = [{"params": stacked, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
        optimizers.append(AdamW(groups, lr=learning_rate, betas=(0.9, 0.98), eps=1e-8))
    if not optimizers:
        raise TrainingError("no weight of the network needs a gradient; call requires_grad_(True) on those to train")
    return optimizers


def set_learning_rate(optimizers: Iterable[Optimizer], learning_rate: float) -> None:
    """Set the rate of every parameter group. Mutates the optimizers."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
