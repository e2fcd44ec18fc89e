"""RMSNorm and rotary embedding of queries or keys in one kernel: one read and one write of each vector.

The plain twin is `gesso.ops.rope.apply_rope` of `gesso.ops.norm.rms_norm`. It rounds to the dtype of the vectors after
every operation; here all is float32 until the result is written.
"""

from typing import no_type_check

import torch
import triton
import triton.language as tl
from jaxtyping import Float
from torch import Tensor


def norm_rope(
    x: Float[Tensor, "B N L H"],
    weight: Float[Tensor, " H"],
    eps: float,
    cos: Float[Tensor, "#B 1 L H"],
    sin: Float[Tensor, "#B 1 L H"],
) -> Float[Tensor, "B N L H"]:
    """Normalise every head's vector, scale it by `weight`, and turn it by its position's angle.

    Args:
        x: Projected queries or keys, in any layout whose last dimension is contiguous.
        weight: The learnt factor of each component.
        eps: Added to the mean square.
        cos: Cosines; both halves of the last dimension are equal, as `gesso.ops.rope.rope_tables` makes them.
        sin: Sines, in the same layout as the cosines.
    """
    batch, num_heads, length, head_dim = x.shape
    out = torch.empty(batch, num_heads, length, head_dim, dtype=x.dtype, device=x.device)
    cos, sin = cos.expand(batch, -1, -1, -1), sin.expand(batch, -1, -1, -1)
    _norm_rope_kernel[(batch * length,)](
        x, weight, cos, sin, out, num_heads, length, head_dim // 2, eps,
        x.stride(0), x.stride(1), x.stride(2), cos.stride(0), cos.stride(2),
        HEADS=triton.next_power_of_2(num_heads), HALF=triton.next_power_of_2(head_dim // 2),
    )  # fmt: skip
    return out


@triton.jit
@no_type_check
def _norm_rope_kernel(
    x, weight, cos, sin, out, num_heads, length, half, eps,
    x_batch, x_head, x_position, angle_batch, angle_position,
    HEADS: tl.constexpr, HALF: tl.constexpr,
):  # fmt: skip
    batch = tl.program_id(0) // length
    position = tl.program_id(0) % length
    heads = tl.arange(0, HEADS)[:, None]
    pairs = tl.arange(0, HALF)[None, :]
    is_pair = pairs < half
    is_inside = (heads < num_heads) & is_pair

    read = x + batch.to(tl.int64) * x_batch + heads * x_head + position * x_position + pairs
    first = tl.load(read, mask=is_inside, other=0.0).to(tl.float32)
    second = tl.load(read + half, mask=is_inside, other=0.0).to(tl.float32)
    mean_square = (tl.sum(first * first, axis=1) + tl.sum(second * second, axis=1)) / (2 * half)
    inverse = 1.0 / tl.sqrt(mean_square + eps)
    first = first * inverse[:, None] * tl.load(weight + pairs, mask=is_pair, other=0.0).to(tl.float32)
    second = second * inverse[:, None] * tl.load(weight + half + pairs, mask=is_pair, other=0.0).to(tl.float32)

    angle = batch.to(tl.int64) * angle_batch + position * angle_position + pairs
    cosine = tl.load(cos + angle, mask=is_pair, other=0.0).to(tl.float32)
    sine = tl.load(sin + angle, mask=is_pair, other=0.0).to(tl.float32)
    write = out + ((batch.to(tl.int64) * num_heads + heads) * length + position) * 2 * half + pairs
    tl.store(write, (first * cosine - second * sine).to(out.dtype.element_ty), mask=is_inside)
    tl.store(write + half, (second * cosine + first * sine).to(out.dtype.element_ty), mask=is_inside)
