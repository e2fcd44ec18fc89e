"""What a run begins with: random weights of a chosen shape, or those of a model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gesso.checkpoint.generation_config import default_generation_config, read_generation_config
from gesso.checkpoint.hub import BUNDLED, resolve
from gesso.checkpoint.load import load_network
from gesso.checkpoint.names import is_vision
from gesso.checkpoint.shards import Shards
from gesso.checkpoint.vision import minimal_vision_tensors
from gesso.model.config import ModelConfig
from gesso.model.initialize import initialize
from gesso.model.network import Network
from gesso.quant.network import refuse_quantized
from gesso.text.chat import ChatTemplate
from gesso.text.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class Materials:
    """Everything of a model that a run trains, reads or hands on.

    Attributes:
        network: Float32 weights with gradients.
        tokenizer: Text to token ids.
        template: The chat format.
        text_files: The folder that both came from.
        generation_config: How to sample.
        dtype: Dtype in which the trained weights are written.
        vision: The image encoder that is written with them: a checkpoint's folder, tensors, or None for none.
    """

    network: Network
    tokenizer: Tokenizer
    template: ChatTemplate
    text_files: Path
    generation_config: dict[str, Any]
    dtype: torch.dtype
    vision: Path | Mapping[str, Tensor] | None


@dataclass(frozen=True, kw_only=True)
class FromScratch:
    """Random weights.

    Attributes:
        shape: Of the network; `gesso.train.shape.scaled_shape` makes one for a tokenizer.
        tokenizer: Model whose tokenizer and chat template are used.
        dtype: Dtype in which the trained weights are written.
    """

    shape: ModelConfig
    tokenizer: str = BUNDLED
    dtype: torch.dtype = torch.bfloat16

    def make(self, seed: int) -> Materials:
        """Draw the weights.

        Raises:
            ModelNotFoundError, ConfigError: The tokenizer cannot be had.
        """
        folder = resolve(self.tokenizer)
        tokenizer = Tokenizer.load(folder)
        network = Network(self.shape)
        generator = torch.Generator().manual_seed(seed)
        initialize(network, generator)
        vision = None
        if self.shape.vision is not None:
            vision = minimal_vision_tensors(self.shape, generator, self.dtype)
        return Materials(
            network=network,
            tokenizer=tokenizer,
            template=ChatTemplate.load(folder, tokenizer),
            text_files=folder,
            generation_config=default_generation_config(self.shape),
            dtype=self.dtype,
            vision=vision,
        )


@dataclass(frozen=True, kw_only=True)
class FromModel:
    """The weights of a model.

    Attributes:
        model: "bundled", a folder or a hub id.
    """

    model: str

    def make(self, seed: int) -> Materials:
        """Load the model; nothing is drawn, so the seed has no effect.

        Raises:
            CheckpointError: There is no such model, its files cannot be used, or its weights are quantized.
        """
        folder = resolve(self.model)
        network = load_network(folder)
        refuse_quantized(network, "be trained")
        dtype = network.dtype
        tokenizer = Tokenizer.load(folder)
        return Materials(
            network=network.to(torch.float32).requires_grad_(True),
            tokenizer=tokenizer,
            template=ChatTemplate.load(folder, tokenizer),
            text_files=folder,
            generation_config=read_generation_config(folder, network.config),
            dtype=dtype,
            vision=folder if any(map(is_vision, Shards(folder).tensors)) else None,
        )


Start = FromScratch | FromModel
