"""The network that forward and backward passes run through, beside the float32 weights that the optimizer steps."""

import copy

import torch
from torch import nn

from gesso.model.network import Network
from gesso.train.recompute import RecomputedLayer


class WorkingCopy:
    """A copy of a network in the dtype of the computation.

    Where the dtype is the same the two share their weights, and `refresh` and `hand_over_gradients` have nothing to do.

    Args:
        network: The network that is trained; never changed but for its gradients.
        dtype: Dtype of forward and backward.
        recompute: Keep only the input of each layer for the backward pass, which then runs every layer once more.
    """

    def __init__(self, network: Network, dtype: torch.dtype, *, recompute: bool = False) -> None:
        is_shared = network.dtype == dtype
        memo = {id(parameter): parameter for parameter in network.parameters()} if is_shared else {}
        self.network = copy.deepcopy(network, memo).to(dtype)
        if recompute:
            self.network.layers = nn.ModuleList(RecomputedLayer(layer) for layer in self.network.layers)
        pairs = zip(network.parameters(), self.network.parameters(), strict=True)
        self._pairs = [] if is_shared else list(pairs)

    @torch.no_grad()
    def refresh(self) -> None:
        """Round the trained weights into the copy."""
        for trained, working in self._pairs:
            working.copy_(trained)

    def hand_over_gradients(self) -> None:
        """Add the copy's gradients to those of the trained weights, and clear them."""
        for trained, working in self._pairs:
            if working.grad is not None:
                gradient = working.grad.to(trained.dtype)
                trained.grad = gradient if trained.grad is None else trained.grad + gradient
                working.grad = None
