"""The least time that arithmetic and memory allow on a device: bytes over bandwidth or operations over peak."""

from dataclasses import dataclass

import torch

from gesso.model.config import ModelConfig

# Bytes a second and dense bfloat16 operations a second, as the makers give them.
_PEAKS = {
    "H200": (4.8e12, 990e12),
    "H100": (3.35e12, 990e12),
    "A100": (2.04e12, 312e12),
    "L40S": (0.86e12, 362e12),
    "4090": (1.01e12, 165e12),
    "5090": (1.79e12, 210e12),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Peaks:
    """What a device can do at most.

    Attributes:
        name: The device.
        bytes_per_s: Memory bandwidth.
        flops_per_s: Dense bfloat16 operations.
    """

    name: str
    bytes_per_s: float
    flops_per_s: float

    def floor_s(self, num_bytes: float, flops: float) -> float:
        """The least time of one operation: it must move its bytes and do its arithmetic, at best at the same time."""
        return max(num_bytes / self.bytes_per_s, flops / self.flops_per_s)


def device_peaks() -> Peaks:
    """Peaks of this machine's GPU; those of an H100 where it is unknown or there is none."""
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    known = next((key for key in _PEAKS if key in name), "H100")
    bandwidth, flops = _PEAKS[known]
    return Peaks(name=name if known in name else f"{name}, peaks of an H100", bytes_per_s=bandwidth, flops_per_s=flops)


def step_floor(
    config: ModelConfig, peaks: Peaks, *, batch: int, context: int, experts_in_use: int, width_bytes: int = 2
) -> dict[str, float]:
    """The least seconds of each part of a denoising step, all layers together.

    Args:
        config: The shape.
        peaks: The device.
        batch: Rows that share the step.
        context: Cached positions of each row.
        experts_in_use: Experts of a layer that some token chooses.
        width_bytes: Bytes of a weight and of a cached number.
    """
    width, tokens = config.hidden_size, batch * config.canvas_length
    expert = 3 * width * config.moe_intermediate_size
    floors = dict.fromkeys(("projections", "attention", "dense", "router", "experts"), 0.0)
    for layer, kind in enumerate(config.layer_types):
        kv_heads, head_dim = config.heads(layer)
        is_sliding = kind == "sliding_attention"
        heads = 2 * config.num_attention_heads + kv_heads * (2 if is_sliding else 1)
        seen = min(context, config.sliding_window - 1) if is_sliding else context
        read = batch * seen * 2 * kv_heads * head_dim
        products = 4 * tokens * config.num_attention_heads * head_dim * (seen + config.canvas_length)
        floors["projections"] += _linear(peaks, width * heads * head_dim, tokens, width_bytes)
        floors["attention"] += peaks.floor_s(read * width_bytes, products)
        floors["dense"] += _linear(peaks, 3 * width * config.intermediate_size, tokens, width_bytes)
        floors["router"] += _linear(peaks, width * config.num_experts, tokens, width_bytes)
        floors["experts"] += peaks.floor_s(
            experts_in_use * expert * width_bytes, 2 * config.top_k_experts * expert * tokens
        )
    floors["self-conditioning"] = _linear(peaks, 3 * width * config.intermediate_size, tokens, width_bytes)
    # One pass over the embedding does two products with it: scores, and the soft embedding.
    embedding = config.vocab_size * width
    floors["head"] = peaks.floor_s(embedding * width_bytes, 4 * embedding * tokens)
    return floors


def _linear(peaks: Peaks, weights: int, tokens: int, width_bytes: int) -> float:
    return peaks.floor_s(weights * width_bytes, 2 * weights * tokens)
