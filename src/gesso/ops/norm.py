"""Root-mean-square normalisation: the specification."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def rms_norm(x: Float[Tensor, "*B D"], weight: Float[Tensor, " D"] | None, eps: float) -> Float[Tensor, "*B D"]:
    """Scale each vector to unit root mean square, then by `weight` where there is one.

    The arithmetic is float32 whatever the dtype of `x`, and the result has the dtype of `x` (as the reference,
    `DiffusionGemmaRMSNorm`, has it).

    Args:
        x: Vectors along the last dimension.
        weight: One factor a component, or None for a norm without scale.
        eps: Added to the mean square; keeps a vector of zeros finite.
    """
    scale = None if weight is None else weight.to(torch.float32)
    return F.rms_norm(x.to(torch.float32), x.shape[-1:], scale, eps).to(x.dtype)
