"""How much of a canvas is settled while the rest is still denoised: so much can be committed, and it slides on."""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Int
from torch import Tensor

from gesso.errors import SettingError
from gesso.shapes import CanvasEntropy, RowLengths


@runtime_checkable
class Slide(Protocol):
    """Says how many positions at the front of a canvas are settled."""

    def num_settled(self, held: Int[Tensor, "B C"], entropy: CanvasEntropy) -> RowLengths:
        """Count the leading positions that may be committed; 0 where it is not worth it yet.

        Args:
            held: steps in a row, up to this one, that gave the position the same draft; at least 1.
            entropy: entropy of this step's tempered predictions, in nats; zero at pins.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class SettledFront:
    """Positions are settled while each of them is stable and certain by itself, from the first one on.

    Attributes:
        min_tokens: fewer are not worth a commit, which costs a pass; at least 1.
        stability_steps: how many earlier steps must have had the same draft there, at least 0.
        confidence_nats: the entropy of each must be below this, above 0.
    """

    min_tokens: int = 64
    stability_steps: int = 1
    confidence_nats: float = 0.05

    def __post_init__(self) -> None:
        if self.min_tokens < 1:
            raise SettingError(
                f"a slide of {self.min_tokens} tokens is asked for; give at least 1 (64 is usual), or 0 for none"
            )
        if self.stability_steps < 0:
            raise SettingError(f"the stability of a slide is {self.stability_steps} steps; give 0 or more (1 is usual)")
        if not 0 < self.confidence_nats < math.inf:
            raise SettingError(
                f"the confidence of a slide is {self.confidence_nats:g} nats; give a number above 0 (0.05 is usual)"
            )

    def num_settled(self, held: Int[Tensor, "B C"], entropy: CanvasEntropy) -> RowLengths:
        """Count them; 0 if they are too few."""
        settled = (held > self.stability_steps) & (entropy < self.confidence_nats)
        count = settled.long().cumprod(-1).sum(-1)
        return count.masked_fill(count < self.min_tokens, 0)
