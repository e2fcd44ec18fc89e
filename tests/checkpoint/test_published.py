"""The published 26B model: its configuration is read, and its tensors are expected by their names and shapes."""

import math

import pytest
import torch
from transformers import DiffusionGemmaConfig, DiffusionGemmaForBlockDiffusion

from gesso.checkpoint.names import file_name, is_vision
from gesso.model.config import ModelConfig, Rope
from gesso.model.network import Network

# config.json of google/diffusiongemma-26B-A4B-it.
PUBLISHED = {
    "architectures": ["DiffusionGemmaForBlockDiffusion"],
    "model_type": "diffusion_gemma",
    "canvas_length": 256,
    "boi_token_id": 255_999,
    "eoi_token_id": 258_882,
    "image_token_id": 258_880,
    "vision_soft_tokens_per_image": 280,
    "eos_token_id": [1, 106],
    "tie_word_embeddings": True,
    "dtype": "bfloat16",
    "text_config": {
        "model_type": "diffusion_gemma_text",
        "hidden_size": 2816,
        "num_hidden_layers": 30,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "head_dim": 256,
        "num_global_key_value_heads": 2,
        "global_head_dim": 512,
        "intermediate_size": 2112,
        "moe_intermediate_size": 704,
        "num_experts": 128,
        "top_k_experts": 8,
        "vocab_size": 262_144,
        "sliding_window": 1024,
        "max_position_embeddings": 262_144,
        "layer_types": (["sliding_attention"] * 5 + ["full_attention"]) * 5,
        "rope_parameters": {
            "sliding_attention": {"rope_type": "default", "rope_theta": 10_000.0},
            "full_attention": {"rope_type": "proportional", "partial_rotary_factor": 0.25, "rope_theta": 1_000_000.0},
        },
        "rms_norm_eps": 1e-6,
        "final_logit_softcapping": 30.0,
        "hidden_activation": "gelu_pytorch_tanh",
        "attention_bias": False,
        "use_bidirectional_attention": "vision",
        "pad_token_id": 0,
        "eos_token_id": 1,
        "bos_token_id": 2,
        "initializer_range": 0.02,
    },
    "vision_config": {
        "model_type": "gemma4_vision",
        "hidden_size": 1152,
        "intermediate_size": 4304,
        "num_hidden_layers": 27,
        "num_attention_heads": 16,
        "num_key_value_heads": 16,
        "head_dim": 72,
        "patch_size": 16,
        "pooling_kernel_size": 3,
        "rope_parameters": {"rope_type": "axial", "rope_theta": 100.0},
        "standardize": True,
    },
}


@pytest.fixture(scope="module")
def config():
    return ModelConfig.from_hf(PUBLISHED)


@pytest.fixture(scope="module")
def network(config):
    with torch.device("meta"):
        return Network(config)


@pytest.fixture(scope="module")
def stored():
    """Names and shapes that the reference class would store: all but what is tied."""
    with torch.device("meta"):
        reference = DiffusionGemmaForBlockDiffusion(DiffusionGemmaConfig.from_dict(PUBLISHED))
    tied = reference.all_tied_weights_keys
    return {name: tuple(weight.shape) for name, weight in reference.state_dict().items() if name not in tied}


def test_every_key_of_the_configuration_is_understood(config):
    assert config.unused_keys == ()
    assert config.heads(0) == (8, 256)
    assert config.heads(29) == (2, 512)
    assert [i for i, kind in enumerate(config.layer_types) if kind == "full_attention"] == [5, 11, 17, 23, 29]
    assert (config.sliding_rope, config.full_rope) == (Rope(theta=1e4), Rope(theta=1e6, partial=0.25))
    assert (config.canvas_length, config.sliding_window, config.eos_token_ids) == (256, 1024, (1, 106))


def test_it_has_as_many_parameters_as_published(network):
    """25.2 billion, and 3.8 billion of them at work for one token, by the model card."""
    total = sum(weight.numel() for weight in network.parameters())
    idle = sum(weight.numel() for name, weight in network.named_parameters() if ".experts." in name) * (128 - 8) // 128
    assert total == 25_250_986_812
    assert round((total - idle) / 1e9, 1) == 3.8


def test_every_expected_tensor_has_the_published_name_and_shape(network, stored):
    expected = {file_name(name): tuple(weight.shape) for name, weight in network.named_parameters()}
    assert expected == {name: shape for name, shape in stored.items() if not is_vision(name)}
    assert len(expected) == 691


def test_the_image_encoder_is_recognised_whole(stored):
    vision = [shape for name, shape in stored.items() if is_vision(name)]
    assert len(vision) == 356
    assert sum(map(math.prod, vision)) == 572_794_416
