"""Networks whose weights are held in few bits."""

from torch import nn

from gesso.errors import CheckpointError
from gesso.model.feed_forward import Experts, Router
from gesso.model.network import Network
from gesso.quant.layers import QuantizedExperts, QuantizedLinear, QuantizedWeight
from gesso.quant.scheme import Scheme


def quantize_network(network: Network, scheme: Scheme) -> None:
    """Quantize every linear map and every expert. Mutates the network, which can then no longer be trained.

    The embedding stays as it is, since it is the vocabulary head too; and so do norms and scalars, which are few, and
    the router, whose choice of experts a small error can turn.

    Raises:
        CheckpointError: The network is quantized already.
        SettingError: The scheme does not fit a layer.
    """
    refuse_quantized(network, "be quantized again")
    for module in list(network.modules()):
        if isinstance(module, Router):
            continue
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Linear):
                setattr(module, name, QuantizedLinear(child, scheme))
            elif isinstance(child, Experts):
                setattr(module, name, QuantizedExperts(child, scheme))


def scheme_of(network: Network) -> Scheme | None:
    """How a network's weights are quantized; None where they are not."""
    return next((module.scheme for module in network.modules() if isinstance(module, QuantizedWeight)), None)


def code_names(network: Network) -> frozenset[str]:
    """Names of the parameters that are codes or their scales."""
    weights = (name for name, module in network.named_modules() if isinstance(module, QuantizedWeight))
    return frozenset(f"{name}.{part}" for name in weights for part in ("codes", "scale"))


def refuse_quantized(network: Network, purpose: str) -> None:
    """Stop what needs whole weights.

    Args:
        network: Any network.
        purpose: What was to happen to the weights, for the message: "weights ... cannot {purpose}".

    Raises:
        CheckpointError: The network's weights are quantized.
    """
    scheme = scheme_of(network)
    if scheme is not None:
        raise CheckpointError(
            f"weights that are quantized to {scheme.name} cannot {purpose}; give the model that they were made from, "
            "and quantize what comes of it"
        )
