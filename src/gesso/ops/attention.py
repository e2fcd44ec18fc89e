"""Attention of queries over keys and values: the specification, and a quicker way where all is visible."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F


def attend(
    queries: Float[Tensor, "B N L H"],
    keys: Float[Tensor, "B K S H"],
    values: Float[Tensor, "B K S H"],
    visible: Bool[Tensor, "#B 1 #L S"] | None = None,
    *,
    causal: bool = False,
) -> Float[Tensor, "B N L H"]:
    """Softmax-weighted sum of values; each group of N / K query heads shares one key head.

    There is no 1/sqrt(H) scale: queries and keys are normalised before, and the model learnt its own scale.

    Args:
        queries: Queries, normalised and turned.
        keys: Keys, normalised and turned.
        values: Values.
        visible: True where a query may see a key; None lets every query see every key.
        causal: Query i sees keys 0..i only. Needs L == S, and excludes `visible`.
    """
    is_all_visible = visible is None and not causal
    if is_all_visible and queries.dtype == torch.bfloat16 and queries.device.type == "cpu":
        return attend_to_all(queries, keys, values)
    return F.scaled_dot_product_attention(
        queries, keys, values, attn_mask=visible, is_causal=causal, scale=1.0, enable_gqa=True
    )


def attend_to_all(
    queries: Float[Tensor, "B N L H"], keys: Float[Tensor, "B K S H"], values: Float[Tensor, "B K S H"]
) -> Float[Tensor, "B N L H"]:
    """The same where every query sees every key, in two products.

    The query heads that share a key head are rows of one matrix, so a product is tall enough to run at full speed. In
    bfloat16 torch's own attention takes half as long again or more on a processor; in float32 it does not. Scores are
    rounded to the dtype of the queries before the softmax, as in the reference's eager attention.
    """
    batch, num_heads, length, width = queries.shape
    num_kv_heads, num_keys = keys.shape[1:3]
    rows = queries.reshape(batch * num_kv_heads, num_heads // num_kv_heads * length, width)
    keys, values = (x.reshape(batch * num_kv_heads, num_keys, width) for x in (keys, values))
    mixed = torch.bmm(torch.bmm(rows, keys.transpose(1, 2)).softmax(-1), values)
    return mixed.view(batch, num_heads, length, width)
