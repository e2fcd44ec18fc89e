"""Muon for matrices that are spread over processes."""

from typing import Any

import torch
from torch import nn
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.optim import Muon


class WholeMatrixMuon(Muon):
    """Muon over sharded matrices, with the steps that it would take over whole ones.

    Momentum is kept and updated in parts. To orthogonalise it a process needs the whole matrix: each gathers one after
    the other, does the same work on it, and keeps its own part of the result. That costs one gathering of the hidden
    matrices and, in every process, what one process alone would compute.
    """

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Step every matrix that has a gradient."""
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is not None:
                    self._step_matrix(matrix, group)

    def _step_matrix(self, matrix: nn.Parameter, group: dict[str, Any]) -> None:
        state = self.state[matrix]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(matrix.grad)
        momentum = state["momentum_buffer"]
        momentum.lerp_(matrix.grad, 1 - group["momentum"])
        update = matrix.grad.lerp(momentum, group["momentum"]) if group["nesterov"] else momentum

        change = _orthogonal_step(update.full_tensor() if isinstance(update, DTensor) else update, group)
        matrix.mul_(1 - group["lr"] * group["weight_decay"])
        if isinstance(matrix, DTensor):
            change = distribute_tensor(change, matrix.device_mesh, matrix.placements, src_data_rank=None)
        matrix.add_(change)


def _orthogonal_step(update: torch.Tensor, group: dict[str, Any]) -> torch.Tensor:
    """What torch's Muon adds to a matrix for an update: it takes one step from zero, without momentum or decay."""
    change = nn.Parameter(torch.zeros_like(update))
    change.grad = update
    names = ("lr", "ns_coefficients", "ns_steps", "eps", "adjust_lr_fn")
    Muon([change], momentum=0.0, nesterov=False, weight_decay=0.0, **{name: group[name] for name in names}).step()
    return change.detach()
