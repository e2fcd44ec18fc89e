"""The vocabulary head in one pass over chunks of the embedding: what a step needs of the logits, never all of them.

For each chunk of tokens four numbers a position are kept: the largest score m, the sum of the weights exp(score - m),
that sum weighted by score - m, and the likeliest token. The chunk's share of the soft embedding is added up beside.
All of it is relative to the largest score so far, as in the running softmax of Milakov and Gimelshein (arXiv
1805.02867). At the end the sums of the chunks tell in which of them the cumulative probability passes the position's
uniform number, and that one chunk is computed again to find the token.

The plain twin is `softcapped_logits`, division by the temperature, `gesso.sampling.statistics.measure`, and
`soft_embedding`. The sample is the one that it takes for the same uniform number.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import NamedTuple

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor
from torch.nn import functional as F

from gesso.ops.categorical import invert_cdf, invert_cdf_in_groups, max_in_groups
from gesso.shapes import CanvasEntropy, CanvasIds, SoftEmbedding

CHUNK = 4096
"""Tokens of a chunk: for 256 positions its float32 scores take 4 MiB, which stay in a processor's cache."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadReading:
    """The prediction at every position, and what is fed back of it.

    Attributes:
        entropy: Entropy of the tempered prediction, in nats.
        confidence: Probability of the most likely token.
        argmax: The most likely token.
        sampled: The token that the uniform number chooses; the most likely one where the temperature is zero.
        soft_embedding: Expected, scaled embedding of the tempered prediction.
    """

    entropy: CanvasEntropy
    confidence: Float[Tensor, "B C"]
    argmax: CanvasIds
    sampled: CanvasIds
    soft_embedding: SoftEmbedding


class ChunkReading(NamedTuple):
    """One chunk of the vocabulary, read.

    Attributes:
        best: Largest score.
        argmax: The first token of the chunk that has it.
        probabilities: Softmax over the chunk alone.
        total: Sum of exp(score - best).
        moment: Sum of exp(score - best) * (score - best).
    """

    best: Float[Tensor, " T"]
    argmax: Int[Tensor, " T"]
    probabilities: Float[Tensor, "T K"]
    total: Float[Tensor, " T"]
    moment: Float[Tensor, " T"]


def read_chunk(
    rows: Float[Tensor, "T D"], vectors: Float[Tensor, "K D"], softcap: float, cap: Float[Tensor, "T 1"]
) -> ChunkReading:
    """Read one chunk of the vocabulary; `cap` is the softcap divided by each position's temperature."""
    scores = _scores(rows, vectors, softcap, cap)
    best, argmax = max_in_groups(scores)
    scores = scores.sub_(best[:, None])
    probabilities = scores.softmax(-1)
    total = probabilities.amax(-1).reciprocal()
    moment = torch.linalg.vecdot(probabilities, scores) * total
    return ChunkReading(best, argmax, probabilities, total, moment)


def _scores(
    rows: Float[Tensor, "T D"], vectors: Float[Tensor, "K D"], softcap: float, cap: Float[Tensor, "T 1"]
) -> Float[Tensor, "T K"]:
    """Tempered logits, and `cap` more: softmax does not care, and tanh(x) + 1 = 2 sigmoid(2x) is six times as quick."""
    return F.linear(rows, vectors).float().mul_(2 / softcap).sigmoid_().mul_(2 * cap)


ChunkReader = Callable[[Tensor, Tensor, float, Tensor], ChunkReading]
"""`read_chunk`, or what a compiler made of it."""


