"""A network as the sampler sees it: a canvas goes in, and a prediction or what is read from it comes out."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from jaxtyping import Float, Float64
from torch import Tensor

from gesso.model.kv_cache import Cache
from gesso.model.network import Network
from gesso.ops.read_head import HeadReader, HeadReading
from gesso.shapes import CanvasIds, Logits, SoftEmbedding


@dataclass(frozen=True)
class NetworkDenoiser(ABC):
    """What all have in common: only where the hidden states come from differs."""

    network: Network

    @abstractmethod
    def hidden_states(self, canvas: CanvasIds, conditioning: SoftEmbedding | None) -> SoftEmbedding:
        """What the head reads its prediction from."""

    def denoise(self, canvas: CanvasIds, conditioning: SoftEmbedding | None) -> Logits:
        """Predict the clean canvas."""
        return self.network.head(self.hidden_states(canvas, conditioning))

    def read(
        self,
        canvas: CanvasIds,
        conditioning: SoftEmbedding | None,
        temperature: Float[Tensor, " B"],
        uniforms: Float64[Tensor, "B C"],
        by: HeadReader | None = None,
    ) -> HeadReading:
        """Predict, and read the prediction without its logits."""
        return self.network.read_head(self.hidden_states(canvas, conditioning), temperature, uniforms, by)

    def soft_embed(self, logits: Logits) -> SoftEmbedding:
        """Embed a prediction."""
        return self.network.soft_embed(logits)

    def embed(self, tokens: CanvasIds) -> SoftEmbedding:
        """Embed tokens."""
        return self.network.embed(tokens)


@dataclass(frozen=True)
class CachedDenoiser(NetworkDenoiser):
    """A network with the text before the canvas in its cache."""

    cache: Cache

    def hidden_states(self, canvas: CanvasIds, conditioning: SoftEmbedding | None) -> SoftEmbedding:
        """A pass over the canvas."""
        return self.network.denoise_hidden(canvas, self.cache, conditioning)


@dataclass(frozen=True)
class HiddenDenoiser(NetworkDenoiser):
    """Rows of a pass that was made for other rows too."""

    hidden: SoftEmbedding

    def hidden_states(self, canvas: CanvasIds, conditioning: SoftEmbedding | None) -> SoftEmbedding:
        """What the pass has found already."""
        return self.hidden
