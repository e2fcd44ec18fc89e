"""The seam between the sampler and the network."""

from typing import Protocol, runtime_checkable

from jaxtyping import Float, Float64
from torch import Tensor

from gesso.ops.read_head import HeadReader, HeadReading
from gesso.shapes import CanvasIds, Logits, SoftEmbedding


@runtime_checkable
class Denoiser(Protocol):
    """A network that predicts clean canvases, with the text before them already in its cache."""

    def denoise(self, canvas: CanvasIds, conditioning: SoftEmbedding | None) -> Logits:
        """Predict the clean token of every position.

        Args:
            canvas: the tokens in progress.
            conditioning: soft embedding that the last step left; None, which means zeros, in a canvas's first step.

        Returns:
            Softcapped logits in float32. A token that may not be chosen has minus infinity.
        """
        ...

    def soft_embed(self, logits: Logits) -> SoftEmbedding:
        """Embed a prediction: the expected token embedding, softmax(logits) @ E * sqrt(D)."""
        ...


@runtime_checkable
class Reader(Denoiser, Protocol):
    """A denoiser that can read its own prediction, without ever holding the logits of a whole canvas.

    A step asks for logits all the same where something else must see them, such as a corrector.
    """

    def read(
        self,
        canvas: CanvasIds,
        conditioning: SoftEmbedding | None,
        temperature: Float[Tensor, "B"],
        uniforms: Float64[Tensor, "B C"],
        by: HeadReader | None = None,
    ) -> HeadReading:
        """Predict, and read the prediction as `temper`, `measure` and `soft_embed` would, up to rounding.

        Args:
            canvas: the tokens in progress.
            conditioning: as in `denoise`.
            temperature: what to divide each row's logits by; zero for a greedy choice.
            uniforms: a number in [0, 1) for each position, which chooses the sampled token.
            by: what reads the head, such as a constraint; None: every token as it is.
        """
        ...

    def embed(self, tokens: CanvasIds) -> SoftEmbedding:
        """Embed tokens: the soft embedding of a prediction that is certain of them."""
        ...
