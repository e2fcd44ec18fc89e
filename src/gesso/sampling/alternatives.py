"""What else the network thought of: the likeliest tokens at each position of a canvas."""

from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from gesso.sampling.denoiser import Denoiser
from gesso.shapes import CanvasIds, Logits, SoftEmbedding


@dataclass(frozen=True, kw_only=True, slots=True)
class Alternatives:
    """The K likeliest tokens of each position, likeliest first.

    Attributes:
        token_ids: the tokens.
        probabilities: how likely each is, by the prediction that the step sampled from.
    """

    token_ids: Int[Tensor, "B C K"]
    probabilities: Float[Tensor, "B C K"]


@dataclass
class Onlooker:
    """A denoiser that hands everything on to another, and notes what its last step found likely.

    It looks at the logits that the step feeds back, which are tempered and know of pins and constraints. So it is no
    `Reader`, even if the other is: a step that is looked on has logits, and is the same up to rounding.

    Attributes:
        denoiser: the one that does the work.
        num: tokens to note at each position; 0: none.
        alternatives: those of the last step; None before the first, or where none are noted.
        logits: what the last step fed back; None before the first.
    """

    denoiser: Denoiser
    num: int
    alternatives: Alternatives | None = None
    logits: Logits | None = None

    def denoise(self, canvas: CanvasIds, conditioning: SoftEmbedding | None) -> Logits:
        """Predict the clean canvas."""
        return self.denoiser.denoise(canvas, conditioning)

    def soft_embed(self, logits: Logits) -> SoftEmbedding:
        """Embed a prediction, and note its likeliest tokens."""
        self.logits = logits
        self.alternatives = likeliest(logits, self.num) if self.num else None
        return self.denoiser.soft_embed(logits)


def likeliest(logits: Logits, num: int) -> Alternatives:
    """Find the likeliest tokens of each position; all, where the vocabulary has no more than `num`."""
    top = logits.topk(min(num, logits.shape[-1]), -1)
    probabilities = (top.values - logits.logsumexp(-1, keepdim=True)).exp()
    return Alternatives(token_ids=top.indices, probabilities=probabilities)
