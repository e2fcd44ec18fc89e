"""Uniform corruption: what noise does to a canvas, and the exact probabilities of it, forward and back."""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import one_hot

from gesso.diffusion.schedule import LinearSchedule, NoiseLevels, Schedule
from gesso.errors import SettingError
from gesso.shapes import CanvasIds, CanvasMask

TokenProbabilities = Float[Tensor, "B C V"]
"""Probability of every token of the vocabulary at each canvas position."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UniformCorruption:
    """Replaces tokens by uniformly random ones, each position by itself.

        q(x_t | x_0) = alpha(t) [x_t = x_0] + (1 - alpha(t)) / V

    The replacement is drawn from the whole vocabulary, so it equals the clean token once in V times: a replaced
    position is not always a changed one. Source: Austin et al. 2021 (D3PM), uniform transition matrix.

    Attributes:
        vocab_size: number of tokens V to draw from, at least 2.
        schedule: keep probability as a function of the noise level.
    """

    vocab_size: int
    schedule: Schedule = field(default_factory=LinearSchedule)

    def __post_init__(self) -> None:
        if self.vocab_size < 2:
            raise SettingError(f"vocab_size is {self.vocab_size}; noise needs at least 2 tokens to choose from")

    def corrupt(
        self, clean: CanvasIds, t: NoiseLevels, generator: torch.Generator, pinned: CanvasMask | None = None
    ) -> CanvasIds:
        """Draw x_t from q(x_t | x_0).

        Args:
            clean: the tokens x_0.
            t: noise level of each position, or of each canvas.
            generator: source of the randomness; its state advances by the same amount whatever `t` is.
            pinned: positions that noise never touches.
        """
        coins = torch.rand(clean.shape, generator=generator, device=generator.device, dtype=torch.float64)
        noise = self.pure_noise(*clean.shape, generator, clean.device)
        replaced = coins.to(clean.device) >= self.schedule.keep_probability(t)
        if pinned is not None:
            replaced = replaced & ~pinned
        return torch.where(replaced, noise.to(clean.dtype), clean)

    def pure_noise(
        self, batch: int, length: int, generator: torch.Generator, device: torch.device | None = None
    ) -> CanvasIds:
        """Draw canvases at t = 1: every token uniformly random."""
        noise = torch.randint(self.vocab_size, (batch, length), generator=generator, device=generator.device)
        return noise if device is None else noise.to(device)

    def marginal(self, clean: CanvasIds, t: NoiseLevels) -> TokenProbabilities:
        """Probabilities q(x_t | x_0) of every token that a position may show at level t."""
        return self._spread(clean, self.schedule.keep_probability(t))

    def posterior(self, noisy: CanvasIds, clean: CanvasIds, s: NoiseLevels, t: NoiseLevels) -> TokenProbabilities:
        """Probabilities q(x_s | x_t, x_0) of every token that a position may show at a lower level.

        Args:
            noisy: the tokens x_t; they must be possible under q(x_t | x_0), or the result is not a number.
            clean: the tokens x_0.
            s: the lower level, 0 <= s <= t.
            t: the level of `noisy`.
        """
        keep_s, keep_t = self.schedule.keep_probability(s), self.schedule.keep_probability(t)
        # At s = t = 1 nothing is left to keep on the way from s to t, and nothing needs to be.
        keep_on_the_way = torch.where(keep_s > 0, keep_t / keep_s, torch.ones_like(keep_t))
        # The transition matrix is symmetric, so q(x_t | x_s) as a function of x_s is again a spread around x_t.
        joint = self._spread(noisy, keep_on_the_way) * self._spread(clean, keep_s)
        return joint / joint.sum(-1, keepdim=True)

    def _spread(self, tokens: CanvasIds, keep: NoiseLevels) -> TokenProbabilities:
        keep = keep.unsqueeze(-1)
        return keep * one_hot(tokens.long(), self.vocab_size) + (1 - keep) / self.vocab_size
