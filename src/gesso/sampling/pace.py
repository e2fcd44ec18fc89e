"""Rules that keep pace with the steps: without a reach, the canvas is accepted whole before the last of them.

The bound of `EntropyBound` does not know how many steps there are. Where they are few, they end while much of the
canvas is noise still, and the last draft is read off that.
"""

import math
from dataclasses import dataclass, field

import torch

from gesso.sampling.accept import EntropyBound, within_bound
from gesso.sampling.transition import Proposal
from gesso.shapes import CanvasIds, CanvasMask


@dataclass(frozen=True, kw_only=True, slots=True)
class EvenCount:
    """Keeps equally many positions more at each step, those of lowest entropy (top-k with a growing k)."""

    def advance(self, proposal: Proposal) -> tuple[CanvasIds, CanvasMask]:
        """Keep the share of the free positions that is due."""
        fixed = _fixed(proposal)
        steps = steps_to_whole(proposal.max_steps, 0)
        due = ((~fixed).sum(-1, keepdim=True) * (proposal.step + 1) + steps - 1) // steps
        rank = proposal.entropy.masked_fill(fixed, math.inf).argsort(dim=-1, stable=True).argsort(-1)
        return proposal.keep(rank < due)


@dataclass(frozen=True, kw_only=True, slots=True)
class RisingBound:
    """An entropy bound that rises, step by step, to all the uncertainty that the canvas has left.

    With R steps to go until the canvas must be whole, entropies that add up to H nats, and the bound b, the step has
    the bound b (H / b)^(1 / R): R equal factors would lead from b to H. H is measured anew at each step, so the bound
    adapts: it hardly rises while there are steps enough, or when the canvas is nearly certain, and is H itself in the
    end.

    Attributes:
        least: the bound that the rise begins at, and its reach. With a reach the canvas may not become whole.
    """

    least: EntropyBound = field(default_factory=EntropyBound)

    def advance(self, proposal: Proposal) -> tuple[CanvasIds, CanvasMask]:
        """Keep what an entropy bound of the risen height does."""
        entropy = proposal.entropy.masked_fill(_fixed(proposal), 0.0)
        bound = self.least.bound_nats
        steps = steps_to_whole(proposal.max_steps, proposal.step)
        rise = (entropy.sum(-1, keepdim=True) / bound).clamp(min=1) ** (1 / steps)
        return proposal.keep(within_bound(entropy, bound * rise, self.least.reach))


def steps_to_whole(max_steps: int, since: int) -> int:
    """Steps from `since` until the canvas must be whole, this one included: the last step only reads it."""
    return max(1, max_steps - 1 - since)


def _fixed(proposal: Proposal) -> CanvasMask:
    return torch.zeros_like(proposal.entropy, dtype=torch.bool) if proposal.fixed is None else proposal.fixed
