"""One of several processes that train one network, each of which holds a part of every weight.

Weights, gradients and moments are spread over the processes (FSDP2, torch's `fully_shard`). A layer's weights are
gathered when it runs and let go again; embeddings, the last norm and self-conditioning are gathered for the whole step.
Every process makes the whole batch and draws all of its noise, as one process alone would, and learns from its own part
of it: so the losses and gradients of a step are those of one process, up to rounding.
"""

import copy
from dataclasses import replace
from typing import Any

import torch
import torch.distributed as dist
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

from gesso.model.network import Network
from gesso.scale.muon import WholeMatrixMuon
from gesso.train.batch import Batch
from gesso.train.losses import StepLoss, StepLosses
from gesso.train.optimizer import make_optimizers
from gesso.train.recompute import RecomputedLayer
from gesso.train.settings import TrainSettings


class ShardedWorker:
    """The worker of one process; all processes of a run make theirs alike. See `gesso.train.worker.Worker`.

    Args:
        network: Whole float32 weights, the same in every process. Mutated: each process is left with its part of them,
            and only `learn` can run it.
        loss: What is minimised.
        settings: How to train. The step is not compiled, whatever they say.
        mesh: The processes, in one dimension.
    """

    def __init__(self, network: Network, loss: StepLoss, settings: TrainSettings, mesh: DeviceMesh) -> None:
        network.to(mesh.device_type)
        policy = MixedPrecisionPolicy(
            param_dtype=settings.compute_dtype, reduce_dtype=torch.float32, cast_forward_inputs=False
        )
        for layer in network.layers:
            fully_shard(layer, mesh=mesh, mp_policy=policy)
        step = _Step(_recomputing(network) if settings.activation_checkpointing else network, loss, self._weigh)
        self._step = fully_shard(step, mesh=mesh, mp_policy=policy)
        self._network = network
        self._loss = loss
        self._settings = settings
        self._mesh = mesh
        self.optimizers = make_optimizers(
            network.named_parameters(),
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            muon=WholeMatrixMuon,
        )

    def learn(self, batch: Batch, generator: torch.Generator) -> StepLosses:
        """Add the gradients of a batch to those of the trained weights; every process is given the same one."""
        index, count = self._mesh.get_local_rank(), self._mesh.size()
        part = batch.part(index, count).to(self._network.device)
        draws = self._loss.draw(batch.to(self._network.device), generator)
        total, encode, denoise, level = self._step(part, self._loss.part(draws, index, count))
        (total / self._settings.accumulation).backward()
        return StepLosses(
            total=self._gather(total[None]).mean(),
            encode=self._gather(encode[None]).mean(),
            denoise=self._gather(denoise),
            level=self._gather(level),
        )

    def clip_gradients(self) -> Float[Tensor, ""]:
        """Scale the gradients down to the norm of the settings; returns the norm that they had all together."""
        norm = nn.utils.clip_grad_norm_(self._network.parameters(), self._settings.clip_norm)
        return norm.full_tensor()

    def _weigh(self, mean: Float[Tensor, ""], count: Int[Tensor, ""]) -> Float[Tensor, ""]:
        """A mean over this process's part, so that the mean over the processes is that over the whole batch."""
        everywhere = count.clone()
        dist.all_reduce(everywhere, group=self._mesh.get_group())
        return mean * (count * self._mesh.size() / everywhere.clamp(min=1))

    def _gather(self, values: Float[Tensor, " n"]) -> Float[Tensor, " m"]:
        """The values of all processes, in the order of their parts; they are equally many."""
        values = values.detach().contiguous()
        if not len(values):
            return values
        gathered = [torch.empty_like(values) for _ in range(self._mesh.size())]
        dist.all_gather(gathered, values, group=self._mesh.get_group())
        return torch.cat(gathered)


class _Step(nn.Module):
    """The forward pass of a whole step as one module: the root that holds what all of a step needs."""

    def __init__(self, network: Network, loss: StepLoss, weigh: Any) -> None:
        super().__init__()
        self.network = network
        self.loss = replace(loss, weigh=weigh)

    def forward(self, batch: Batch, draws: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        losses = self.loss.losses(self.network, batch, draws)
        # Bare tensors, which the hooks of sharded modules find; they do not look into other values.
        return losses.total, losses.encode.detach(), losses.denoise.detach(), losses.level


def _recomputing(network: Network) -> Network:
    """The same network, seen so that its layers keep only their input for the backward pass."""
    view = copy.copy(network)
    view._modules = dict(network._modules)
    view.layers = nn.ModuleList(RecomputedLayer(layer) for layer in network.layers)
    return view
