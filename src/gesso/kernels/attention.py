"""Attention of a canvas over the cache and itself, without a mask and without joining the two.

Every canvas position of a row sees the same keys: the row's own canvas whole, and of its cache either all or the last
W - 1 positions. So who may see whom is a range for each row and not a matrix: `context` and `window` say all. One
kernel walks over that range with a running maximum and sum (Dao et al., arXiv 2205.14135). All query heads that share
a key head lie in one tile, so keys and values are read once for the group (Ainslie et al., arXiv 2305.13245).

The lengths stay on the device, and the grid does not depend on them: one CUDA graph serves a cache that grows.
The plain twin joins keys, makes a mask and calls `gesso.ops.attention.attend`.
"""

from dataclasses import dataclass
from typing import no_type_check

import torch
import triton
import triton.language as tl
from jaxtyping import Float, Int
from torch import Tensor

from gesso.errors import InputError
from gesso.kernels.shared_memory import first_that_fits

_NO_WINDOW = 2**30


@dataclass(frozen=True, kw_only=True, slots=True)
class AttentionTile:
    """How the work is cut; it changes the time and, but for rounding, never the result.

    Attributes:
        rows: Queries of a program, counted over canvas positions and the heads of a group; a power of two, at least 16.
        keys: Keys that a program sees at a time; a power of two, at least 16.
        splits: Programs among which the keys of one tile are divided; above 1 for few rows and long contexts.
        warps: Warps of a program.
        stages: Loads in flight.
    """

    rows: int = 64
    keys: int = 32
    splits: int = 1
    warps: int = 8
    stages: int = 2

    def __post_init__(self) -> None:
        for name in ("rows", "keys"):
            size = getattr(self, name)
            if size < 16 or size & (size - 1):
                raise InputError(f"{name} of an attention tile is {size}; give a power of two of at least 16")
        if self.splits < 1:
            raise InputError(f"splits of an attention tile is {self.splits}; give at least 1")


def default_tile(queries: Float[Tensor, "B N C H"]) -> AttentionTile:
    """The largest usual tile whose queries, and keys and values in flight, fit the device's shared memory."""
    row_bytes = triton.next_power_of_2(queries.shape[-1]) * queries.element_size()
    cuts = [(128, 64, 2)] if queries.shape[-1] <= 128 else []
    cuts += [(64, 64, 2), (64, 32, 2), (64, 32, 1), (32, 32, 1), (32, 16, 1), (16, 16, 1)]
    return first_that_fits(
        [AttentionTile(rows=rows, keys=keys, stages=stages) for rows, keys, stages in cuts],
        lambda tile: (tile.rows + 2 * tile.stages * tile.keys) * row_bytes,
        queries.device,
    )


def attend_canvas(
    queries: Float[Tensor, "B N C H"],
    keys: Float[Tensor, "B K C H"],
    values: Float[Tensor, "B K C H"],
    past_keys: Float[Tensor, "B2 K S H"],
    past_values: Float[Tensor, "B2 K S H"],
    context: Int[Tensor, " B"],
    *,
    window: int | None = None,
    past_start: int = 0,
    slots: Int[Tensor, "B P"] | None = None,
    tile: AttentionTile | None = None,
) -> Float[Tensor, "B N C H"]:
    """Softmax-weighted sum of values over the cache and the canvas; nothing is scaled, as in the plain twin.

    The last dimension of every tensor must be contiguous; all others may be laid out in any way.

    Args:
        queries: Queries of the canvas, normalised and turned.
        keys: Its keys; query head n reads key head n // (N / K).
        values: Its values.
        past_keys: Cached keys, at least up to the longest context; what lies behind a row's context is not read.
        past_values: Cached values.
        context: Encoded positions of each row, on the device.
        window: W of a sliding layer, whose canvas sees the last W - 1 cached positions; None for a full layer.
        past_start: Absolute position of the first cached key that is given.
        slots: Where each position lies in a pool that all rows share, whose batch dimension is 1; None if row b of the
            cache belongs to row b of the canvas.
        tile: How the work is cut; None for `default_tile`.

    Returns:
        [B, N, C, H], laid out so that `transpose(1, 2).flatten(2)` copies nothing.
    """
    batch, num_heads, canvas_length, head_dim = queries.shape
    num_kv_heads = keys.shape[1]
    group = num_heads // num_kv_heads
    tile = tile or default_tile(queries)
    # A pool is the same for every row: its batch dimension takes no stride.
    past_keys, past_values = past_keys.expand(batch, -1, -1, -1), past_values.expand(batch, -1, -1, -1)
    out = torch.empty(batch, canvas_length, num_heads, head_dim, dtype=queries.dtype, device=queries.device)
    out = out.transpose(1, 2)
    is_split = tile.splits > 1
    partial = queries.new_empty(tile.splits * is_split, batch, num_heads, canvas_length, head_dim, dtype=torch.float32)
    log_sums = queries.new_empty(tile.splits * is_split, batch, num_heads, canvas_length, dtype=torch.float32)
    grid = (triton.cdiv(group * canvas_length, tile.rows), tile.splits, batch * num_kv_heads)
    _attend_kernel[grid](
        queries, keys, values, past_keys, past_values, context, context if slots is None else slots,
        out, partial, log_sums,
        *queries.stride()[:3], *keys.stride()[:3], *values.stride()[:3], *past_keys.stride()[:3],
        *past_values.stride()[:3], *out.stride()[:3], 0 if slots is None else slots.stride(0),
        batch, num_heads, num_kv_heads, canvas_length, past_start, _NO_WINDOW if window is None else window,
        GROUP=group, HEAD=head_dim, HEAD_PADDED=max(16, triton.next_power_of_2(head_dim)),
        ROWS=tile.rows, KEYS=tile.keys, SPLITS=tile.splits, IS_PAGED=slots is not None,
        num_warps=tile.warps, num_stages=tile.stages,
    )  # fmt: skip
    if is_split:
        out.copy_((partial * log_sums.softmax(0).unsqueeze(-1)).sum(0))
    return out


