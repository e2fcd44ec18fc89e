"""What the sampler sees of canvases in which only a hole is open."""

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from gesso.model.kv_cache import Cache
from gesso.model.network import Network
from gesso.shapes import CanvasIds, CanvasMask, Logits, SoftEmbedding


@dataclass(frozen=True, kw_only=True)
class HoleDenoiser:
    """Shows the network whole canvases, and the sampler only their first positions, in which the hole lies.

    The head, which costs more than a layer, then runs over those alone. The network sees what it would see if
    the rest were pinned: `tests/lm/test_hole_denoiser.py` compares the two.

    Attributes:
        network: Predicts.
        cache: The text before the canvases.
        rest: The tokens behind the positions that the sampler sees.
        noise: Positions of the whole canvas that stay noise; where a token is final the network is told by its
            embedding, as at a pin, and at these it is told nothing.
        banned: Tokens that a hole may not have.
    """

    network: Network
    cache: Cache
    rest: Int[Tensor, "B R"]
    noise: CanvasMask
    banned: tuple[int, ...] = ()

    def denoise(self, canvas: CanvasIds, conditioning: SoftEmbedding | None) -> Logits:
        """Predict the positions that the sampler sees."""
        if conditioning is not None:
            whole = torch.cat([conditioning, self.network.embed(self.rest)], dim=1)
            conditioning = whole.masked_fill(self.noise.unsqueeze(-1), 0.0)
        hidden = self.network.denoise_hidden(torch.cat([canvas, self.rest], dim=1), self.cache, conditioning)
        logits = self.network.head(hidden[:, : canvas.shape[1]])
        if self.banned:
            logits[..., list(self.banned)] = -torch.inf
        return logits

    def soft_embed(self, logits: Logits) -> SoftEmbedding:
        """Embed a prediction."""
        return self.network.soft_embed(logits)
