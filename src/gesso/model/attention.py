"""One attention layer, sliding or full, in its two modes."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gesso.errors import InputError
from gesso.model.config import ModelConfig
from gesso.model.kv_cache import Cache, SlottedCache
from gesso.model.norm import RMSNorm
from gesso.ops.attention import attend
from gesso.ops.gpu_kernels import GpuKernels
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
        context: How many cached positions each row's canvas follows; None in an encode pass.
        window: The sliding window, or None in a full layer.
    """

    cos: Float[Tensor, "B 1 L H"]
    sin: Float[Tensor, "B 1 L H"]
    start: int
    stop: int
    visible: Bool[Tensor, "B 1 #L S"] | None
    causal: bool
    writes: bool
    context: Int[Tensor, " B"] | None = None
    window: int | None = None


class Attention(nn.Module):
    """Grouped-query attention with normalised queries and keys and weightless-normalised values.

    A layer calls `project`, `mix` and `o_proj` in turn: only the second sees the cache.

    A full layer has no value projection: its values are the raw key projections, before the key norm and the rotary
    embedding (`DiffusionGemmaEncoderTextAttention`).
    """

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.kernels: GpuKernels | None = None
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

    def project(
        self, hidden: Float[Tensor, "B L D"], cos: Float[Tensor, "B 1 L H"], sin: Float[Tensor, "B 1 L H"]
    ) -> tuple[Float[Tensor, "B N L H"], Float[Tensor, "B K L H"], Float[Tensor, "B K L H"]]:
        """Queries, keys and values of the positions of this pass, normalised and turned."""
        queries = self._split(self.q_proj(hidden))
        raw_keys = self._split(self.k_proj(hidden))
        values = self.v_norm(raw_keys if self.v_proj is None else self._split(self.v_proj(hidden)))
        return self._turn(queries, self.q_norm, cos, sin), self._turn(raw_keys, self.k_norm, cos, sin), values

    def mix(
        self,
        queries: Float[Tensor, "B N L H"],
        keys: Float[Tensor, "B K L H"],
        values: Float[Tensor, "B K L H"],
        cache: Cache,
        view: View,
    ) -> Float[Tensor, "B L NH"]:
        """Attend to the cache and to this pass's own positions.

        An encode pass appends its keys and values to `cache`; a denoise pass leaves it as it was.
        """
        if view.writes:
            cache.append(self.layer, keys, values)
            if not view.causal:
                keys, values = cache.read(self.layer, view.start, view.stop)
        elif self.kernels is not None:
            return self._attend_with(self.kernels, queries, keys, values, cache, view)
        elif view.stop > view.start:
            past_keys, past_values = cache.read(self.layer, view.start, view.stop)
            keys, values = torch.cat([past_keys, keys], dim=2), torch.cat([past_values, values], dim=2)
        mixed = attend(queries, keys, values, view.visible, causal=view.causal)
        return mixed.transpose(1, 2).flatten(2)

    def _turn(self, x: Float[Tensor, "B N L H"], norm: RMSNorm, cos: Tensor, sin: Tensor) -> Float[Tensor, "B N L H"]:
        if self.kernels is not None:
            if x.requires_grad:
                raise InputError("kernels have no gradients; call use_kernels(None) before training")
            return self.kernels.norm_rope(x, norm.weight, norm.eps, cos, sin)
        return apply_rope(norm(x), cos, sin)

    def _attend_with(
        self, kernels: GpuKernels, queries: Tensor, keys: Tensor, values: Tensor, cache: Cache, view: View
    ) -> Float[Tensor, "B L NH"]:
        """A canvas's attention by kernel, which needs neither a mask nor cache and canvas in one tensor."""
        start, slots = view.start, None
        if isinstance(cache, SlottedCache):
            past_keys, past_values, slots = cache.slotted(self.layer)
            start = 0
        elif view.stop > view.start:
            past_keys, past_values = cache.read(self.layer, view.start, view.stop)
        else:
            past_keys, past_values = keys, values  # nothing is cached, so nothing of these is read
        mixed = kernels.attend_canvas(
            queries, keys, values, past_keys, past_values, view.context, window=view.window, past_start=start,
            slots=slots,
        )  # fmt: skip
        return mixed.transpose(1, 2).flatten(2)

    def _split(self, x: Float[Tensor, "B L NH"]) -> Float[Tensor, "B N L H"]:
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
