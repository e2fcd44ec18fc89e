"""Mixture of experts: the router's choice, and two ways to compute the chosen experts.

`mix_experts_sparse` is the specification: it runs each expert on the tokens that chose it. `mix_experts_dense` runs
every expert on every token in two matrix products and multiplies by weights that are zero where an expert was not
chosen: more arithmetic, no loop, no gathering, and static shapes. It wins while experts are few (see `docs/ops.md`).
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from gesso.ops.gate import gated_gelu


def route(
    scores: Float[Tensor, "T E"], per_expert_scale: Float[Tensor, " E"], top_k: int
) -> tuple[Float[Tensor, "T k"], Int[Tensor, "T k"]]:
    """Choose the `top_k` experts of each token; weights sum to one before the per-expert scale.

    Probabilities are float32 whatever the dtype of the scores, as in the reference.

    Returns:
        Weights, float32, and the indices of the experts.
    """
    probabilities = scores.softmax(dim=-1, dtype=torch.float32)
    weights, chosen = probabilities.topk(top_k, dim=-1)
    weights = weights / weights.sum(dim=-1, keepdim=True)
    return weights * per_expert_scale[chosen], chosen


def mix_experts_sparse(
    x: Float[Tensor, "T D"],
    gate_up: Float[Tensor, "E F2 D"],
    down: Float[Tensor, "E D F"],
    weights: Float[Tensor, "T k"],
    chosen: Int[Tensor, "T k"],
) -> Float[Tensor, "T D"]:
    """Run each expert on the tokens that chose it and add the weighted results."""
    mixed = torch.zeros_like(x)
    for expert in chosen.unique().tolist():
        token, slot = torch.where(chosen == expert)
        gate, up = F.linear(x[token], gate_up[expert]).chunk(2, dim=-1)
        out = F.linear(gated_gelu(gate, up), down[expert])
        mixed.index_add_(0, token, (out * weights[token, slot, None]).to(x.dtype))
    return mixed


def mix_experts_dense(
    x: Float[Tensor, "T D"],
    gate_up: Float[Tensor, "E F2 D"],
    down: Float[Tensor, "E D F"],
    weights: Float[Tensor, "T k"],
    chosen: Int[Tensor, "T k"],
) -> Float[Tensor, "T D"]:
    """Run every expert on every token; equal to `mix_experts_sparse` up to rounding."""
    num_experts, width, inner = down.shape
    dense_weights = weights.new_zeros(x.shape[0], num_experts).scatter(-1, chosen, weights)
    both = F.linear(x, gate_up.reshape(num_experts * 2 * inner, width)).view(-1, num_experts, 2 * inner)
    gate, up = both.chunk(2, dim=-1)
    inside = gated_gelu(gate, up) * dense_weights.to(x.dtype)[:, :, None]
    return inside.reshape(-1, num_experts * inner) @ down.transpose(1, 2).reshape(num_experts * inner, width)
