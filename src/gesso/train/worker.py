"""What a process does in each step: losses and gradients of its share of a batch.

A run in one process has one worker, `LoneWorker`, whose share is everything. Where several processes share the work,
each has a worker of another kind (`gesso.scale`); the loop does not know the difference.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

from gesso.model.network import Network
from gesso.train.batch import Batch
from gesso.train.losses import StepLoss, StepLosses
from gesso.train.optimizer import make_optimizers
from gesso.train.settings import TrainSettings
from gesso.train.working_copy import WorkingCopy


@runtime_checkable
class Worker(Protocol):
    """One process of a run.

    Attributes:
        optimizers: They step the weights. Made by the worker, which may have laid the weights out anew.
    """

    optimizers: Sequence[Optimizer]

    def learn(self, batch: Batch, generator: torch.Generator) -> StepLosses:
        """Add the gradients of a batch, divided by the batches of a step, to those of the trained weights.

        Args:
            batch: The whole batch, which every process of the run has made alike.
            generator: Source of the randomness, on the CPU and alike in every process. Mutated.

        Returns:
            The losses of the whole batch, without gradient.

        Raises:
            SettingError: The batch cannot be split among the processes.
        """
        ...

    def clip_gradients(self) -> Float[Tensor, ""]:
        """Scale the gradients of all weights down to the norm of the settings; returns the norm that they had."""
        ...


MakeWorker = Callable[[Network, StepLoss, TrainSettings], Worker]
"""Takes a network in hand; it may mutate how its weights are held, and trains those."""


class LoneWorker:
    """The only process of a run.

    Args:
        network: Float32 weights, which are trained.
        loss: What is minimised.
        settings: How to train.
    """

    def __init__(self, network: Network, loss: StepLoss, settings: TrainSettings) -> None:
        self.optimizers = make_optimizers(
            network.named_parameters(), learning_rate=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self._network = network
        self._loss = loss
        self._losses = torch.compile(loss.losses, dynamic=False) if settings.compile else loss.losses
        self._settings = settings
        self._working = WorkingCopy(network, settings.compute_dtype, recompute=settings.activation_checkpointing)

    def learn(self, batch: Batch, generator: torch.Generator) -> StepLosses:
        """Add the gradients of a batch to those of the trained weights."""
        batch = batch.to(self._network.device)
        self._working.refresh()
        losses = self._losses(self._working.network, batch, self._loss.draw(batch, generator))
        (losses.total / self._settings.accumulation).backward()
        self._working.hand_over_gradients()
        return replace(
            losses, total=losses.total.detach(), encode=losses.encode.detach(), denoise=losses.denoise.detach()
        )

    def clip_gradients(self) -> Float[Tensor, ""]:
        """Scale the gradients down to the norm of the settings; returns the norm that they had."""
        return torch.nn.utils.clip_grad_norm_(self._network.parameters(), self._settings.clip_norm)
