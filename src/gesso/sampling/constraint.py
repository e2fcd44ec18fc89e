"""The seam between the sampler and whatever decides which canvases are valid."""

from typing import Protocol, runtime_checkable

from jaxtyping import Float, Float64, Int
from torch import Tensor

from gesso.ops.read_head import HeadReading
from gesso.shapes import CanvasIds, CanvasMask, Logits, RowMask, SoftEmbedding


@runtime_checkable
class Constraint(Protocol):
    """The valid canvases of a batch. What a step samples is one of them, and so is its draft, which is what is emitted.

    What the network sees may not be: positions that are not accepted hold noise.
    """

    @property
    def constrained(self) -> RowMask:
        """Rows that have a constraint; in the others every canvas is valid."""
        ...

    @property
    def forced(self) -> CanvasMask:
        """Positions at which a single token is valid. Like pins they spend no entropy and do not count in its mean."""
        ...

    def condition(self, logits: Logits, uniforms: Float64[Tensor, "B C"]) -> tuple[Logits, CanvasIds, CanvasIds]:
        """Read a prediction as if only valid canvases existed.

        Args:
            logits: scores after `temper` and `Pins.apply_to_logits`.
            uniforms: a number in [0, 1) for each position, which chooses the sample.

        Returns:
            The log-probability of each token at each position, given that the canvas is valid; a sample of the valid
            canvases; and the likeliest valid canvas. Rows without a constraint keep their logits, and their canvases
            have no meaning.

        Raises:
            GenerationError: the prediction rules out every valid canvas.
        """
        ...

    def read_head(
        self,
        hidden: SoftEmbedding,
        embedding: Float[Tensor, "V D"],
        softcap: float,
        temperature: Float[Tensor, "B"],
        uniforms: Float64[Tensor, "B C"],
        *,
        pinned: Int[Tensor, "B C"] | None = None,
    ) -> HeadReading:
        """The same off the hidden states, without the logits: what `condition` and `measure` find, up to rounding.

        Args:
            hidden: final hidden states, normed.
            embedding: the tied embedding.
            softcap: as in `gesso.ops.read_head`, and so the next two.
            temperature: of each row.
            uniforms: a number in [0, 1) for each position, which chooses the sample.
            pinned: the fixed token of each position, -1 where there is none. What is read there has no meaning.

        Raises:
            GenerationError: the prediction rules out every valid canvas.
        """
        ...

    def log_normalizer(self, logits: Logits) -> Float64[Tensor, "B"]:
        """Log-probability that a canvas drawn from a prediction is valid; minus infinity where no canvas is."""
        ...
