"""Who may attend to whom.

Encoding is causal. In a full layer position p sees positions 0..p; in a sliding layer with window W it sees
p - W + 1 .. p, which is W positions with itself.

Denoising is not causal. Every canvas position sees every canvas position, however small the window, and the same part
of the cache: all of it in a full layer, its last W - 1 positions in a sliding layer. The window is anchored at the
canvas's beginning and does not move with the query. The reference cache keeps W - 1 positions and masks nothing
(`DynamicSlidingWindowLayer`), which settles the off-by-one that other runtimes differ in; `tests/model/test_masks.py`
holds it.
"""

import torch
from jaxtyping import Bool, Int
from torch import Tensor


def encode_visibility(
    positions: Int[Tensor, "B L"], num_keys: int, window: int | None
) -> Bool[Tensor, "B 1 L {num_keys}"]:
    """True where the query at an absolute position may see the cached key at index 0..num_keys - 1."""
    keys = torch.arange(num_keys, device=positions.device)
    distance = positions[:, None, :, None] - keys
    visible = distance >= 0
    return visible if window is None else visible & (distance < window)


def denoise_visibility(
    context: Int[Tensor, " B"], start: int, stop: int, canvas_length: int, window: int | None
) -> Bool[Tensor, "B 1 1 S"]:
    """True where a canvas may see a key: cached positions start..stop - 1 first, then the canvas itself.

    Args:
        context: How many cached positions each row's canvas follows.
        start: Absolute position of the first key that was read from the cache.
        stop: Absolute position after the last.
        canvas_length: C.
        window: The sliding window, or None in a full layer.
    """
    keys = torch.arange(start, stop, device=context.device)
    visible = keys < context[:, None]
    if window is not None:
        visible = visible & (keys > context[:, None] - window)
    canvas = visible.new_ones(context.shape[0], canvas_length)
    return torch.cat([visible, canvas], dim=-1)[:, None, None, :]
