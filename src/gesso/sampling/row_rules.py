"""Rules whose numbers are tensors, one for each row: rows with settings of their own take a step as one function.

The rules of `accept`, `pace` and `stop` hold plain numbers and branch on them. These hold what the numbers come to at
one step of each row, and branch on nothing: a row without a reach has an infinite one, a row whose bound does not rise
has the exponent zero. They are the published rules and their variations by a number; the plain ones are their twins.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from gesso.sampling.accept import EntropyBound, within_bound
from gesso.sampling.pace import RisingBound, steps_to_whole
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.stop import Decision, GiveUp, NeverStop, StableAndConfident, StopHistory
from gesso.sampling.transition import Proposal
from gesso.shapes import CanvasIds, CanvasMask

MAX_STABILITY_STEPS = 4
"""Earlier drafts that are remembered of every row. The published rule needs one."""


class RowNumbers(NamedTuple):
    """What one row's settings come to at one step.

    Attributes:
        temperature: What its logits are divided by; zero for a greedy choice.
        bound_nats: Its entropy bound, before it rises.
        exponent: The bound rises by its share of the entropy to this power; zero if it does not rise.
        reach: Positions behind the first uncertain one that may be kept; infinity for all.
        confidence_nats: Mean entropy below which a stable row has converged; zero for never.
        stability_steps: Earlier drafts that must be the same.
        patience: Steps without a record after which it is given up; infinity for never.
        record_share: A record is below this share of the last.
    """

    temperature: float
    bound_nats: float
    exponent: float
    reach: float
    confidence_nats: float
    stability_steps: float
    patience: float
    record_share: float


def row_numbers(settings: SamplerSettings, step: int) -> RowNumbers | None:
    """The numbers of a step, counted from 0; None if these settings are not made of the rules here."""
    match settings.acceptance:
        case EntropyBound() as bound:
            exponent = 0.0
        case RisingBound(least=bound):
            exponent = 1 / steps_to_whole(settings.max_steps, step)
        case _:
            return None
    stop, patience, record_share = settings.stop, math.inf, 1.0
    if isinstance(stop, GiveUp):
        stop, patience, record_share = stop.rule, float(stop.patience), 1 - stop.min_fall
    match stop:
        case StableAndConfident(stability_steps=stability, confidence_nats=confidence) if (
            stability <= MAX_STABILITY_STEPS
        ):
            pass
        case NeverStop():
            stability, confidence = 0, 0.0
        case _:
            return None
    return RowNumbers(
        temperature=settings.temperature.at(step, settings.max_steps),
        bound_nats=bound.bound_nats,
        exponent=exponent,
        reach=math.inf if bound.reach is None else float(bound.reach),
        confidence_nats=confidence,
        stability_steps=float(stability),
        patience=patience,
        record_share=record_share,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class RowBounds:
    """`EntropyBound` or `RisingBound`, row by row; the attributes are those of `RowNumbers`."""

    bound_nats: Float[Tensor, "B"]
    exponent: Float[Tensor, "B"]
    reach: Float[Tensor, "B"]

    def advance(self, proposal: Proposal) -> tuple[CanvasIds, CanvasMask]:
        """Keep what each row's bound, risen as far as it rises, allows."""
        entropy = proposal.entropy if proposal.fixed is None else proposal.entropy.masked_fill(proposal.fixed, 0.0)
        bound = self.bound_nats[:, None]
        rise = (entropy.sum(-1, keepdim=True) / bound).clamp(min=1) ** self.exponent[:, None]
        return proposal.keep(within_bound(entropy, bound * rise, self.reach[:, None]))


@dataclass(frozen=True, kw_only=True, slots=True)
class RowStops:
    """`StableAndConfident`, `NeverStop`, or `GiveUp` around one of them, row by row.

    The attributes are those of `RowNumbers`.
    """

    confidence_nats: Float[Tensor, "B"]
    stability_steps: Float[Tensor, "B"]
    patience: Float[Tensor, "B"]
    record_share: Float[Tensor, "B"]

    def start(self, batch: int, canvas_length: int, device: torch.device) -> StopHistory:
        """As `start_history`."""
        return start_history(batch, canvas_length, device)

    def decide(self, history: StopHistory, draft: CanvasIds, mean_entropy: Float[Tensor, "B"]) -> Decision:
        """Compare the draft with as many before it as the row asks for, and count the steps since its last record."""
        earlier, record, since = history
        drafts = torch.cat([earlier, draft[:, None]], dim=1)
        age = torch.arange(MAX_STABILITY_STEPS, -1, -1, device=draft.device)
        is_same = (drafts == drafts[:, -1:]).all(-1)
        stable = (is_same | (age > self.stability_steps[:, None])).all(-1)
        converged = stable & (mean_entropy < self.confidence_nats)
        is_record = mean_entropy < self.record_share * record
        record = torch.where(is_record, mean_entropy, record)
        since = torch.where(is_record, torch.zeros_like(since), since + 1)
        given_up = (since >= self.patience) & ~converged
        return Decision(converged=converged, given_up=given_up, history=(drafts[:, 1:], record, since))


def start_history(batch: int, canvas_length: int, device: torch.device) -> StopHistory:
    """Drafts that no draft is equal to, oldest first; the record of mean entropy so far; and the steps since."""
    drafts = torch.full((batch, MAX_STABILITY_STEPS, canvas_length), -1, device=device)
    record = torch.full((batch,), math.inf, device=device)
    return drafts, record, torch.zeros_like(record)


def row_settings(numbers: Float64[Tensor, "B R"]) -> tuple[Float[Tensor, "B"], SamplerSettings]:
    """The temperatures of some rows, and the settings that hold their rules; nothing else of these is of use.

    Args:
        numbers: A `RowNumbers` in each row.
    """
    temperature, bound, exponent, reach, confidence, stability, patience, share = numbers.float().unbind(-1)
    return temperature, SamplerSettings(
        acceptance=RowBounds(bound_nats=bound, exponent=exponent, reach=reach),
        stop=RowStops(confidence_nats=confidence, stability_steps=stability, patience=patience, record_share=share),
    )
