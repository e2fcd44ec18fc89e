"""From the words of a command to a run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from gesso.checkpoint.hub import BUNDLED, resolve
from gesso.checkpoint.load import load_config
from gesso.cli.training_options import ObjectiveName, Precision
from gesso.diffusion.levels import UniformLevels
from gesso.diffusion.losses import (
    FlatCrossEntropy,
    GiddWeighted,
    LeaveOneOutCrossEntropy,
    NoisedOnlyCrossEntropy,
    Objective,
    UniformNelbo,
)
from gesso.errors import SettingError
from gesso.text.tokenizer import Tokenizer
from gesso.train.lora import Lora
from gesso.train.optimizer import WarmupCosine
from gesso.train.recipe import load_recipe
from gesso.train.run import Run
from gesso.train.settings import TrainSettings
from gesso.train.shape import scaled_shape
from gesso.train.start import FromModel, FromScratch, Start

DEFAULT_STEPS = 1000
SCRATCH_RATE, FULL_RATE, LORA_RATE = 2e-3, 2e-4, 2e-3
WARMUP_SHARE = 0.05

OBJECTIVES: dict[ObjectiveName, Objective] = {
    ObjectiveName.FLAT: FlatCrossEntropy(),
    ObjectiveName.NOISED: NoisedOnlyCrossEntropy(),
    # The sampler reads logits as the denoiser's.
    ObjectiveName.GIDD: GiddWeighted(prediction="denoiser"),
    ObjectiveName.NELBO: UniformNelbo(prediction="denoiser"),
    ObjectiveName.LEAVE_ONE_OUT: LeaveOneOutCrossEntropy(),
}

ALL_LEVELS = UniformLevels()
INNER_LEVELS = UniformLevels(low=1e-3, high=1 - 1e-3)
"""For the likelihood bound, which is not finite at the ends (as Duo is trained, arXiv 2506.10892)."""

_DTYPES = {Precision.FLOAT32: torch.float32, Precision.BFLOAT16: torch.bfloat16}


def read_recipe(path: Path, words: Mapping[str, object]) -> Run:
    """Load a recipe, and refuse other words that describe a run beside it.

    Raises:
        SettingError: A word is given too, or the recipe cannot be used.
    """
    given = [name for name, value in words.items() if value is not None]
    if given:
        name = given[0].upper() if given[0] in ("data", "model") else f"--{given[0].replace('_', '-')}"
        raise SettingError(f"{name} is given, and a recipe that says it all; leave one of them out")
    return load_recipe(path)


def described_shape(
    *, model_shape: str | None, width: int | None, layers: int | None, canvas_length: int | None, tokenizer: str | None
) -> FromScratch:
    """Random weights of the shape that the words describe.

    Raises:
        CheckpointError: The model whose shape is taken, or its tokenizer, cannot be had.
        SettingError: The sizes make no network.
    """
    tokenizer = BUNDLED if tokenizer is None else tokenizer
    pattern = load_config(resolve(BUNDLED if model_shape is None else model_shape))
    shape = scaled_shape(
        pattern, Tokenizer.load(resolve(tokenizer)), width=width, layers=layers, canvas_length=canvas_length
    )
    return FromScratch(shape=shape, tokenizer=tokenizer)


def described_lora(*, lora_rank: int | None, lora_alpha: float | None) -> Lora | None:
    """The adapter that the words describe; None for none.

    Raises:
        SettingError: A number is out of its range, or a strength is given without a rank.
    """
    if lora_rank is None:
        if lora_alpha is not None:
            raise SettingError("--lora-alpha is given without --lora-rank; give both, or neither")
        return None
    return Lora(rank=lora_rank, alpha=lora_alpha)


def described_run(
    start: Start,
    *,
    lora: Lora | None,
    data: str | None,
    split: str | None,
    max_length: int | None,
    texts: int | None,
    canvases: int | None,
    steps: int | None,
    learning_rate: float | None,
    warmup: int | None,
    objective: ObjectiveName | None,
    self_conditioning: float | None,
    ema: float | None,
    z_loss: float | None,
    accumulation: int | None,
    activation_checkpointing: bool | None,
    precision: Precision | None,
    compile: bool | None,
    seed: int | None,
    save_every: int | None,
    sample_prompt: Sequence[str] | None,
) -> Run:
    """The run that the words describe; None is a word that was not said.

    Raises:
        SettingError: There are no data, or a number is out of its range.
    """
    if data is None:
        raise SettingError("there are no data to learn from; name a file, folder or dataset, or give --recipe")
    steps = DEFAULT_STEPS if steps is None else steps
    if steps < 1:
        raise SettingError(f"--steps is {steps}; give at least 1")
    warmup = round(WARMUP_SHARE * steps) if warmup is None else warmup
    if not 0 <= warmup < steps:
        raise SettingError(f"--warmup is {warmup} of {steps} steps; give 0 to {steps - 1}")
    if learning_rate is None:
        full = FULL_RATE if isinstance(start, FromModel) else SCRATCH_RATE
        learning_rate = full if lora is None else LORA_RATE
    settings = TrainSettings(
        total_steps=steps,
        schedule=WarmupCosine(warmup_steps=warmup, total_steps=steps),
        learning_rate=learning_rate,
        levels=INNER_LEVELS if objective is ObjectiveName.NELBO else ALL_LEVELS,
        weight_decay=0.0 if lora is not None else TrainSettings.weight_decay,
        **_said(
            objective=None if objective is None else OBJECTIVES[objective],
            self_conditioning=self_conditioning,
            ema=ema,
            z_loss=z_loss,
            accumulation=accumulation,
            activation_checkpointing=activation_checkpointing,
            compute_dtype=None if precision is None else _DTYPES[precision],
            compile=compile,
            seed=seed,
            save_every=save_every,
        ),
    )
    return Run(
        start=start,
        data=data,
        settings=settings,
        lora=lora,
        max_length=max_length,
        **_said(
            texts_per_batch=texts,
            canvases_per_text=canvases,
            split=split,
            sample_prompts=None if sample_prompt is None else tuple(sample_prompt),
        ),
    )


def _said(**words: Any) -> dict[str, Any]:
    """What was said; the rest has its default where it belongs."""
    return {name: value for name, value in words.items() if value is not None}
