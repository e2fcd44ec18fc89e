"""The training loop: batch, noise, losses, step; progress leaves as events.

Weights and moments are float32; the forward and backward passes use a copy of the weights in `compute_dtype`.
Everything random at step n comes from generators seeded by (seed, n), so a resumed run sees the data and the noise that
it would have seen.
"""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch.func import functional_call

from gesso.diffusion.corruption import UniformCorruption
from gesso.diffusion.levels import LevelSampler
from gesso.diffusion.losses import FlatCrossEntropy, Objective
from gesso.errors import TrainingError
from gesso.model.network import Network
from gesso.train.batch import Batch
from gesso.train.losses import BlockDiffusionLoss, StepLosses
from gesso.train.optimizer import LearningRate, make_optimizers, set_learning_rate
from gesso.train.run_state import load_run_state, save_run_state

BatchSource = Callable[[random.Random], Batch]
"""Makes one batch from a generator that is seeded for the step."""


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """How a run trains, apart from its network and its data.

    Attributes:
        total_steps: Optimizer steps of the whole run.
        schedule: Learning rate over the steps, as a factor of `learning_rate`.
        learning_rate: Peak learning rate.
        levels: How noise levels are drawn.
        objective: What the denoiser minimises.
        encode_weight: Weight of the encoder's loss.
        self_conditioning: Share of steps that feed a first prediction back.
        weight_decay: Decoupled decay of matrices.
        clip_norm: Gradients are scaled down to this norm.
        compute_dtype: Dtype of forward and backward.
        compile: Compile the step; pays after some hundred steps.
        seed: Source of all randomness.
        save_every: Steps between saved states.
    """

    total_steps: int
    schedule: LearningRate
    learning_rate: float
    levels: LevelSampler
    objective: Objective = field(default_factory=FlatCrossEntropy)
    encode_weight: float = 1.0
    self_conditioning: float = 0.5
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    compute_dtype: torch.dtype = torch.bfloat16
    compile: bool = False
    seed: int = 0
    save_every: int = 200


@dataclass(frozen=True, kw_only=True)
class StepDone:
    """One optimizer step.

    Attributes:
        step: Steps done.
        total: The minimised loss, in nats a token.
        encode: The encoder's part.
        denoise: The denoiser's part.
        denoise_by_level: Mean denoiser loss of canvases whose mean level is in each quarter of [0, 1]; NaN if none is.
        gradient_norm: Before clipping.
        seconds: Wall time of the step.
        canvas_tokens: Canvas tokens in the step.
    """

    step: int
    total: float
    encode: float
    denoise: float
    denoise_by_level: tuple[float, float, float, float]
    gradient_norm: float
    seconds: float
    canvas_tokens: int


def train(network: Network, source: BatchSource, settings: TrainSettings, folder: Path) -> Iterator[StepDone]:
    """Train a network in place, from where the folder's saved state ends to the last step.

    Args:
        network: Float32 weights, which are mutated.
        source: Makes batches.
        settings: How to train.
        folder: Where the run's state is kept and found again.

    Yields:
        One event a step. The caller may stop iterating at any time; what was saved is resumed by the next call.

    Raises:
        TrainingError: The loss is not a number, or the saved state is of another network.
        OutputError: The state cannot be saved.
    """
    optimizers = make_optimizers(
        network.named_parameters(), learning_rate=settings.learning_rate, weight_decay=settings.weight_decay
    )
    done = load_run_state(folder, network, optimizers)
    corruption = UniformCorruption(vocab_size=network.config.vocab_size)
    loss = BlockDiffusionLoss(network, settings.objective, encode_weight=settings.encode_weight)
    losses = torch.compile(_losses, dynamic=False) if settings.compile else _losses

    for step in range(done, settings.total_steps):
        started = time.perf_counter()
        rng = random.Random(f"{settings.seed}:{step}")
        generator = torch.Generator().manual_seed(rng.getrandbits(63))
        batch = source(rng)
        t = settings.levels.draw(*batch.clean.shape, generator)
        noisy = corruption.corrupt(batch.clean, t, generator)

        result = losses(loss, settings.compute_dtype, batch, noisy, t, rng.random() < settings.self_conditioning)
        if not torch.isfinite(result.total):
            raise TrainingError(
                f"the loss is {result.total.item()} at step {step}; lower the learning rate and resume from {folder}"
            )
        result.total.backward()
        gradient_norm = torch.nn.utils.clip_grad_norm_(network.parameters(), settings.clip_norm)
        set_learning_rate(optimizers, settings.learning_rate * settings.schedule.at(step))
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        if (step + 1) % settings.save_every == 0 or step + 1 == settings.total_steps:
            save_run_state(folder, step + 1, network, optimizers)
        yield _event(step + 1, result, t, gradient_norm, time.perf_counter() - started, batch)


def _losses(
    loss: BlockDiffusionLoss,
    dtype: torch.dtype,
    batch: Batch,
    noisy: torch.Tensor,
    t: torch.Tensor,
    self_condition: bool,
) -> StepLosses:
    working = {name: parameter.to(dtype) for name, parameter in loss.named_parameters()}
    return functional_call(loss, working, (batch, noisy, t, self_condition))


def _event(
    step: int, losses: StepLosses, t: torch.Tensor, gradient_norm: torch.Tensor, seconds: float, batch: Batch
) -> StepDone:
    denoise = losses.denoise.detach()
    quarter = (t.mean(1) * 4).long().clamp(max=3)
    return StepDone(
        step=step,
        total=losses.total.item(),
        encode=losses.encode.item(),
        denoise=denoise.mean().item(),
        denoise_by_level=tuple(denoise[quarter == i].mean().item() for i in range(4)),
        gradient_norm=gradient_norm.item(),
        seconds=seconds,
        canvas_tokens=batch.clean.numel(),
    )
