"""The vocabulary head under a rule: what a step needs of the logits, class by class, without the logits.

A rule multiplies the probability of a token by a factor that depends on the token's class alone, and the factors depend
on the tokens through the classes' sums alone. So one pass over the valid tokens is enough: of each large class it keeps
what `gesso.ops.read_head` keeps of a chunk, and of the tokens of small classes the scores. When the factors are known,
these are put together. Tokens that are valid nowhere are never looked at.

The plain twin is `score_classes` and its siblings in `token_scores.py`, on whole logits.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from gesso.constrain.token_scores import TokenClasses, choose_in_classes, sum_small_classes
from gesso.ops.categorical import invert_cdf_in_groups, max_in_groups
from gesso.ops.read_head import KEPT, Span, SpanReading

CHUNK = 2048
"""Tokens of a class to look at at once: fewer than without a rule, whose scores stay closer to the processor."""

MAX_GATHERED_BYTES = 2**24
"""Embeddings of valid tokens that take more are gathered piece by piece in each step, and not kept."""


@dataclass(slots=True)
class Gathered:
    """The embeddings of a rule's tokens in the order of its classes, gathered at the first use and then kept."""

    embedding: Tensor | None = None
    vectors: Tensor | None = None

    def of(self, classes: TokenClasses, embedding: Float[Tensor, "V D"]) -> Float[Tensor, "T D"] | None:
        """The embeddings of `classes.tokens`; None if they take too much room. Mutates what is kept."""
        if len(classes.tokens) * embedding.shape[1] * embedding.element_size() > MAX_GATHERED_BYTES:
            return None
        if self.embedding is not embedding:
            self.embedding, self.vectors = embedding, embedding.index_select(0, classes.tokens)
        return self.vectors


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassHead:
    """One canvas's prediction, read class by class. Make it with `read_classes`.

    Attributes:
        classes: which tokens are in a class.
        total: log of the summed weight of each class at each position, up to a constant for each position.
        best: the same of its likeliest token.
        small: the scores of the tokens of all small classes, in the order of `TokenClasses.tokens`.
        small_vectors: their embeddings.
        spans: the large classes.
        readings: what was read of them.
    """

    classes: TokenClasses
    total: Float[Tensor, "C K"]
    best: Float[Tensor, "C K"]
    small: Float[Tensor, "C M"]
    small_vectors: Float[Tensor, "M D"]
    spans: dict[int, Span]
    readings: dict[int, SpanReading]

    def combine(
        self, factors: Float[Tensor, "C K"]
    ) -> tuple[Float[Tensor, " C"], Float[Tensor, " C"], Float[Tensor, "C D"]]:
        """Entropy, highest probability and expected embedding of the prediction among valid canvases.

        Args:
            factors: what the rule multiplies the weight of each class by, in logarithms, so that all weights together
                are 1 at each position.
        """
        # A class of probability 0 has a factor of minus infinity, whose product with 0 would not be a number.
        least = -1e30
        logs = self.small + factors.index_select(1, self.classes.small[self.classes.small_class])
        probabilities = logs.exp()
        nats = -torch.linalg.vecdot(probabilities, logs.clamp(min=least))
        embedding = (probabilities.to(self.small_vectors.dtype) @ self.small_vectors).float()
        highest = self.best + factors
        for number, read in self.readings.items():
            log = highest[:, number]
            weight = log.exp()
            nats -= weight * (read.moment + read.total * log.clamp(min=least))
            embedding = embedding.addcmul_(read.soft, weight[:, None])
        highest = highest.amax(1).exp()
        # Rounding may carry an entropy of nothing below zero, and a certainty above one.
        return nats.clamp(min=0), highest.clamp(max=1), embedding

    def sample(self, chosen: Int[Tensor, " C"], uniforms: Float64[Tensor, " C"]) -> Int[Tensor, " C"]:
        """Draw a token of each position's chosen class, in proportion to its probability."""
        return choose_in_classes(
            self.classes,
            self.small,
            chosen,
            lambda scores, positions: invert_cdf_in_groups(scores.softmax(-1), uniforms[positions]),
            lambda number, positions: self.spans[number].sample(self.readings[number], uniforms, positions),
        )

    def likeliest(self, chosen: Int[Tensor, " C"]) -> Int[Tensor, " C"]:
        """Take the likeliest token of each position's chosen class."""
        return choose_in_classes(
            self.classes,
            self.small,
            chosen,
            lambda scores, _: max_in_groups(scores)[1],
            lambda number, positions: self.readings[number].argmax[positions],
        )


def read_classes(
    classes: TokenClasses,
    hidden: Float[Tensor, "C D"],
    embedding: Float[Tensor, "V D"],
    softcap: float,
    temperature: Float[Tensor, ""],
    gathered: Gathered,
) -> ClassHead:
    """Read the tempered logits of one canvas class by class.

    Args:
        classes: which tokens are in a class.
        hidden: final hidden states, normed.
        embedding: the tied embedding.
        softcap: as in `gesso.ops.read_head`.
        temperature: where it is zero the logits are divided by one.
        gathered: remembers the embeddings from step to step, while the weights stay as they are; mutated.
    """
    cap = (softcap / torch.where(temperature == 0, 1.0, temperature)).expand(len(hidden), 1)
    ordered = gathered.of(classes, embedding)

    def vectors_of(start: int, stop: int) -> Float[Tensor, "N D"]:
        if ordered is not None:
            return ordered[start:stop]
        return embedding.index_select(0, classes.tokens[start:stop])

    def span(first: int, last: int) -> Span:
        return Span(
            rows=hidden,
            vectors=lambda start, stop: vectors_of(first + start, first + stop),
            size=last - first,
            softcap=softcap,
            cap=cap,
            chunk=CHUNK,
        )

    few = len(classes.small_class)
    small = span(0, few)
    scores = small.scores(0, few)
    spans = {number: span(start, stop) for number, start, stop in classes.large}
    keep = len(classes.tokens) <= KEPT
    readings = {number: one.read(keep=keep) for number, one in spans.items()}
    total, best = sum_small_classes(classes, scores)
    for number, read in readings.items():
        total[:, number], best[:, number] = read.total.log() + read.best, read.best
    return ClassHead(
        classes=classes,
        total=total,
        best=best,
        small=scores,
        small_vectors=small.vectors(0, few),
        spans=spans,
        readings=readings,
    )
