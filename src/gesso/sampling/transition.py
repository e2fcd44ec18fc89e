"""From what a step proposes to the canvas that the next step sees."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from gesso.sampling.accept import Acceptance
from gesso.shapes import CanvasEntropy, CanvasIds, CanvasMask


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """All that the next canvas can be made of.

    Attributes:
        canvas: the tokens that the network saw.
        sampled: the tokens that were drawn from its prediction.
        noise: a uniformly random token for each position.
        coins: a number in [0, 1) for each position, independent of all tokens.
        entropy: entropy of each position's prediction, in nats.
        confidence: probability of each position's most likely token.
        fixed: positions that are not to be decided, for their token is; None: none.
        vocab_size: tokens that the noise was drawn from.
        step: steps taken before this one.
        max_steps: steps that the canvas may take.
    """

    canvas: CanvasIds
    sampled: CanvasIds
    noise: CanvasIds
    coins: Float64[Tensor, "B C"]
    entropy: CanvasEntropy
    confidence: Float[Tensor, "B C"]
    fixed: CanvasMask | None
    vocab_size: int
    step: int
    max_steps: int

    def keep(self, accepted: CanvasMask) -> tuple[CanvasIds, CanvasMask]:
        """Keep the sampled tokens at these and the fixed positions, and renoise the others."""
        return self.choose(stay=torch.zeros_like(accepted), renoise=~accepted)

    def choose(self, *, stay: CanvasMask, renoise: CanvasMask) -> tuple[CanvasIds, CanvasMask]:
        """Leave some positions as they are, renoise some, and keep the sampled tokens of the others.

        Returns:
            The next canvas, and where it has the sampled tokens. Fixed positions always have.
        """
        accepted = ~(stay | renoise)
        if self.fixed is not None:
            accepted = accepted | self.fixed
        return torch.where(accepted, self.sampled, torch.where(stay, self.canvas, self.noise)), accepted


@runtime_checkable
class Transition(Protocol):
    """Makes the next canvas. More general than an `Acceptance`, it sees the tokens and how far denoising has come."""

    def advance(self, proposal: Proposal) -> tuple[CanvasIds, CanvasMask]:
        """Make the next canvas, and say where it has the sampled tokens."""
        ...


@runtime_checkable
class Corrector(Transition, Protocol):
    """A transition that samples in some of its steps as if each position did not show its own token."""

    def keep_probability(self, step: int, max_steps: int) -> float | None:
        """Keep probability alpha of the noise level that the canvas is at; None if the step samples as usual."""
        ...


def next_canvas(rule: Acceptance | Transition, proposal: Proposal) -> tuple[CanvasIds, CanvasMask]:
    """Make the next canvas by a rule, and say where it has the sampled tokens."""
    if isinstance(rule, Transition):
        return rule.advance(proposal)
    return proposal.keep(rule.accept(proposal.entropy, proposal.confidence, proposal.fixed))


def corrected_level(rule: Acceptance | Transition, step: int, max_steps: int) -> float | None:
    """`Corrector.keep_probability` of rules that are correctors; None for all others."""
    return rule.keep_probability(step, max_steps) if isinstance(rule, Corrector) else None
