"""One training step's losses: the block-diffusion objective of the DiffusionGemma report.

The encoder reads the clean text left to right and is asked for each next token; the denoiser sees the cache up to where
its canvas begins and is asked for the canvas's clean tokens. Gradients of the second flow through the cache into the
first, so the encoder learns to write what the denoiser needs.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gesso.diffusion.losses import Objective, next_token_cross_entropy
from gesso.model.kv_cache import GrowingCache
from gesso.model.network import Network
from gesso.train.batch import Batch


@dataclass(frozen=True, kw_only=True)
class StepLosses:
    """Losses of one batch, in nats a token.

    Attributes:
        total: What is minimised.
        encode: Mean next-token cross-entropy of the encoder.
        denoise: Mean loss of each canvas.
    """

    total: Float[Tensor, ""]
    encode: Float[Tensor, ""]
    denoise: Float[Tensor, " B"]


class BlockDiffusionLoss(nn.Module):
    """Encoder cross-entropy plus denoiser loss (tech report, section 8; arXiv 2608.00146).

    Args:
        network: The network that is trained.
        objective: What the denoiser minimises.
        encode_weight: Weight of the encoder's loss beside the denoiser's 1.
    """

    def __init__(self, network: Network, objective: Objective, *, encode_weight: float = 1.0) -> None:
        super().__init__()
        self.network = network
        self.objective = objective
        self.encode_weight = encode_weight

    def forward(
        self, batch: Batch, noisy: Int[Tensor, "B C"], t: Float[Tensor, "B C"], self_condition: bool
    ) -> StepLosses:
        """Run both modes over a batch.

        Args:
            batch: Clean texts and canvases.
            noisy: The canvases after corruption.
            t: Noise level of each position.
            self_condition: Run the denoiser once without gradient first, and feed its prediction back. Otherwise the
                signal is truly absent.
        """
        cache = GrowingCache(self.network.config, batch=batch.text.shape[0])
        hidden = self.network.encode(batch.text, cache)
        encode = next_token_cross_entropy(self.network.head(hidden), batch.text, batch.is_text)
        context_cache = cache.repeat_rows(batch.row)

        conditioning = None
        if self_condition:
            with torch.no_grad():
                first = self.network.denoise(noisy, context_cache, context=batch.context)
                conditioning = self.network.soft_embed(first)
        logits = self.network.denoise(noisy, context_cache, conditioning, context=batch.context)
        loss = self.objective.loss(logits, batch.clean, noisy, t)
        denoise = loss.nats.sum(1) / loss.counted.sum(1).clamp(min=1)
        return StepLosses(total=loss.mean() + self.encode_weight * encode, encode=encode, denoise=denoise)
