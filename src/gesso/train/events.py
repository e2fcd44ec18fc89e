"""What a training run tells while it runs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from gesso.train.batch import Batch
from gesso.train.losses import StepLosses


@dataclass(frozen=True, kw_only=True)
class StepDone:
    """One optimizer step. A number is NaN where there is nothing to say.

    Attributes:
        step: Steps done.
        total: The minimised loss, in nats a token.
        encode: The encoder's part.
        denoise: The denoiser's part.
        denoise_by_level: Mean denoiser loss of canvases whose mean level is in each quarter of [0, 1]. An unrolled
            canvas counts by the level that it started from.
        gradient_norm: Before clipping.
        seconds: Wall time of the step.
        canvas_tokens: Tokens of the step's canvases.
        learning_rate: Rate of this step; NaN in a log that is older than this field.
    """

    step: int
    total: float
    encode: float
    denoise: float
    denoise_by_level: tuple[float, float, float, float]
    gradient_norm: float
    seconds: float
    canvas_tokens: int
    learning_rate: float = math.nan


def step_done(
    step: int,
    batches: Sequence[Batch],
    losses: Sequence[StepLosses],
    *,
    gradient_norm: float,
    learning_rate: float,
    seconds: float,
) -> StepDone:
    """Sum up one optimizer step.

    Args:
        step: Steps done.
        batches: The batches of the step.
        losses: The losses of each.
        gradient_norm: Before clipping.
        learning_rate: Rate of this step.
        seconds: Wall time of the step.
    """
    denoise = torch.cat([one.denoise for one in losses]).detach()
    quarter = (torch.cat([one.level for one in losses]) * 4).long().clamp(max=3)
    return StepDone(
        step=step,
        total=_mean([one.total.item() for one in losses]),
        encode=_mean([one.encode.item() for one in losses]),
        denoise=_mean(denoise.tolist()),
        denoise_by_level=tuple(_mean(denoise[quarter == i].tolist()) for i in range(4)),
        gradient_norm=gradient_norm,
        seconds=seconds,
        learning_rate=learning_rate,
        canvas_tokens=sum(batch.clean.numel() for batch in batches),
    )


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan
