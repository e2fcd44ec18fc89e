"""How probable the tokens of a canvas were when they were written.

Every position is predicted at every step, each time given other neighbours, so a token of a canvas has no one
probability. Two of its predictions are told: that of the last step, which the canvas is read off, and that of the step
from which on the token stayed where it is. Both are what the sampler drew from: tempered, and under pins and rules.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gesso.sampling.alternatives import likeliest
from gesso.sampling.step import StepResult
from gesso.sampling.token_logprob import TokenLogprob
from gesso.shapes import CanvasIds, Logits


class LogProbabilities:
    """Follows the tokens of one canvas from step to step, over all its drafts.

    Args:
        canvas_length: Positions of the canvas.
        device: Where its steps are computed.
        num_top: Likeliest tokens to tell of at each position.
    """

    def __init__(self, canvas_length: int, device: torch.device, num_top: int = 0) -> None:
        self._num_top = num_top
        self._prediction: Logits | None = None
        self._draft: Int[Tensor, " C"] = torch.zeros(canvas_length, dtype=torch.int64, device=device)
        self._held = torch.full_like(self._draft, -1)
        self._last: Float[Tensor, " C"] = torch.zeros(canvas_length, device=device)
        self._accepted = torch.full_like(self._last, math.nan)

    def note(self, result: StepResult, logits: Logits) -> None:
        """Note a step of a single row; mutates what is followed.

        Args:
            result: The step.
            logits: What it fed back: its prediction, tempered, and certain where tokens are fixed.
        """
        # Rounding may carry a certain token's beyond 0.
        logs = (logits - logits.logsumexp(-1, keepdim=True)).clamp(max=0)
        drawn, accepted = result.sampled[0], result.accepted[0]
        stays = accepted & (drawn == self._held)
        new = torch.where(accepted, _of(logs, result.sampled), torch.nan)
        self._accepted = torch.where(stays, self._accepted, new)
        self._held = torch.where(accepted, drawn, -1)
        self._prediction = logits
        self._draft, self._last = result.state.draft[0], _of(logs, result.state.draft)

    def slid(self, count: int) -> "LogProbabilities":
        """Go on with the canvas that this one becomes when its first `count` positions are committed."""
        moved = LogProbabilities(len(self._draft), self._draft.device, self._num_top)
        moved._held[: len(self._held) - count] = self._held[count:]
        moved._accepted[: len(self._held) - count] = self._accepted[count:]
        return moved

    def tell(self) -> tuple[TokenLogprob, ...]:
        """The log-probabilities of the last draft's tokens."""
        known = (self._held == self._draft) & ~self._accepted.isnan()
        rows = zip(self._last.tolist(), self._accepted.tolist(), known.tolist(), strict=True)
        return tuple(
            TokenLogprob(last=last, accepted=at if is_known else None, top=top)
            for (last, at, is_known), top in zip(rows, self._tell_top(), strict=True)
        )

    def _tell_top(self) -> tuple[tuple[tuple[int, float], ...], ...]:
        if self._prediction is None or not self._num_top:
            return ((),) * len(self._draft)
        return top_logprobs(self._prediction, self._num_top)


def top_logprobs(logits: Float[Tensor, "1 C V"], num: int) -> tuple[tuple[tuple[int, float], ...], ...]:
    """The likeliest tokens of each position with their log-probabilities; impossible ones are left out."""
    found = likeliest(logits, num)
    rows = zip(found.token_ids[0].tolist(), found.probabilities[0].tolist(), strict=True)
    return tuple(
        tuple((token, min(0.0, math.log(share))) for token, share in zip(ids, shares, strict=True) if share > 0)
        for ids, shares in rows
    )


def _of(logs: Logits, tokens: CanvasIds) -> Float[Tensor, " C"]:
    return logs.gather(-1, tokens[..., None])[0, :, 0]
