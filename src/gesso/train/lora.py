"""Low-rank adaptation: the base model is frozen, and a thin pair of matrices beside each of its own is trained.

The pair sits on the weight, not on the module's output: a forward pass sees exactly the weight that merging will make,
in encoding and in denoising alike. That costs one more copy of the adapted matrices while training, and nothing after.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parametrize

from gesso.checkpoint.adapter import Adapter, LowRank, adaptable_parameters, fingerprint
from gesso.errors import SettingError
from gesso.model.network import Network


@dataclass(frozen=True, kw_only=True, slots=True)
class Lora:
    """How a model is adapted.

    Attributes:
        rank: Inner width of every pair.
        alpha: The product is multiplied by alpha / rank; None for twice the rank.
    """

    rank: int = 8
    alpha: float | None = None

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise SettingError(f"the rank is {self.rank}; give at least 1")
        if self.alpha is not None and not 0 < self.alpha < math.inf:
            raise SettingError(f"alpha is {self.alpha:g}; give a number above 0")

    @property
    def scale(self) -> float:
        """What the products are multiplied by."""
        return (2.0 * self.rank if self.alpha is None else self.alpha) / self.rank


class LowRankUpdate(nn.Module):
    """Adds a trainable low-rank product to a weight.

    The factors have a leading dimension of experts, of length 1 for a plain matrix, so one class serves both; and the
    optimizer steps stacked matrices by AdamW, as is usual for adapters.
    """

    def __init__(self, weight: Float[Tensor, "..."], lora: Lora, generator: torch.Generator) -> None:
        super().__init__()
        num_experts, rows, columns = (1, *weight.shape)[-3:]
        self.scale = lora.scale
        # As in peft: uniform with the variance of a linear layer's initial weights; B is zero, so training begins at
        # the base model.
        bound = columns**-0.5
        a = torch.empty(num_experts, lora.rank, columns).uniform_(-bound, bound, generator=generator)
        self.a = nn.Parameter(a.to(weight.device))
        self.b = nn.Parameter(torch.zeros(num_experts, rows, lora.rank, device=weight.device))

    def forward(self, weight: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """The weight as it is used."""
        return LowRank(a=self.a, b=self.b).added_to(weight, self.scale)


def attach_lora(network: Network, lora: Lora, generator: torch.Generator) -> None:
    """Freeze a network and put a trainable pair on each of its linear maps. Mutates the network.

    Args:
        network: Float32 weights.
        lora: How to adapt.
        generator: Source of the first factors. Mutated.
    """
    network.requires_grad_(False)
    for name, weight in adaptable_parameters(network).items():
        module, attribute = _home(network, name)
        parametrize.register_parametrization(module, attribute, LowRankUpdate(weight, lora, generator))


def detach_lora(network: Network, lora: Lora, *, base: str) -> Adapter:
    """Take the pairs off again, which leaves the base model. Mutates the network.

    Args:
        network: A network that `attach_lora` was called on.
        lora: The same as then.
        base: What the base model was loaded as.

    Returns:
        The adapter, with copies of the trained factors.
    """
    factors = {}
    for path, module in list(network.named_modules()):
        if not parametrize.is_parametrized(module):
            continue
        for attribute in list(module.parametrizations):
            update = module.parametrizations[attribute][0]
            factors[f"{path}.{attribute}"] = LowRank(a=update.a.detach().clone(), b=update.b.detach().clone())
            parametrize.remove_parametrizations(module, attribute, leave_parametrized=False)
    return Adapter(
        rank=lora.rank,
        alpha=lora.scale * lora.rank,
        base=base,
        base_fingerprint=fingerprint(network),
        factors=factors,
    )


def _home(network: Network, name: str) -> tuple[nn.Module, str]:
    path, _, attribute = name.rpartition(".")
    return network.get_submodule(path), attribute
