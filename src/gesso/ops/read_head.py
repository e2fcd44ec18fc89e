"""The vocabulary head in one pass over chunks of the embedding: what a step needs of the logits, never all of them.

For each chunk of tokens four numbers a position are kept: the largest score m, the sum of the weights exp(score - m),
that sum weighted by score - m, and the likeliest token. The chunk's share of the soft embedding is added up beside.
All of it is relative to the largest score so far, as in the running softmax of Milakov and Gimelshein (arXiv
1805.02867). At the end the sums of the chunks tell in which of them the cumulative probability passes the position's
uniform number, and that one chunk is computed again to find the token.

The plain twin is `softcapped_logits`, division by the temperature, `gesso.sampling.statistics.measure`, and
`soft_embedding`. The sample is the one that it takes for the same uniform number.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor
from torch.nn import functional as F

from gesso.ops.categorical import invert_cdf, invert_cdf_in_groups, max_in_groups
from gesso.shapes import CanvasEntropy, CanvasIds, SoftEmbedding

CHUNK = 4096
"""Tokens of a chunk: for 256 positions its float32 scores take 4 MiB, which stay in a processor's cache."""

KEPT = 4 * CHUNK
"""Tokens up to which probabilities are kept until one is drawn: 16 MiB for 256 positions. Beyond, the few chunks that
are drawn from are computed a second time."""


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


HeadReader = Callable[[SoftEmbedding, Tensor, float, Tensor, Tensor], HeadReading]
"""Another way to read the head, with something else in mind; the arguments are the first five of `read_head`."""


def join_readings(readings: Sequence[HeadReading]) -> HeadReading:
    """Make one batch of the readings of several."""
    if len(readings) == 1:
        return readings[0]
    parts = {field.name: [getattr(reading, field.name) for reading in readings] for field in fields(HeadReading)}
    return HeadReading(**{name: torch.cat(tensors) for name, tensors in parts.items()})


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


