"""The training loop: batch, draws, losses, step; progress leaves as events.

Weights and moments are float32; the forward and backward passes use a copy of the weights in `compute_dtype`.
Everything random at step n comes from generators seeded by (seed, n), so a resumed run sees the data and the noise that
it would have seen, and so does each of several processes that share a run.
"""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from gesso.diffusion.corruption import UniformCorruption
from gesso.errors import TrainingError
from gesso.model.network import Network
from gesso.train.average import WeightAverage
from gesso.train.batch import Batch
from gesso.train.events import StepDone, step_done
from gesso.train.losses import BlockDiffusionLoss, LeftToRightLoss, StepLoss
from gesso.train.optimizer import set_learning_rate
from gesso.train.run_state import RunState
from gesso.train.settings import TrainSettings
from gesso.train.worker import LoneWorker, MakeWorker

BatchSource = Callable[[random.Random], Batch]
"""Makes one batch from a generator that is seeded for the step."""


def train(
    network: Network,
    source: BatchSource,
    settings: TrainSettings,
    folder: Path,
    *,
    make_worker: MakeWorker = LoneWorker,
) -> Iterator[StepDone]:
    """Train a network in place, from where the folder's saved state ends to the last step.

    Args:
        network: Float32 weights, which are mutated; those that need no gradient are left as they are.
        source: Makes batches.
        settings: How to train.
        folder: Where the run's state is kept and found again.
        make_worker: Does the work of each step; another than the default where several processes share it.

    Yields:
        One event a step. The caller may stop iterating at any time; what was saved is resumed by the next call.

    Raises:
        TrainingError: The loss is not a number, or the saved state is of another network or of other settings.
        SettingError: The work cannot be shared as it is wanted.
        OutputError: The state cannot be saved.
    """
    worker = make_worker(network, _make_loss(network, settings), settings)
    optimizers = worker.optimizers
    average = None if settings.ema is None else WeightAverage(network, settings.ema)
    state = RunState(folder, network, optimizers, average=average, must_not_change=_must_not_change(network, settings))
    done = state.load()
    network.zero_grad()

    for step in range(done, settings.total_steps):
        started = time.perf_counter()
        rng = random.Random(f"{settings.seed}:{step}")
        generator = torch.Generator().manual_seed(rng.getrandbits(63))
        batches, losses = [], []
        for _ in range(settings.accumulation):
            batches.append(source(rng))
            losses.append(worker.learn(batches[-1], generator))
            _check_number(losses[-1].total, "loss", step, folder)

        gradient_norm = worker.clip_gradients()
        _check_number(gradient_norm, "gradient norm", step, folder)
        learning_rate = settings.learning_rate * settings.schedule.at(step)
        set_learning_rate(optimizers, learning_rate)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        if average is not None:
            average.update(network)
        if (step + 1) % settings.save_every == 0 or step + 1 == settings.total_steps:
            state.save(step + 1)
        yield step_done(
            step + 1,
            batches,
            losses,
            gradient_norm=gradient_norm.item(),
            learning_rate=learning_rate,
            seconds=time.perf_counter() - started,
        )


def _make_loss(network: Network, settings: TrainSettings) -> StepLoss:
    if settings.left_to_right:
        return LeftToRightLoss(z_weight=settings.z_loss)
    return BlockDiffusionLoss(
        corruption=UniformCorruption(vocab_size=network.config.vocab_size),
        levels=settings.levels,
        objective=settings.objective,
        encode_weight=settings.encode_weight,
        z_weight=settings.z_loss,
        self_conditioning=settings.self_conditioning,
        gradients_into_prefix=settings.gradients_into_prefix,
        unroll=settings.unroll,
    )


def _must_not_change(network: Network, settings: TrainSettings) -> dict[str, str]:
    shape = {name: repr(getattr(network.config, name)) for name in network.config.__dataclass_fields__}
    return shape | settings.that_must_not_change()


def _check_number(value: torch.Tensor, name: str, step: int, folder: Path) -> None:
    if not torch.isfinite(value):
        raise TrainingError(
            f"the {name} is {value.item()} at step {step}; lower the learning rate and resume from {folder}"
        )
