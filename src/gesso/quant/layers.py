"""Layers whose weights are held in few bits. What they compute is what the layer computes with the weights widened.

Weights are widened for each product, but for the experts' kernels, which read codes. On a CPU, with the tokens of a
canvas, widening takes an eighth to a quarter of the product's time, and torch's own products that read codes take twice
as long as both together (`docs/quant.md`).
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from gesso.model.feed_forward import Experts
from gesso.ops.experts import mix_experts_sparse
from gesso.ops.gpu_kernels import GpuKernels
from gesso.quant.scheme import QuantizedTensor, Scheme, quantize


class QuantizedWeight(nn.Module):
    """A weight in few bits, in the place of a parameter: a weight called X becomes X.codes and X.scale."""

    def __init__(self, weight: Float[Tensor, "*O I"], scheme: Scheme) -> None:
        super().__init__()
        self.scheme = scheme
        self.fill(weight)

    def fill(self, weight: Float[Tensor, "*O I"]) -> None:
        """Quantize a weight into this place, on the device where it is. Mutates."""
        quantized = quantize(weight.detach(), self.scheme)
        self.codes = nn.Parameter(quantized.codes, requires_grad=False)
        self.scale = nn.Parameter(quantized.scale, requires_grad=False)

    def widen(self, dtype: torch.dtype, only: Int[Tensor, " n"] | None = None) -> Float[Tensor, "..."]:
        """The weights in a dtype for products; of stacked ones only those that are named."""
        codes, scale = (self.codes, self.scale) if only is None else (self.codes[only], self.scale[only])
        return QuantizedTensor(scheme=self.scheme, codes=codes, scale=scale).dequantize(dtype)


class QuantizedLinear(nn.Module):
    """A linear map without bias."""

    def __init__(self, linear: nn.Linear, scheme: Scheme) -> None:
        super().__init__()
        self.weight = QuantizedWeight(linear.weight, scheme)

    def forward(self, x: Float[Tensor, "*B I"]) -> Float[Tensor, "*B O"]:
        """Map each vector."""
        return F.linear(x, self.weight.widen(x.dtype))


class QuantizedExperts(nn.Module):
    """The experts of a mixture, stacked; see `Experts`, whose choice of operation it keeps."""

    def __init__(self, experts: Experts, scheme: Scheme) -> None:
        super().__init__()
        self.kernels: GpuKernels | None = experts.kernels
        self.mix = experts.mix
        self.gate_up_proj = QuantizedWeight(experts.gate_up_proj, scheme)
        self.down_proj = QuantizedWeight(experts.down_proj, scheme)

    def forward(self, x: Float[Tensor, "T D"], weights: Tensor, chosen: Tensor) -> Float[Tensor, "T D"]:
        """Weighted sum of the chosen experts' outputs."""
        number = self.gate_up_proj.scheme.number
        if self.kernels is not None and number is not None:
            return self.kernels.mix_experts(
                x, self.gate_up_proj.codes.view(number), self.down_proj.codes.view(number), weights, chosen,
                gate_up_scale=self.gate_up_proj.scale.squeeze(-1), down_scale=self.down_proj.scale.squeeze(-1),
            )  # fmt: skip
        mix, used = self.mix if self.kernels is None else self.kernels.mix_experts, None
        if mix is mix_experts_sparse:
            used, chosen = chosen.unique(return_inverse=True)  # experts that nobody chose need not be widened
        gate_up, down = (weight.widen(x.dtype, used) for weight in (self.gate_up_proj, self.down_proj))
        return mix(x, gate_up, down, weights, chosen)
