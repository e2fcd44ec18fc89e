"""Attention of queries over keys and values: the specification."""

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
    return F.scaled_dot_product_attention(
        queries, keys, values, attn_mask=visible, is_causal=causal, scale=1.0, enable_gqa=True
    )
