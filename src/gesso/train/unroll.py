"""Training on the network's own drafts: steps of the sampler before the step that learns.

A network that has only seen uniform noise has never seen what it does itself: words that fit their neighbours and are
wrong. So some canvases take one or more transitions of the sampler first. From the noised canvas the network predicts
without gradient, its predictions are sampled, the certain ones are accepted and the others renoised; what comes out,
with the soft embedding of that prediction, is what the network learns to map to the clean canvas. It learns to mend its
own errors, and to get in one step where it would have needed several.

Self-generated errors as the corruption: "Scheduled sampling" (arXiv 1506.03099), SUNDAE's unrolled denoising (arXiv
2112.06749). Here the transition is the sampler's own, so training sees what generation will.
"""

import math
from dataclasses import dataclass, field

import torch
from jaxtyping import Int
from torch import Tensor

from gesso.errors import SettingError
from gesso.model.kv_cache import Cache
from gesso.model.network import Network
from gesso.sampling.accept import Acceptance, EntropyBound
from gesso.sampling.denoiser import Denoiser
from gesso.sampling.draws import Draws, draw_step
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.step import denoise_step, start_state
from gesso.sampling.stop import NeverStop
from gesso.sampling.temperature import ConstantTemperature
from gesso.shapes import CanvasIds, Logits, SoftEmbedding


@dataclass(frozen=True, kw_only=True)
class ContextDenoiser:
    """A network and the text before each canvas, as the sampler sees them.

    Attributes:
        network: The network.
        cache: A row of encoded text for each canvas.
        context: For each canvas, how many positions of its row come before it.
    """

    network: Network
    cache: Cache
    context: Int[Tensor, " B"]

    def denoise(self, canvas: CanvasIds, conditioning: SoftEmbedding | None) -> Logits:
        """Predict the clean canvas."""
        return self.network.denoise(canvas, self.cache, conditioning, context=self.context)

    def soft_embed(self, logits: Logits) -> SoftEmbedding:
        """Embed a prediction."""
        return self.network.soft_embed(logits)


@dataclass(frozen=True, kw_only=True, slots=True)
class Unroll:
    """How canvases are led on by the sampler before they are learnt from.

    Attributes:
        share: Share of a batch's canvases that are led on, above 0.
        steps: Most transitions before the step that learns; each batch draws a number from 1 up.
        temperature: What the logits of a transition are divided by; take the first of the sampler's.
        accept: Which sampled tokens a transition keeps.
    """

    share: float
    steps: int = 1
    temperature: float = 0.8
    accept: Acceptance = field(default_factory=EntropyBound)

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise SettingError(f"the share of unrolled canvases is {self.share:g}; give one above 0, at most 1")
        if self.steps < 1:
            raise SettingError(f"an unroll of {self.steps} steps leads nowhere; give 1 or more")
        if not 0 <= self.temperature < math.inf:
            raise SettingError(
                f"the temperature of an unroll is {self.temperature:g}; give a number from 0 (always the most likely "
                "token) up"
            )

    def draw(
        self,
        num_canvases: int,
        *,
        canvas_length: int,
        vocab_size: int,
        generator: torch.Generator,
        device: torch.device,
    ) -> tuple[Draws, ...]:
        """Draw how many transitions there will be, and the randomness of each, which is put on a device."""
        num_steps = int(torch.randint(1, self.steps + 1, (), generator=generator))
        return tuple(
            draw_step(
                [generator] * num_canvases,
                canvas_length=canvas_length,
                vocab_size=vocab_size,
                device=device,
            )
            for _ in range(num_steps)
        )

    @torch.no_grad()
    def advance(
        self, denoiser: Denoiser, canvas: CanvasIds, draws: tuple[Draws, ...]
    ) -> tuple[CanvasIds, SoftEmbedding]:
        """Take one transition of the sampler for each of the draws.

        Args:
            denoiser: The network.
            canvas: Noised canvases; not changed.
            draws: The randomness of each transition, at least one.

        Returns:
            The canvases after the last transition, and the soft embedding that the sampler would feed back.
        """
        settings = SamplerSettings(
            max_steps=len(draws),
            temperature=ConstantTemperature(value=self.temperature),
            acceptance=self.accept,
            stop=NeverStop(),
        )
        state = start_state(canvas, settings)
        for drawn in draws:
            state = denoise_step(state, denoiser, settings, drawn).state
        assert state.conditioning is not None, "a step leaves a soft embedding"
        return state.canvas, state.conditioning
