"""The vocabulary head and its inverse: hidden states to logits, logits to soft embeddings."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def softcapped_logits(
    hidden: Float[Tensor, "B L D"], embedding: Float[Tensor, "V D"], softcap: float
) -> Float[Tensor, "B L V"]:
    """Scores of every token, squeezed into (-softcap, softcap) by tanh; float32."""
    logits = F.linear(hidden, embedding).to(torch.float32)
    return softcap * torch.tanh(logits / softcap)


def soft_embedding(
    logits: Float[Tensor, "B C V"], embedding: Float[Tensor, "V D"], scale: float
) -> Float[Tensor, "B C D"]:
    """The expected token embedding under softmax(logits), times `scale` (sqrt(D)).

    The softmax is float32; its result is rounded to the embedding's dtype for the product, as in the reference.
    """
    probabilities = logits.softmax(dim=-1, dtype=torch.float32).to(embedding.dtype)
    return probabilities @ embedding * torch.tensor(scale, dtype=embedding.dtype, device=embedding.device)
