"""Drafts that the causal mode reads before they are committed.

A canvas is denoised all at once, and so are its faults: a word said twice, a name that changes. The same weights, read
from left to right, see such a word as a surprise. So a draft is read as the pass that commits it would read it; what
comes before the first word that does not hold is kept, that word is written anew from left to right, and all behind it
becomes noise again. The reading costs one pass for a whole canvas, and it is right about every word before the first
fault, as in speculative decoding (arXiv 2211.17192); only the drafting is not from left to right.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from gesso.errors import SettingError
from gesso.sampling.filters import Filters
from gesso.sampling.pins import Pins
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.statistics import measure, temper


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """How drafts are made and which of their tokens hold.

    Attributes:
        draft_steps: Most denoising steps of a canvas's first draft, at least 1; and at most a third of the canvas's.
        redraft_steps: Most denoising steps of each draft after it, at least 1; and at most a twelfth of the canvas's.
        min_share: A token holds if from left to right its probability is at least this share of the likeliest token's,
            in (0, 1]. With 1 only the likeliest holds.
    """

    draft_steps: int = 8
    redraft_steps: int = 4
    min_share: float = 0.1

    def __post_init__(self) -> None:
        if min(self.draft_steps, self.redraft_steps) < 1:
            raise SettingError(
                f"drafts of {self.draft_steps} and {self.redraft_steps} steps are asked for; give 1 or more for each"
            )
        if not 0 < self.min_share <= 1:
            raise SettingError(f"the least share is {self.min_share:g}; give a number above 0, at most 1")

    def holds(self, logits: Float[Tensor, "C V"], tokens: Int[Tensor, " C"]) -> Bool[Tensor, " C"]:
        """Say which tokens of a draft hold, each given all before it."""
        scores = logits.float()
        own = scores.gather(1, tokens[:, None]).squeeze(1)
        return (own - scores.amax(1)).exp() >= self.min_share

    def settings(self, sampler: SamplerSettings, steps_spent: int) -> SamplerSettings:
        """How the next draft of a canvas is denoised, within the steps that the canvas has left.

        Args:
            sampler: The request's settings; `max_steps` is the canvas's budget over all its drafts.
            steps_spent: What its drafts have taken so far, less than the budget.
        """
        budget = sampler.max_steps
        steps = min(self.redraft_steps, -(-budget // 12)) if steps_spent else min(self.draft_steps, -(-budget // 3))
        return replace(sampler, max_steps=min(steps, budget - steps_spent))


def pins_of_what_holds(
    draft: Int[Tensor, " C"],
    logits: Float[Tensor, "C V"],
    *,
    end: int,
    pins: Pins | None,
    verification: Verification,
    temperature: float,
    uniforms: Float64[Tensor, " C"],
    writes_anew: bool = True,
    filters: Filters | None = None,
) -> Pins | None:
    """Read a draft: find its first token that does not hold, and fix what comes before.

    Args:
        draft: One canvas.
        logits: What the causal mode predicts at each position, from the text before it and the draft so far.
        end: Positions that count; what follows the end of a text is not read.
        pins: Tokens that the caller fixed; they always hold.
        verification: Which tokens hold.
        temperature: What the logits are divided by where a token is written anew; zero takes the likeliest.
        uniforms: A number in [0, 1) for each position, which chooses the token there.
        writes_anew: Whether the first token that does not hold is replaced; if not, it becomes noise like the rest.
        filters: Which tokens may be written anew; None: all.

    Returns:
        One row of pins for the next draft: the caller's, all tokens before the fault, and the new token in its place.
        None if all holds.
    """
    holds = verification.holds(logits, draft)
    if pins is not None:
        holds |= pins.mask[0]
    faults = (~holds[:end]).nonzero().flatten().tolist()
    if not faults:
        return None
    fault = faults[0]
    mask = torch.arange(len(draft), device=draft.device) < fault
    tokens = draft.clone()
    if writes_anew:
        row = torch.full((1,), temperature, device=draft.device)
        here = temper(logits[None, fault : fault + 1].float(), row)
        if filters is not None:
            here = filters.truncate(here)
        tokens[fault] = measure(here, row, uniforms[None, fault : fault + 1]).sampled[0, 0]
        mask[fault] = True
    if pins is not None:
        tokens = pins.apply(tokens[None])[0]
        mask |= pins.mask[0]
    return Pins(mask=mask[None], tokens=tokens[None])
