"""Choices from a distribution over many tokens: the likeliest one, and one drawn by a uniform number.

`invert_cdf` and `torch.max` are the specifications. Their twins look at groups of tokens first and then into one group,
which spares them a running sum, or an index, over the whole vocabulary. Of few tokens they are the specifications.
"""

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor
from torch.nn import functional as F

_GROUP = 64

NARROW = 16 * _GROUP
"""Tokens up to which one look at all of them takes less time than two at some."""


def invert_cdf(probabilities: Float[Tensor, "*B V"], uniforms: Float64[Tensor, "*B"]) -> Int[Tensor, "*B"]:
    """Sample a token at each position: the first whose cumulative probability exceeds the uniform number.

    A token of probability zero is never chosen, and the cumulative sum is in float64, so rare tokens keep their share.

    Args:
        probabilities: weights of the tokens; they need not add up to one.
        uniforms: a number in [0, 1) for each position.
    """
    cdf = probabilities.cumsum(-1, dtype=torch.float64)
    return _first_above(cdf, uniforms[..., None] * cdf[..., -1:]).squeeze(-1)


def invert_cdf_in_groups(probabilities: Float[Tensor, "*B V"], uniforms: Float64[Tensor, "*B"]) -> Int[Tensor, "*B"]:
    """The same choice as `invert_cdf`, up to float64 rounding: first a group of tokens, then one of its tokens."""
    if probabilities.shape[-1] <= NARROW:
        return invert_cdf(probabilities, uniforms)
    groups = _grouped(probabilities, fill=0.0)
    cdf = groups.sum(-1, dtype=torch.float64).cumsum(-1)
    target = uniforms[..., None] * cdf[..., -1:]
    group = _first_above(cdf, target)
    before = F.pad(cdf, (1, 0)).gather(-1, group)
    token = _first_above(_take_group(groups, group).cumsum(-1, dtype=torch.float64), target - before)
    return (group * _GROUP + token).clamp(max=probabilities.shape[-1] - 1).squeeze(-1)


def max_in_groups(scores: Float[Tensor, "*B V"]) -> tuple[Float[Tensor, "*B"], Int[Tensor, "*B"]]:
    """The same as `scores.max(-1)`: the largest score of each position, and the first token that has it."""
    if scores.shape[-1] <= NARROW:
        return tuple(scores.max(-1))
    groups = _grouped(scores, fill=-torch.inf)
    largest, group = groups.amax(-1).max(-1, keepdim=True)
    token = _take_group(groups, group).argmax(-1, keepdim=True)
    return largest.squeeze(-1), (group * _GROUP + token).squeeze(-1)


def _first_above(cdf: Float64[Tensor, "*B N"], target: Float64[Tensor, "*B 1"]) -> Int[Tensor, "*B 1"]:
    chosen = torch.searchsorted(cdf, target, right=True)
    # Rounding may carry the target up to the total itself, past the last one that has any probability.
    last = torch.searchsorted(cdf, cdf[..., -1:].contiguous()).clamp(max=cdf.shape[-1] - 1)
    return torch.minimum(chosen, last)


def _grouped(values: Float[Tensor, "*B V"], *, fill: float) -> Float[Tensor, "*B G T"]:
    missing = -values.shape[-1] % _GROUP
    if missing:
        values = F.pad(values, (0, missing), value=fill)
    return values.unflatten(-1, (-1, _GROUP))


def _take_group(groups: Float[Tensor, "*B G T"], group: Int[Tensor, "*B 1"]) -> Float[Tensor, "*B T"]:
    return groups.take_along_dim(group[..., None], dim=-2).squeeze(-2)