class SpanReading(NamedTuple):
    """A span of the vocabulary, read chunk by chunk.

    Attributes:
        best: Largest score.
        argmax: The first token of the span that has it, counted from the beginning of the span.
        total: Sum of exp(score - best).
        moment: Sum of exp(score - best) * (score - best).
        soft: Sum of exp(score - best) * the token's vector.
        weights: Sum of exp(score - best) of each chunk.
        probabilities: Softmax over each chunk alone, if they are kept; none if they are not.
    """

    best: Float[Tensor, " T"]
    argmax: Int[Tensor, " T"]
    total: Float[Tensor, " T"]
    moment: Float[Tensor, " T"]
    soft: Float[Tensor, "T D"]
    weights: Float64[Tensor, "T N"]
    probabilities: tuple[Float[Tensor, "T _"], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Hidden states, and the tokens to read for them.

    Attributes:
        rows: Hidden states.
        vectors: Embeddings of the tokens from a first one to the one before a last.
        size: Tokens of the span.
        softcap: As in `read_head`.
        cap: The softcap divided by each position's temperature.
        chunk: Tokens to look at at once.
    """

    rows: Float[Tensor, "T D"]
    vectors: Callable[[int, int], Float[Tensor, "K D"]]
    size: int
    softcap: float
    cap: Float[Tensor, "T 1"]
    chunk: int = CHUNK

    def scores(self, start: int, stop: int) -> Float[Tensor, "T K"]:
        """Tempered logits of some tokens, up to a constant for each position."""
        return _scores(self.rows, self.vectors(start, stop), self.softcap, self.cap)

    def read(self, reader: ChunkReader = read_chunk, *, keep: bool = False) -> SpanReading:
        """Read all tokens, chunk by chunk; `keep` keeps their probabilities, which take as much room as logits."""
        first, part = self._read(0, reader)
        best, argmax, total, moment = first.best, first.argmax, first.total, first.moment
        soft = part.float() * total[:, None]
        bests, totals, kept = [best], [total], [first.probabilities] if keep else []
        for start in range(self.chunk, self.size, self.chunk):
            read, part = self._read(start, reader)
            argmax = torch.where(read.best > best, read.argmax + start, argmax)
            before, best = best, torch.maximum(best, read.best)
            gap, lag = before - best, read.best - best
            down, share = gap.exp(), lag.exp()
            moment = down * (moment + gap * total) + share * (read.moment + lag * read.total)
            total = down * total + share * read.total
            soft = soft.mul_(down[:, None]).addcmul_(part.float(), (share * read.total)[:, None])
            bests.append(read.best)
            totals.append(read.total)
            kept += [read.probabilities] if keep else []
        weights = torch.stack(totals, -1).double() * (torch.stack(bests, -1) - best[:, None]).double().exp()
        return SpanReading(best, argmax, total, moment, soft, weights, tuple(kept))

    def sample(
        self, reading: SpanReading, uniforms: Float64[Tensor, " T"], positions: Int[Tensor, " P"]
    ) -> Int[Tensor, " P"]:
        """Choose a token at some positions: first a chunk, and in it by what is left of the number.

        The chunks that are chosen are computed again where they are, unless they were kept.
        """
        weights, uniforms = reading.weights[positions], uniforms[positions]
        if reading.probabilities and self.size <= self.chunk:
            return invert_cdf_in_groups(reading.probabilities[0][positions], uniforms)
        chosen = invert_cdf(weights, uniforms)
        own = weights.gather(-1, chosen[:, None]).squeeze(-1)
        before = weights.cumsum(-1).gather(-1, chosen[:, None]).squeeze(-1) - own
        rest = ((uniforms * weights.sum(-1) - before) / own).clamp(0, 1)
        sampled = torch.zeros_like(chosen)
        for index in chosen.unique().tolist():
            (here,) = torch.where(chosen == index)
            if reading.probabilities:
                probabilities = reading.probabilities[index][positions[here]]
            else:
                part = replace(self, rows=self.rows[positions[here]], cap=self.cap[positions[here]])
                probabilities = part.scores(index * self.chunk, min((index + 1) * self.chunk, self.size)).softmax(-1)
            sampled[here] = index * self.chunk + invert_cdf_in_groups(probabilities, rest[here])
        return sampled

    def _read(self, start: int, reader: ChunkReader) -> tuple[ChunkReading, Float[Tensor, "T D"]]:
        """Read one chunk; its expected embedding as well."""
        vectors = self.vectors(start, min(start + self.chunk, self.size))
        read = reader(self.rows, vectors, self.softcap, self.cap)
        return read, read.probabilities.to(vectors.dtype) @ vectors


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
        return join_readings(readings)
    shape, width = hidden.shape[:2], hidden.shape[2]
    cap = (softcap / torch.where(temperature == 0, 1.0, temperature)).repeat_interleave(shape[1])[:, None]
    span = Span(
        rows=hidden.reshape(-1, width),
        vectors=lambda start, stop: embedding[start:stop],
        size=len(embedding),
        softcap=softcap,
        cap=cap,
        chunk=chunk,
    )
    read = span.read(reader, keep=len(embedding) <= KEPT)
    sampled = span.sample(read, uniforms.flatten(), torch.arange(len(span.rows), device=hidden.device))
    sampled = torch.where((temperature == 0).repeat_interleave(shape[1]), read.argmax, sampled)
    scale = torch.tensor(width**0.5, dtype=embedding.dtype, device=embedding.device)
    return HeadReading(
        # Rounding may carry an entropy of nothing below zero.
        entropy=(read.total.log() - read.moment / read.total).clamp(min=0).view(shape),
        confidence=read.total.reciprocal().view(shape),
        argmax=read.argmax.view(shape),
        sampled=sampled.view(shape),
        soft_embedding=((read.soft / read.total[:, None]).to(embedding.dtype) * scale).view_as(hidden),
    )
