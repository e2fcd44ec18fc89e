"""The reverse process of uniform noise, as exactly as a prediction position by position allows.

The other rules ask how certain a prediction is. These ask what the mathematics of the noise says: how likely a token at
a lower noise level is, given the clean token that was sampled and the noisy one that the canvas shows.
"""

from dataclasses import dataclass, field, replace

from gesso.errors import SettingError
from gesso.sampling.transition import Proposal
from gesso.shapes import CanvasIds, CanvasMask


@dataclass(frozen=True, kw_only=True, slots=True)
class ExactPosterior:
    """Draws the canvas at the next noise level from q(x_s | x_t, x_0), x_0 being the sampled tokens.

    N steps go evenly from noise level 1 to 0. With the keep probabilities a = 1 - s, b = 1 - t and c = b / a,

        q(x_s | x_t, x_0) ~ (c [x_s = x_t] + (1 - c) / V) (a [x_s = x_0] + (1 - a) / V),

    which multiplied out is a choice of three: the sampled token, with weight a - b; the one that is shown, with
    c (1 - a); or noise, with (1 - c) (1 - a). They add up to 1 - b. Where the two tokens are the same, that token has
    b V more. Source: Austin et al. 2021 (arXiv 2107.03006), Eq. 3, for the uniform matrix.
    """

    def advance(self, proposal: Proposal) -> tuple[CanvasIds, CanvasMask]:
        """Choose for each position between the sampled token, the shown one and noise."""
        before, after = proposal.step / proposal.max_steps, (proposal.step + 1) / proposal.max_steps
        kept = before / after
        agree = proposal.sampled == proposal.canvas
        total = 1 - before + before * proposal.vocab_size * agree.double()
        renoise = proposal.coins * total < (1 - kept) * (1 - after)
        stay = ~agree & (proposal.coins * total >= total - kept * (1 - after))
        return proposal.choose(stay=stay, renoise=renoise)


@dataclass(frozen=True, kw_only=True, slots=True)
class GibbsCorrector:
    """Steps of the exact posterior, and between them steps that mend the canvas at the noise level it is at.

    A correcting step draws some positions anew from what they should show given all *others*,

        p(x_t at i | x_t elsewhere) = a p(x_0 at i | x_t elsewhere) + (1 - a) / V,

    the leave-one-out posterior of the network, noised again. For one position at a time that is Gibbs sampling of the
    noisy canvas: what earlier steps chose wrongly together is mended, and a right distribution stays right. Source:
    arXiv 2605.22765. The first and the last step never correct, for nothing is there to mend, or no noise.

    Attributes:
        every: one of so many steps corrects, at least 2.
        share: chance of a position to be drawn anew in such a step, above 0; the larger it is, the less are positions
            drawn one at a time.
    """

    every: int = 2
    share: float = 0.1
    predictor: ExactPosterior = field(default_factory=ExactPosterior, init=False)

    def __post_init__(self) -> None:
        if self.every < 2:
            raise SettingError(f"one of {self.every} steps is to correct; give 2 or more, for the others must denoise")
        if not 0 < self.share <= 1:
            raise SettingError(f"the share of corrected positions is {self.share:g}; give one above 0, at most 1")

    def keep_probability(self, step: int, max_steps: int) -> float | None:
        """Keep probability at a correcting step; None at the others."""
        if step % self.every != self.every - 1 or step == max_steps - 1:
            return None
        return self._predicted(step) / self._predictions(max_steps)

    def advance(self, proposal: Proposal) -> tuple[CanvasIds, CanvasMask]:
        """Draw some positions anew at the same noise level, or all of them at the next."""
        keep = self.keep_probability(proposal.step, proposal.max_steps)
        if keep is None:
            step, max_steps = self._predicted(proposal.step), self._predictions(proposal.max_steps)
            return self.predictor.advance(replace(proposal, step=step, max_steps=max_steps))
        stay = proposal.coins >= self.share
        return proposal.choose(stay=stay, renoise=~stay & (proposal.coins >= self.share * keep))

    def _predicted(self, step: int) -> int:
        """Steps towards less noise before this step."""
        return step - step // self.every

    def _predictions(self, max_steps: int) -> int:
        """Steps towards less noise in all."""
        return max_steps - (max_steps - 1) // self.every
