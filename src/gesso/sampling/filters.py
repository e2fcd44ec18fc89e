"""The sampling parameters of other servers, defined for a canvas.

Left to right, a token is chosen when all before it are known, and once. On a canvas all are chosen at once, and again
at every step. So each parameter is one of two things here.

Bias and penalties change the prediction, at every step, before the temperature. A penalty counts the tokens that were
emitted before the canvas, and those of its draft that stand before the position: whatever is settled at the left
of a position settles what is penalised there, so a draft comes to rest as it does without them.

Top-k, top-p and min-p change the choice, and no more. They are measured on the tempered prediction and leave tokens to
sample from; entropy, draft and soft embedding stay those of the whole. What is certain because all else was cut away is
not certain to be right: as with temperature zero, a first glance at noise would be accepted whole.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gesso.errors import SettingError
from gesso.shapes import CanvasIds, CanvasMask, Logits

MAX_BIAS, MAX_PENALTY = 100.0, 2.0
"""Bias and penalties go from minus these to these, as at OpenAI. A bias of 100 outweighs every softcapped logit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """Which tokens are preferred, and which may be sampled. The defaults change nothing.

    Attributes:
        top_k: only so many of the likeliest tokens; 0 for all.
        top_p: of these only the likeliest that have this probability together; 1 for all. One token always stays.
        min_p: of these only those that have this share of the likeliest one's probability; 0 for all.
        bias: tokens and what is added to their logits, from -100 (banned) to 100 (forced).
        presence_penalty: what a logit loses if its token stands before in the text, from -2 to 2.
        frequency_penalty: what it loses for each time that it stands there, from -2 to 2.
        repetition_penalty: what it is divided by if its token stands before in text or prompt, or multiplied with if it
            is negative; above 0, and 1 for nothing (arXiv 1909.05858).
    """

    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    bias: tuple[tuple[int, float], ...] = ()
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0

    def __post_init__(self) -> None:
        if self.top_k < 0:
            raise SettingError(f"top_k is {self.top_k}; give 1 or more, or 0 for all tokens")
        for name in ("top_p", "min_p"):
            if not 0 <= getattr(self, name) <= 1:
                raise SettingError(f"{name} is {getattr(self, name):g}; give a probability from 0 to 1")
        if len(dict(self.bias)) < len(self.bias):
            raise SettingError(f"logit_bias names a token twice in {list(self.bias)}; give each token once")
        for token, value in self.bias:
            if not abs(value) <= MAX_BIAS:
                raise SettingError(f"logit_bias of token {token} is {value:g}; give a number from -100 to 100")
        for name in ("presence_penalty", "frequency_penalty"):
            if not abs(getattr(self, name)) <= MAX_PENALTY:
                raise SettingError(f"{name} is {getattr(self, name):g}; give a number from -2 to 2")
        if not 0 < self.repetition_penalty < math.inf:
            raise SettingError(f"repetition_penalty is {self.repetition_penalty:g}; give a number above 0, 1 for none")

    @property
    def truncates(self) -> bool:
        """Whether some tokens may not be sampled."""
        return self.top_k > 0 or self.top_p < 1 or self.min_p > 0

    @property
    def penalizes(self) -> bool:
        """Whether it matters what has been written."""
        return (self.presence_penalty, self.frequency_penalty, self.repetition_penalty) != (0, 0, 1)

    def truncate(self, logits: Logits) -> Logits:
        """Leave the tokens that may be sampled; all others get minus infinity. Of equals the lesser ids are likelier.

        Args:
            logits: tempered ones.
        """
        if self.top_k or self.top_p < 1:
            ranked = logits.sort(dim=-1, descending=True, stable=True)
            keeps = torch.arange(logits.shape[-1], device=logits.device) < (self.top_k or logits.shape[-1])
            if self.top_p < 1:
                shares = ranked.values.masked_fill(~keeps, -math.inf).softmax(-1, dtype=torch.float64)
                keeps = keeps & (shares.cumsum(-1) - shares < self.top_p)
            keeps = keeps.expand_as(logits).clone()
            keeps[..., 0] = True
            logits = logits.masked_fill(~torch.empty_like(keeps).scatter_(-1, ranked.indices, keeps), -math.inf)
        if self.min_p > 0:
            logits = logits.masked_fill(logits < logits.amax(-1, keepdim=True) + math.log(self.min_p), -math.inf)
        return logits


@dataclass(frozen=True, kw_only=True, slots=True)
class CanvasFilters:
    """Filters, and the text before a canvas that they count in. Tokens that end a text never count.

    Attributes:
        filters: what is asked for.
        counts: how often each token was emitted.
        prompted: tokens that stand in the prompt.
        ends: tokens that end a text; what stands behind one is no text.
    """

    filters: Filters
    counts: Float[Tensor, "B V"]
    prompted: Bool[Tensor, "B V"]
    ends: Bool[Tensor, " V"]

    @classmethod
    def after(
        cls,
        filters: Filters,
        *,
        prompt_ids: Sequence[int],
        emitted: Sequence[int],
        stop_ids: frozenset[int],
        vocab_size: int,
        device: torch.device,
    ) -> "CanvasFilters":
        """Count the text before a canvas of one row."""

        def counted(ids: Sequence[int]) -> Float[Tensor, " V"]:
            return torch.tensor(ids, dtype=torch.int64, device=device).bincount(minlength=vocab_size).float()

        ends = counted(sorted(stop_ids)) > 0
        return cls(
            filters=filters,
            counts=counted(emitted).masked_fill(ends, 0)[None],
            prompted=((counted(prompt_ids) > 0) & ~ends)[None],
            ends=ends,
        )

    def grown(self, token_ids: Sequence[int]) -> "CanvasFilters":
        """Count more emitted tokens, of a single row."""
        more = torch.tensor(token_ids, dtype=torch.int64, device=self.counts.device).bincount(minlength=len(self.ends))
        return replace(self, counts=self.counts + more.masked_fill(self.ends, 0))

    def shift(self, prediction: Logits, draft: CanvasIds, written: CanvasMask) -> Logits:
        """Add bias and penalties to a prediction: repetition first, then the others.

        Args:
            prediction: logits as the network gives them.
            draft: tokens in progress.
            written: positions of the draft that are text already; others do not count.
        """
        rules = self.filters
        if rules.penalizes:
            counts = self.counts[:, None] + self._counts_before(draft, written)
            emitted = counts > 0
            seen = emitted | self.prompted[:, None]
            repeated = torch.where(
                prediction > 0, prediction / rules.repetition_penalty, prediction * rules.repetition_penalty
            )
            prediction = torch.where(seen, repeated, prediction)
            prediction = prediction - rules.frequency_penalty * counts - rules.presence_penalty * emitted
        if rules.bias:
            ids, values = zip(*rules.bias, strict=True)
            bias = torch.zeros_like(prediction[0, 0])
            bias[list(ids)] = torch.tensor(values, dtype=bias.dtype, device=bias.device)
            prediction = prediction + bias
        return prediction

    def _counts_before(self, draft: CanvasIds, written: CanvasMask) -> Float[Tensor, "B C V"]:
        """How often each token stands in the canvas before each position."""
        batch, length = draft.shape
        behind_end = (self.ends[draft] & written).cumsum(-1) > 0
        earlier = torch.ones(length, length, device=draft.device).tril(-1)
        counted = earlier * (written & ~behind_end)[:, None]
        places = draft[:, None].expand(batch, length, length)
        return torch.zeros(batch, length, len(self.ends), device=draft.device).scatter_add_(-1, places, counted)
