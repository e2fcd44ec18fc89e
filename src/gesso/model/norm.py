"""RMSNorm as a module."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gesso.ops.norm import rms_norm


class RMSNorm(nn.Module):
    """Root-mean-square normalisation over the last dimension, with or without a learnt scale."""

    def __init__(self, width: int, eps: float, *, with_scale: bool = True) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width)) if with_scale else None

    def forward(self, x: Float[Tensor, "*B D"]) -> Float[Tensor, "*B D"]:
        """Normalise; see `gesso.ops.norm.rms_norm`."""
        return rms_norm(x, self.weight, self.eps)
