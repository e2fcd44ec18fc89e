"""The seam between the sampler and the network."""

from typing import Protocol, runtime_checkable

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
