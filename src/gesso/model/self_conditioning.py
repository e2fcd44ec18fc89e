"""The last step's prediction, fed back into the canvas."""

from jaxtyping import Float
from torch import Tensor, nn

from gesso.model.config import ModelConfig
from gesso.model.feed_forward import FeedForward
from gesso.model.norm import RMSNorm


class SelfConditioning(nn.Module):
    """Adds a gated feed-forward of the soft embedding to the canvas embeddings, then normalises without scale.

    With no prediction yet the soft embedding is zero, and a zero vector passes the bias-free network as zero: the
    signal is truly absent. (Zero *logits* would not do: their softmax is the mean of all embeddings.)
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.pre_norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.feed_forward = FeedForward(config.hidden_size, config.intermediate_size)
        self.post_norm = RMSNorm(config.hidden_size, config.rms_norm_eps, with_scale=False)

    def forward(
        self, embedded: Float[Tensor, "B C D"], conditioning: Float[Tensor, "B C D"] | None
    ) -> Float[Tensor, "B C D"]:
        """Combine canvas embeddings with the soft embedding of the last step, or with none."""
        if conditioning is not None:
            embedded = embedded + self.feed_forward(self.pre_norm(conditioning))
        return self.post_norm(embedded)
