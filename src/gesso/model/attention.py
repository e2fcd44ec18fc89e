"""One attention layer, sliding or full, in its two modes."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gesso.model.config import ModelConfig
from gesso.model.kv_cache import Cache
from gesso.model.norm import RMSNorm
from gesso.ops.attention import attend
from gesso.ops.rope import apply_rope


@dataclass(frozen=True, kw_only=True)
class View:
    """What the positions of one forward pass may see, for one kind of layer.

    Attributes:
        cos: Cosines of the rotary embedding at the pass's positions.
        sin: Sines.
        start: First cached position that is read.
        stop: Position after the last that is read.
        visible: True where a query may see a key, or None where all is visible.
        causal: The plain causal case: an encode into an empty cache within the window. Excludes `visible`.
        writes: Encode writes the cache and reads back; denoise only reads and puts its own keys beside.
    """

    cos: Float[Tensor, "B 1 L H"]
    sin: Float[Tensor, "B 1 L H"]
    start: int
    stop: int
    visible: Bool[Tensor, "B 1 #L S"] | None
    causal: bool
    writes: bool


class Attention(nn.Module):
    """Grouped-query attention with normalised queries and keys and weightless-normalised values.

    A full layer has no value projection: its values are the raw key projections, before the key norm and the rotary
    embedding (`DiffusionGemmaEncoderTextAttention`).
    """

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.layer = layer
        num_kv_heads, self.head_dim = config.heads(layer)
        width, num_heads = config.hidden_size, config.num_attention_heads
        is_sliding = config.layer_types[layer] == "sliding_attention"
        self.q_proj = nn.Linear(width, num_heads * self.head_dim, bias=False)
        self.k_proj = nn.Linear(width, num_kv_heads * self.head_dim, bias=False)
        self.v_proj = nn.Linear(width, num_kv_heads * self.head_dim, bias=False) if is_sliding else None
        self.o_proj = nn.Linear(num_heads * self.head_dim, width, bias=False)
        self.q_norm = RMSNorm(self.head_dim, config.rms_norm_eps)
        self.k_norm = RMSNorm(self.head_dim, config.rms_norm_eps)
        self.v_norm = RMSNorm(self.head_dim, config.rms_norm_eps, with_scale=False)

    def forward(self, hidden: Float[Tensor, "B L D"], cache: Cache, view: View) -> Float[Tensor, "B L D"]:
        """Mix information between positions.

        An encode pass appends its keys and values to `cache`; a denoise pass leaves it as it was.
        """
        queries = self._split(self.q_proj(hidden))
        raw_keys = self._split(self.k_proj(hidden))
        values = self.v_norm(raw_keys if self.v_proj is None else self._split(self.v_proj(hidden)))
        queries = apply_rope(self.q_norm(queries), view.cos, view.sin)
        keys = apply_rope(self.k_norm(raw_keys), view.cos, view.sin)

        if view.writes:
            cache.append(self.layer, keys, values)
            if not view.causal:
                keys, values = cache.read(self.layer, view.start, view.stop)
        elif view.stop > view.start:
            past_keys, past_values = cache.read(self.layer, view.start, view.stop)
            keys, values = torch.cat([past_keys, keys], dim=2), torch.cat([past_values, values], dim=2)
        mixed = attend(queries, keys, values, view.visible, causal=view.causal)
        return self.o_proj(mixed.transpose(1, 2).flatten(2))

    def _split(self, x: Float[Tensor, "B L NH"]) -> Float[Tensor, "B N L H"]:
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
