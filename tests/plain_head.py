"""What a network double adds that only says what it predicts."""

from dataclasses import replace

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from gesso.model.kv_cache import Cache
from gesso.ops.read_head import HeadReader, HeadReading
from gesso.sampling.statistics import measure, temper
from gesso.shapes import CanvasIds, Hidden, Logits, SoftEmbedding


class PlainHead:
    """Reads the predictions of `denoise` as the specification does, for doubles that have no hidden states."""

    def denoise_hidden(
        self, canvas: CanvasIds, cache: Cache, conditioning: SoftEmbedding | None = None, **rest: object
    ) -> SoftEmbedding:
        prediction: Logits = self.denoise(canvas, cache, conditioning)
        self.predictions = prediction.flatten(0, 1)
        # Each hidden state says where its prediction stands, counted from 1, for readers who take only some of them.
        numbers = torch.arange(1, len(self.predictions) + 1).view(*canvas.shape, 1)
        return numbers.expand(-1, -1, self.config.hidden_size).float()

    def head(self, hidden: Hidden) -> Logits:
        if not hidden.any():  # those of the encoder
            return super().head(hidden)
        return self.predictions[hidden[..., 0].long() - 1]

    def read_head(
        self,
        hidden: SoftEmbedding,
        temperature: Float[Tensor, " B"],
        uniforms: Float64[Tensor, "B C"],
        by: HeadReader | None = None,
    ) -> HeadReading:
        prediction = self.head(hidden)
        if by is not None:
            # Scores are their own hidden states where each token is a direction of its own, and the softcap is far.
            reading = by(prediction, torch.eye(prediction.shape[-1]), 1000.0, temperature, uniforms)
            return replace(reading, soft_embedding=hidden)
        read = measure(temper(prediction, temperature), temperature, uniforms)
        return HeadReading(
            entropy=read.entropy,
            confidence=read.confidence,
            argmax=read.argmax,
            sampled=read.sampled,
            soft_embedding=hidden,
        )
