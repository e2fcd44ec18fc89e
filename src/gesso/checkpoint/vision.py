"""The smallest image encoder that the published layout allows.

Transformers always builds an image encoder, with or without images. So that it can load a model for text alone without
making up weights, the model's folder holds these: one untrained layer of width 16, some thousand parameters.
"""

from typing import Any

import torch
from torch import Tensor

from gesso.checkpoint.names import VISION_PREFIXES
from gesso.model.config import ModelConfig

_WIDTH, _HEADS, _HEAD_WIDTH, _PATCH, _PLACES = 16, 2, 8, 2, 4


def minimal_vision_config() -> dict[str, Any]:
    """Content of `vision_config` for the smallest image encoder (`Gemma4VisionConfig`)."""
    return {
        "model_type": "gemma4_vision",
        "hidden_size": _WIDTH,
        "intermediate_size": _WIDTH,
        "num_hidden_layers": 1,
        "num_attention_heads": _HEADS,
        "num_key_value_heads": _HEADS,
        "head_dim": _HEAD_WIDTH,
        "patch_size": _PATCH,
        "pooling_kernel_size": 1,
        "position_embedding_size": _PLACES,
    }


def minimal_vision_tensors(
    config: ModelConfig, generator: torch.Generator, dtype: torch.dtype = torch.float32
) -> dict[str, Tensor]:
    """Untrained weights of the smallest image encoder, by their names in a checkpoint.

    Args:
        config: A text network, into whose width the image encoder projects.
        generator: Source of the random weights. Mutated.
        dtype: Dtype of the weights.
    """
    tower, embedder = VISION_PREFIXES
    layer = f"{tower}encoder.layers.0."
    heads = _HEADS * _HEAD_WIDTH
    matrices = {
        f"{embedder}embedding_projection.weight": (config.hidden_size, _WIDTH),
        f"{tower}patch_embedder.input_proj.weight": (_WIDTH, 3 * _PATCH**2),
        **{f"{layer}self_attn.{name}_proj.linear.weight": (heads, _WIDTH) for name in ("q", "k", "v")},
        f"{layer}self_attn.o_proj.linear.weight": (_WIDTH, heads),
        **{f"{layer}mlp.{name}_proj.linear.weight": (_WIDTH, _WIDTH) for name in ("gate", "up", "down")},
    }
    ones = {
        f"{tower}patch_embedder.position_embedding_table": (2, _PLACES, _WIDTH),
        f"{layer}self_attn.q_norm.weight": (_HEAD_WIDTH,),
        f"{layer}self_attn.k_norm.weight": (_HEAD_WIDTH,),
        **{
            f"{layer}{name}_layernorm.weight": (_WIDTH,)
            for name in ("input", "post_attention", "pre_feedforward", "post_feedforward")
        },
    }
    drawn = {name: 0.02 * torch.randn(shape, generator=generator) for name, shape in matrices.items()}
    return {name: weight.to(dtype) for name, weight in (drawn | {n: torch.ones(s) for n, s in ones.items()}).items()}
