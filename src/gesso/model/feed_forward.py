"""The gated feed-forward network, dense and as a mixture of experts."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gesso.model.config import ModelConfig
from gesso.model.norm import RMSNorm
from gesso.ops.experts import mix_experts_dense, mix_experts_sparse, route
from gesso.ops.gate import gated_gelu
from gesso.ops.gpu_kernels import GpuKernels
from gesso.ops.norm import rms_norm

# Computing every expert costs num_experts / top_k times the arithmetic and saves the loop and the gathering.
_DENSE_UP_TO_EXPERTS_PER_CHOICE = 4


class FeedForward(nn.Module):
    """down(gelu(gate(x)) * up(x)), Shazeer's GEGLU (arXiv 2002.05202) with the tanh form of gelu."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(width, inner, bias=False)
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x: Float[Tensor, "B L D"]) -> Float[Tensor, "B L D"]:
        """Transform each position by itself."""
        return self.down_proj(gated_gelu(self.gate_proj(x), self.up_proj(x)))


class Router(nn.Module):
    """Scores the experts of each token from the raw residual, which it normalises and scales itself."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.top_k = config.top_k_experts
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps, with_scale=False)
        self.proj = nn.Linear(config.hidden_size, config.num_experts, bias=False)
        self.scale = nn.Parameter(torch.ones(config.hidden_size))
        self.per_expert_scale = nn.Parameter(torch.ones(config.num_experts))

    def forward(self, residual: Float[Tensor, "T D"]) -> tuple[Tensor, Tensor]:
        """Weights and indices of the chosen experts, both [T, top_k]."""
        scaled = rms_norm(residual, self.scale.float() * residual.shape[-1] ** -0.5, self.norm.eps)
        return route(self.proj(scaled), self.per_expert_scale, self.top_k)


class Experts(nn.Module):
    """The experts' weights as two stacked tensors, the layout of the published checkpoint."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.kernels: GpuKernels | None = None
        num_experts, width, inner = config.num_experts, config.hidden_size, config.moe_intermediate_size
        self.mix = (
            mix_experts_dense
            if num_experts <= _DENSE_UP_TO_EXPERTS_PER_CHOICE * config.top_k_experts
            else mix_experts_sparse
        )
        self.gate_up_proj = nn.Parameter(torch.empty(num_experts, 2 * inner, width))
        self.down_proj = nn.Parameter(torch.empty(num_experts, width, inner))

    def forward(self, x: Float[Tensor, "T D"], weights: Tensor, chosen: Tensor) -> Float[Tensor, "T D"]:
        """Weighted sum of the chosen experts' outputs."""
        mix = self.mix if self.kernels is None else self.kernels.mix_experts
        return mix(x, self.gate_up_proj, self.down_proj, weights, chosen)
