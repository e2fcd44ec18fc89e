"""How likely a model finds a text: a Monte-Carlo bound on -log p, with its error bar."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gesso.diffusion.corruption import UniformCorruption
from gesso.diffusion.losses import Prediction, UniformNelbo
from gesso.diffusion.schedule import NoiseLevels
from gesso.errors import SettingError
from gesso.shapes import CanvasIds, CanvasMask, Logits


@dataclass(frozen=True, kw_only=True, slots=True)
class LikelihoodBound:
    """Estimate of an upper bound on -log p(canvas), one for each row.

    Attributes:
        nats: the estimate, in nats for the whole canvas; its expectation is at least -log p.
        standard_error: one standard deviation of it, in nats. The levels are stratified, so this errs on the high side.
    """

    nats: Float[Tensor, "B"]
    standard_error: Float[Tensor, "B"]

    @property
    def bits(self) -> Float[Tensor, "B"]:
        """The estimate in bits."""
        return self.nats / math.log(2)


@torch.no_grad()
def bound_likelihood(
    predict: Callable[[CanvasIds, NoiseLevels], Logits],
    clean: CanvasIds,
    *,
    corruption: UniformCorruption,
    generator: torch.Generator,
    num_samples: int,
    prediction: Prediction = "denoiser",
    mask: CanvasMask | None = None,
) -> LikelihoodBound:
    """Estimate the negative evidence lower bound of canvases under uniform diffusion (`UniformNelbo`).

    The bounds of the canvases of one text, each given those before it, add up to a bound for the text.

    Args:
        predict: noisy canvas and noise level to logits; a network without time input ignores the level.
        clean: the canvases to measure.
        corruption: the noise that the model was trained to undo.
        generator: source of the randomness.
        num_samples: noisy canvases to draw for each row, at least 2; their levels are even over the cube root of t.
        prediction: what the logits mean; a network trained by cross-entropy is a "denoiser".
        mask: positions to sum over; the others are noised with the rest but not measured.

    Raises:
        SettingError: `num_samples` is below 2.
    """
    if num_samples < 2:
        raise SettingError(f"num_samples is {num_samples}; an error bar needs at least 2")
    objective = UniformNelbo(prediction=prediction, schedule=corruption.schedule)
    samples = []
    for stratum in range(num_samples):
        offset = torch.rand(clean.shape[0], 1, generator=generator, device=generator.device, dtype=torch.float64)
        # Levels t = u^3 and their weight 3 u^2: with uniform levels the few tokens that change near t = 0 would carry
        # losses of order 1/t, and the variance would be infinite.
        u = (stratum + offset.to(clean.device)) / num_samples
        t = u.pow(3)
        noisy = corruption.corrupt(clean, t, generator)
        # Near t = 1 the integrand is a small difference divided by a small number: float32 would lose it.
        logits = predict(noisy, t).double()
        samples.append((3 * u.square() * objective.loss(logits, clean, noisy, t, mask).nats).sum(-1))
    drawn = torch.stack(samples)
    return LikelihoodBound(nats=drawn.mean(0), standard_error=drawn.std(0) / math.sqrt(num_samples))