@triton.jit
@no_type_check
def _attend_kernel(
    queries, keys, values, past_keys, past_values, context, slots, out, partial, log_sums,
    q_batch, q_head, q_position, k_batch, k_head, k_position, v_batch, v_head, v_position,
    pk_batch, pk_head, pk_position, pv_batch, pv_head, pv_position, o_batch, o_head, o_position, slots_batch,
    batch_size, num_heads, num_kv_heads, canvas_length, past_start, window,
    GROUP: tl.constexpr, HEAD: tl.constexpr, HEAD_PADDED: tl.constexpr,
    ROWS: tl.constexpr, KEYS: tl.constexpr, SPLITS: tl.constexpr, IS_PAGED: tl.constexpr,
):  # fmt: skip
    split = tl.program_id(1)
    batch = (tl.program_id(2) // num_kv_heads).to(tl.int64)
    kv_head = tl.program_id(2) % num_kv_heads
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    head = kv_head * GROUP + row // canvas_length
    position = row % canvas_length
    width = tl.arange(0, HEAD_PADDED)
    is_width = width[None, :] < HEAD
    is_row = (row < GROUP * canvas_length)[:, None] & is_width

    query = tl.load(
        queries + batch * q_batch + head[:, None] * q_head + position[:, None] * q_position + width[None, :],
        mask=is_row, other=0.0,
    )  # fmt: skip
    length = tl.load(context + batch).to(tl.int32)
    first = tl.maximum(length - window + 1, 0)
    maximum = tl.full((ROWS,), float("-inf"), tl.float32)
    total = tl.zeros((ROWS,), tl.float32)
    mixed = tl.zeros((ROWS, HEAD_PADDED), tl.float32)

    past_keys += batch * pk_batch + kv_head.to(tl.int64) * pk_head + width[None, :]
    past_values += batch * pv_batch + kv_head.to(tl.int64) * pv_head + width[None, :]
    for start in range(first + split * KEYS, length, SPLITS * KEYS):
        key = start + tl.arange(0, KEYS)
        is_key = key < length
        if IS_PAGED:
            place = tl.load(slots + batch * slots_batch + key - past_start, mask=is_key, other=0).to(tl.int64)
        else:
            place = (key - past_start).to(tl.int64)
        seen = is_key[:, None] & is_width
        block_keys = tl.load(past_keys + place[:, None] * pk_position, mask=seen, other=0.0)
        block_values = tl.load(past_values + place[:, None] * pv_position, mask=seen, other=0.0)
        maximum, total, mixed = _attend_block(query, block_keys, block_values, is_key, maximum, total, mixed)

    keys += batch * k_batch + kv_head * k_head + width[None, :]
    values += batch * v_batch + kv_head * v_head + width[None, :]
    for start in range(split * KEYS, canvas_length, SPLITS * KEYS):
        key = start + tl.arange(0, KEYS)
        is_key = key < canvas_length
        seen = is_key[:, None] & is_width
        block_keys = tl.load(keys + key[:, None] * k_position, mask=seen, other=0.0)
        block_values = tl.load(values + key[:, None] * v_position, mask=seen, other=0.0)
        maximum, total, mixed = _attend_block(query, block_keys, block_values, is_key, maximum, total, mixed)

    mixed = mixed / tl.where(total > 0, total, 1.0)[:, None]
    if SPLITS == 1:
        write = out + batch * o_batch + head[:, None] * o_head + position[:, None] * o_position + width[None, :]
        tl.store(write, mixed.to(out.dtype.element_ty), mask=is_row)
    else:
        place = ((split * batch_size + batch) * num_heads + head) * canvas_length + position
        tl.store(partial + place[:, None] * HEAD + width[None, :], mixed, mask=is_row)
        # A split that saw no key has no sum, and minus infinity gives it no weight.
        tl.store(log_sums + place, maximum + tl.log(tl.where(total > 0, total, 1.0)), mask=row < GROUP * canvas_length)


@triton.jit
@no_type_check
def _attend_block(query, keys, values, is_key, maximum, total, mixed):
    """Add some keys to the running maximum, sum and mixture."""
    scores = tl.dot(query, tl.trans(keys), input_precision="ieee")
    scores = tl.where(is_key[None, :], scores, float("-inf"))
    new_maximum = tl.maximum(maximum, tl.max(scores, axis=1))
    weights = tl.exp(scores - new_maximum[:, None])
    shrink = tl.exp(maximum - new_maximum)
    mixed = mixed * shrink[:, None] + tl.dot(weights.to(values.dtype), values, input_precision="ieee")
    return new_maximum, total * shrink + tl.sum(weights, axis=1), mixed
