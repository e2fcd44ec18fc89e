"""One transformer layer; the same weights serve encoding and denoising, with a scalar of its own for each."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gesso.model.attention import Attention, View
from gesso.model.config import ModelConfig
from gesso.model.feed_forward import Experts, FeedForward, Router
from gesso.model.kv_cache import Cache
from gesso.model.norm import RMSNorm


class Layer(nn.Module):
    """Attention, then a dense feed-forward beside a mixture of experts; norms before and after each.

    Names of the norms are those of the published checkpoint. Without experts the three norms that belong to the mixture
    are absent too, as in the dense Gemma 4.
    """

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        width, eps = config.hidden_size, config.rms_norm_eps
        self.kind = config.layer_types[layer]
        self.self_attn = Attention(config, layer)
        self.mlp = FeedForward(width, config.intermediate_size)
        self.input_layernorm = RMSNorm(width, eps)
        self.post_attention_layernorm = RMSNorm(width, eps)
        self.pre_feedforward_layernorm = RMSNorm(width, eps)
        self.post_feedforward_layernorm = RMSNorm(width, eps)
        self.encode_scalar = nn.Parameter(torch.ones(1))
        self.denoise_scalar = nn.Parameter(torch.ones(1))
        self.experts: Experts | None = None
        if config.num_experts:
            self.router = Router(config)
            self.experts = Experts(config)
            self.post_feedforward_layernorm_1 = RMSNorm(width, eps)
            self.post_feedforward_layernorm_2 = RMSNorm(width, eps)
            self.pre_feedforward_layernorm_2 = RMSNorm(width, eps)

        self._compiled: tuple[Callable[..., tuple[Tensor, Tensor, Tensor]], Callable[..., Tensor]] | None = None

    def forward(self, hidden: Float[Tensor, "B L D"], cache: Cache, view: View) -> Float[Tensor, "B L D"]:
        """One layer's update of the residual stream; an encode pass also appends to `cache`."""
        before, after = (self._before, self._after) if self._compiled is None or view.writes else self._compiled
        mixed = self.self_attn.mix(*before(hidden, view.cos, view.sin), cache, view)
        return after(hidden, mixed, self.encode_scalar if view.writes else self.denoise_scalar)

    def compile_denoising(self) -> None:
        """Compile what a denoising pass does before and after its attention. Encoding, of any length, stays plain."""
        self._compiled = torch.compile(self._before), torch.compile(self._after)

    def _before(self, hidden: Float[Tensor, "B L D"], cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.self_attn.project(self.input_layernorm(hidden), cos, sin)

    def _after(
        self, hidden: Float[Tensor, "B L D"], mixed: Float[Tensor, "B L NH"], scalar: Float[Tensor, "1"]
    ) -> Float[Tensor, "B L D"]:
        hidden = hidden + self.post_attention_layernorm(self.self_attn.o_proj(mixed))
        hidden = hidden + self.post_feedforward_layernorm(self._feed_forward(hidden))
        return hidden * scalar

    def _feed_forward(self, residual: Float[Tensor, "B L D"]) -> Float[Tensor, "B L D"]:
        dense = self.mlp(self.pre_feedforward_layernorm(residual))
        if self.experts is None:
            return dense
        tokens = residual.flatten(0, 1)
        # The router reads the raw residual and the experts the normed one; feeding the router the normed one costs
        # stray tokens and keeps canvases from converging.
        weights, chosen = self.router(tokens)
        mixed = self.experts(self.pre_feedforward_layernorm_2(tokens), weights, chosen).view_as(residual)
        return self.post_feedforward_layernorm_1(dense) + self.post_feedforward_layernorm_2(mixed)
