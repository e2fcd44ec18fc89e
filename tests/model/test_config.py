import dataclasses
import json

import pytest
from transformers import DiffusionGemmaConfig, DiffusionGemmaTextConfig

from gesso.errors import ConfigError
from gesso.model.config import ModelConfig, Rope


def published(**changes):
    """A small configuration in the words of the published file; changes are to its text_config."""
    text = {
        "model_type": "diffusion_gemma_text",
        "vocab_size": 128,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 3,
        "layer_types": ["sliding_attention", "sliding_attention", "full_attention"],
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "num_global_key_value_heads": 1,
        "head_dim": 8,
        "global_head_dim": 16,
        "sliding_window": 8,
        "num_experts": 4,
        "top_k_experts": 2,
        "moe_intermediate_size": 16,
        "max_position_embeddings": 512,
        "rms_norm_eps": 1e-6,
        "final_logit_softcapping": 30.0,
        "hidden_activation": "gelu_pytorch_tanh",
        "attention_bias": False,
        "attention_dropout": 0.0,
        "use_bidirectional_attention": "vision",
        "rope_parameters": {
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
            "full_attention": {"rope_type": "proportional", "rope_theta": 1e6, "partial_rotary_factor": 0.25},
        },
        "pad_token_id": 0,
        "bos_token_id": 2,
        "eos_token_id": 1,
    }
    return {
        "model_type": "diffusion_gemma",
        "canvas_length": 16,
        "eos_token_id": [1, 106],
        "image_token_id": 100,
        "boi_token_id": 101,
        "eoi_token_id": 102,
        "tie_word_embeddings": True,
        "dtype": "bfloat16",
        "vision_config": {"model_type": "gemma4_vision", "hidden_size": 16},
        "text_config": text | changes,
    }


def without(key):
    raw = published()
    del raw["text_config"][key]
    return raw


def test_the_published_words_are_read():
    config = ModelConfig.from_hf(published())
    assert config.heads(0) == (2, 8)
    assert config.heads(2) == (1, 16)
    assert config.eos_token_ids == (1, 106)
    assert config.full_rope == Rope(theta=1e6, partial=0.25)
    assert config.vision == {"model_type": "gemma4_vision", "hidden_size": 16}
    assert config.unused_keys == ()


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"sliding_rope": Rope(theta=500.0, partial=0.5)},
        {"full_rope": Rope(theta=500.0, partial=1.0)},
        {"final_logit_softcapping": 5.0, "rms_norm_eps": 1e-5},
        {"image_token_id": None, "bos_token_id": None, "vision": None},
    ],
    ids=lambda change: ", ".join(change) or "as published",
)
def test_what_is_written_reads_back_equal(change):
    config = dataclasses.replace(ModelConfig.from_hf(published()), **change)
    assert ModelConfig.from_hf(json.loads(json.dumps(config.to_hf()))) == config


@pytest.mark.parametrize(
    "heads",
    [
        {},
        {"global_head_dim": 8},
        {"num_global_key_value_heads": None},
        {"num_global_key_value_heads": 2},
        {"global_head_dim": 8, "num_global_key_value_heads": 2},
        {"layer_types": ["full_attention"] * 3},
    ],
    ids=str,
)
def test_files_of_newer_transformers_mean_the_same(heads):
    """They give the heads layer by layer, and leave out whatever is as in the other layers."""
    raw = published(**heads)
    newer = DiffusionGemmaConfig.from_dict(raw).to_dict()
    assert "global_head_dim" not in newer["text_config"]
    ours, theirs = ModelConfig.from_hf(raw), ModelConfig.from_hf(json.loads(json.dumps(newer, default=str)))
    assert [theirs.heads(layer) for layer in range(3)] == [ours.heads(layer) for layer in range(3)]
    assert dataclasses.replace(theirs, vision=None, global_head_dim=ours.global_head_dim, eos_token_ids=(1,)) == (
        dataclasses.replace(ours, vision=None, eos_token_ids=(1,))
    )


def test_transformers_reads_what_is_written_as_the_same_shape():
    theirs = DiffusionGemmaConfig.from_dict(ModelConfig.from_hf(published()).to_hf())
    assert isinstance(theirs.text_config, DiffusionGemmaTextConfig)
    assert theirs.text_config.to_dict() == DiffusionGemmaConfig.from_dict(published()).text_config.to_dict()


def test_a_network_without_experts_reads_back_equal():
    config = ModelConfig.from_hf(published(num_experts=None, top_k_experts=None, moe_intermediate_size=None))
    assert config.num_experts == 0
    assert ModelConfig.from_hf(config.to_hf()) == config


def test_layers_may_be_given_by_their_number_alone():
    raw = published(num_hidden_layers=8)
    del raw["text_config"]["layer_types"]
    kinds = ModelConfig.from_hf(raw).layer_types
    assert [i for i, kind in enumerate(kinds) if kind == "full_attention"] == [5, 7]


def test_keys_that_mean_nothing_here_are_listed():
    raw = published(num_kv_shared_layers=2) | {"audio_config": {}}
    assert ModelConfig.from_hf(raw).unused_keys == ("audio_config", "text_config.num_kv_shared_layers")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (published() | {"model_type": "gemma4"}, "model_type 'gemma4'.*'diffusion_gemma'"),
        ({"model_type": "diffusion_gemma"}, "no text_config"),
        (published() | {"tie_word_embeddings": False}, "tie_word_embeddings is false"),
        (without("hidden_size"), "lacks text_config.hidden_size"),
        (published(hidden_activation="silu"), "hidden_activation is not 'gelu_pytorch_tanh'"),
        (published(attention_bias=True), "attention_bias is not False"),
        (published(use_bidirectional_attention="all"), "use_bidirectional_attention is 'all'"),
        (published(num_hidden_layers=4), "names 3 layers but num_hidden_layers is 4"),
        (published(layer_types=["full_attention"] * 2 + ["sliding_attention"]), "last of layer_types"),
        (published(num_key_value_heads=3), "4 query heads cannot share 3"),
        (published(head_dim=7), "head width 7 is odd"),
        (published(sliding_window=1), "sliding_window is 1"),
        (published(hidden_size=0), "hidden_size is 0"),
        (published(top_k_experts=5), "4 experts with top_k_experts 5"),
        (published(per_layer_config={"0": {"head_dim": 16}}), "per_layer_config gives 1 shapes"),
        (published(per_layer_config={"2": {"hidden_size": 16}}), r"sets \['hidden_size'\]"),
        (
            published(rope_parameters={"full_attention": {"rope_type": "yarn", "rope_theta": 1e6}}),
            "rope_type 'default'",
        ),
    ],
)
def test_what_the_network_does_not_compute_is_refused_by_name(raw, message):
    with pytest.raises(ConfigError, match=message):
        ModelConfig.from_hf(raw)
