"""How a run trains, apart from its network and its data."""

import math
import re
from dataclasses import dataclass, field, fields

import torch

from gesso.diffusion.levels import LevelSampler
from gesso.diffusion.losses import FlatCrossEntropy, NoisedOnlyCrossEntropy, Objective
from gesso.errors import SettingError
from gesso.train.optimizer import LearningRate
from gesso.train.unroll import Unroll

MAY_CHANGE = frozenset(
    {
        "total_steps",
        "schedule",
        "learning_rate",
        "save_every",
        "compute_dtype",
        "compile",
        "activation_checkpointing",
    }
)
"""Settings that may differ when a run goes on: its length, its learning rate, and how it computes."""


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
        self_conditioning: Share of canvases that are fed back a first prediction, among those that are not unrolled.
        gradients_into_prefix: Whether the denoiser's loss teaches the encoder through the cache.
        unroll: How canvases are led on by the sampler before they are learnt from; None for none. It needs an objective
            that does not read the noise level, for a canvas of the sampler's has none.
        left_to_right: Train the encoder alone, an autoregressive model; what concerns canvases then has no part.
        z_loss: Weight of the squared log-partition, which keeps logits from drifting; 1e-5 is usual, 0 leaves it out.
        weight_decay: Decoupled decay of matrices.
        clip_norm: Gradients are scaled down to this norm.
        accumulation: Batches of one optimizer step; each counts equally.
        ema: Decay of the averaged weights that are kept beside the trained ones, such as 0.999; None keeps none.
        compute_dtype: Dtype of forward and backward.
        activation_checkpointing: Keep only the input of each layer for the backward pass: less memory, about a third
            more time.
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
    gradients_into_prefix: bool = True
    unroll: Unroll | None = None
    left_to_right: bool = False
    z_loss: float = 0.0
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    accumulation: int = 1
    ema: float | None = None
    compute_dtype: torch.dtype = torch.bfloat16
    activation_checkpointing: bool = False
    compile: bool = False
    seed: int = 0
    save_every: int = 200

    def __post_init__(self) -> None:
        for name in ("total_steps", "accumulation", "save_every"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} is {getattr(self, name)}; give 1 or more")
        for name in ("learning_rate", "clip_norm"):
            if not 0 < getattr(self, name) < math.inf:
                raise SettingError(f"{name} is {getattr(self, name):g}; give a number above 0")
        for name in ("encode_weight", "z_loss", "weight_decay"):
            if not 0 <= getattr(self, name) < math.inf:
                raise SettingError(f"{name} is {getattr(self, name):g}; give 0 or more")
        if not 0 <= self.self_conditioning <= 1:
            raise SettingError(f"self_conditioning is {self.self_conditioning:g}; give a share from 0 to 1")
        if self.ema is not None and not 0 < self.ema < 1:
            raise SettingError(f"ema is {self.ema:g}; give a decay between 0 and 1, or None for no average")
        if self.unroll is not None and self.left_to_right:
            raise SettingError("unroll is given and left_to_right is on; a model without canvases cannot be unrolled")
        if self.unroll is not None and not isinstance(self.objective, FlatCrossEntropy | NoisedOnlyCrossEntropy):
            raise SettingError(
                f"unroll is given and the objective is {self.objective}, which reads noise levels; "
                "unroll with FlatCrossEntropy or NoisedOnlyCrossEntropy"
            )

    def that_must_not_change(self) -> dict[str, str]:
        """The settings that every part of a run must share, in words that can be compared and shown."""
        names = [one.name for one in fields(self) if one.name not in MAY_CHANGE]
        # The place of an object in memory says nothing about it.
        return {name: re.sub(r" at 0x[0-9a-f]+", "", repr(getattr(self, name))) for name in names}
