"""An exponential moving average of the weights, which is steadier than the weights of any one step."""

from collections.abc import Mapping

import torch
from torch import Tensor

from gesso.model.network import Network


class WeightAverage:
    """The average a(n) = decay * a(n - 1) + (1 - decay) * w(n) of the weights w after each step n, from a(0) = w(0).

    Weights that are not trained have no part in it.

    Args:
        network: Its weights are the first average.
        decay: Share of the old average that a step keeps: 0.999 looks back over some thousand steps.
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.decay = decay
        self.weights = {name: weight.detach().clone() for name, weight in _trained(network).items()}

    @torch.no_grad()
    def update(self, network: Network) -> None:
        """Take in the weights after a step."""
        for name, weight in _trained(network).items():
            self.weights[name].lerp_(weight, 1 - self.decay)

    @torch.no_grad()
    def restore(self, weights: Mapping[str, Tensor]) -> None:
        """Go on from a saved average."""
        for name, average in self.weights.items():
            average.copy_(weights[name])


@torch.no_grad()
def use_average(network: Network, weights: Mapping[str, Tensor]) -> None:
    """Replace a network's weights by averaged ones. Mutates the network."""
    for name, weight in _trained(network).items():
        weight.copy_(weights[name])


def _trained(network: Network) -> dict[str, Tensor]:
    return {name: weight for name, weight in network.named_parameters() if weight.requires_grad}