def read_head(
    hidden: SoftEmbedding,
    embedding: Float[Tensor, "V D"],
    softcap: float,
    temperature: Float[Tensor, " B"],
    uniforms: Float64[Tensor, "B C"],
    *,
    chunk: int = CHUNK,
    reader: ChunkReader = read_chunk,
) -> HeadReading:
    """Read softcapped, tempered logits without storing them, canvas by canvas: neighbours cost and change nothing.

    Args:
        hidden: Final hidden states, normed.
        embedding: The tied embedding.
        softcap: Logits lie in (-softcap, softcap) before they are divided by the temperature.
        temperature: Temperature of each row; where it is zero the choice is greedy and logits are divided by one.
        uniforms: A number in [0, 1) for each position, which chooses its token.
        chunk: Tokens to look at at once; changes the result by rounding alone.
        reader: What reads a chunk.
    """
    if len(hidden) > 1:
        canvases = zip(hidden.split(1), temperature.split(1), uniforms.split(1), strict=True)
        readings = [read_head(h, embedding, softcap, t, u, chunk=chunk, reader=reader) for h, t, u in canvases]
        parts = {field.name: [getattr(reading, field.name) for reading in readings] for field in fields(HeadReading)}
        return HeadReading(**{name: torch.cat(tensors) for name, tensors in parts.items()})
    shape, width = hidden.shape[:2], hidden.shape[2]
    rows = hidden.reshape(-1, width)
    cap = (softcap / torch.where(temperature == 0, 1.0, temperature)).repeat_interleave(shape[1])[:, None]

    best, argmax, read = torch.full_like(rows[:, 0], -torch.inf, dtype=torch.float32), None, None
    total, moment, soft = torch.zeros_like(best), torch.zeros_like(best), torch.zeros_like(rows, dtype=torch.float32)
    bests, totals = [], []
    for start in range(0, len(embedding), chunk):
        vectors = embedding[start : start + chunk]
        read = reader(rows, vectors, softcap, cap)
        bests.append(read.best)
        totals.append(read.total)
        argmax = read.argmax if argmax is None else torch.where(read.best > best, read.argmax + start, argmax)
        before, best = best, torch.maximum(best, read.best)
        # In the first chunk nothing comes before, and minus infinity times nothing would not be a number.
        down, gap = (before - best).exp(), (before - best).clamp(min=torch.finfo(torch.float32).min)
        share, lag = (read.best - best).exp(), read.best - best
        moment = down * (moment + gap * total) + share * (read.moment + lag * read.total)
        total = down * total + share * read.total
        part = read.probabilities.to(vectors.dtype) @ vectors
        soft = soft.mul_(down[:, None]).addcmul_(part.float(), (share * read.total)[:, None])
    assert argmax is not None, "a vocabulary has tokens"
    assert read is not None, "and so a chunk"

    if len(totals) == 1:
        sampled = invert_cdf_in_groups(read.probabilities, uniforms.flatten())
    else:
        weights = torch.stack(totals, -1).double() * (torch.stack(bests, -1) - best[:, None]).double().exp()
        sampled = _sample(rows, embedding, softcap, cap, weights, uniforms.flatten(), chunk)
    sampled = torch.where((temperature == 0).repeat_interleave(shape[1]), argmax, sampled)
    scale = torch.tensor(width**0.5, dtype=embedding.dtype, device=embedding.device)
    return HeadReading(
        # Rounding may carry an entropy of nothing below zero.
        entropy=(total.log() - moment / total).clamp(min=0).view(shape),
        confidence=total.reciprocal().view(shape),
        argmax=argmax.view(shape),
        sampled=sampled.view(shape),
        soft_embedding=((soft / total[:, None]).to(embedding.dtype) * scale).view_as(hidden),
    )


def _sample(
    rows: Float[Tensor, "T D"],
    embedding: Float[Tensor, "V D"],
    softcap: float,
    cap: Float[Tensor, "T 1"],
    weights: Float64[Tensor, "T N"],
    uniforms: Float64[Tensor, " T"],
    chunk: int,
) -> Int[Tensor, " T"]:
    """Choose a chunk of each position by the weights of its chunks, and in it a token by what is left of the number."""
    chosen = invert_cdf(weights, uniforms)
    own = weights.gather(-1, chosen[:, None]).squeeze(-1)
    before = weights.cumsum(-1).gather(-1, chosen[:, None]).squeeze(-1) - own
    rest = ((uniforms * weights.sum(-1) - before) / own).clamp(0, 1)
    sampled = torch.zeros_like(chosen)
    for index in chosen.unique().tolist():
        (here,) = torch.where(chosen == index)
        vectors = embedding[index * chunk : (index + 1) * chunk]
        probabilities = _scores(rows[here], vectors, softcap, cap[here]).softmax(-1)
        sampled[here] = index * chunk + invert_cdf_in_groups(probabilities, rest[here])
    return sampled
