"""Random weights for a network that will be trained from scratch."""

import torch
from torch import nn

from gesso.model.feed_forward import Experts
from gesso.model.network import Network

STANDARD_DEVIATION = 0.02
"""`initializer_range` of the published configuration."""


@torch.no_grad()
def initialize(network: Network, generator: torch.Generator, std: float = STANDARD_DEVIATION) -> None:
    """Fill every weight: matrices normal with deviation `std`, norms and scalars one. Mutates the network.

    The embedding has deviation 1 / sqrt(D), so that the scaled embedding has unit components and the tied head starts
    with logits of order one.
    """
    for module in network.modules():
        if isinstance(module, nn.Linear):
            module.weight.normal_(0.0, std, generator=generator)
        elif isinstance(module, Experts):
            module.gate_up_proj.normal_(0.0, std, generator=generator)
            module.down_proj.normal_(0.0, std, generator=generator)
    network.embed_tokens.weight.normal_(0.0, network.config.hidden_size**-0.5, generator=generator)
