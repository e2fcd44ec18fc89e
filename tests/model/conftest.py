"""Twins: a random reference model, and the network with the same weights."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from random import Random

import pytest
import torch
from transformers import DiffusionGemmaConfig, DiffusionGemmaForBlockDiffusion, Gemma4ForCausalLM, Gemma4TextConfig

from gesso.checkpoint.names import file_name
from gesso.checkpoint.vision import minimal_vision_config
from gesso.model.config import ModelConfig, Rope
from gesso.model.network import Network

# Experts and choices of each token: one, few and many; the dense mix computes those up to four experts a choice.
MIXTURES = [(4, 2), (8, 1), (1, 1), (16, 2), (6, 6), (5, 1), (8, 2)]
WINDOWS = [2, 3, 5, 8, 17]
HEADS = [(4, 2, 1), (2, 1, 2), (6, 3, 2), (4, 4, 4), (8, 2, 1), (1, 1, 1)]
HEAD_WIDTHS = [(8, 16), (4, 8), (16, 32), (6, 24)]


@dataclass(frozen=True)
class Twin:
    """One set of random weights in both implementations."""

    config: ModelConfig
    reference: torch.nn.Module
    network: Network


def random_config(seed: int) -> ModelConfig:
    """A random small shape; lists are walked through with different periods, so that few seeds meet every entry."""
    rng = Random(seed)
    pick = lambda options: options[seed % len(options)]  # noqa: E731
    num_heads, num_kv_heads, num_global_kv_heads = pick(HEADS)
    head_dim, global_head_dim = pick(HEAD_WIDTHS)
    num_experts, top_k = pick(MIXTURES)
    return ModelConfig(
        vocab_size=rng.choice([64, 97, 128]),
        hidden_size=rng.choice([24, 32, 40]),
        intermediate_size=rng.choice([20, 48]),
        num_attention_heads=num_heads,
        num_key_value_heads=num_kv_heads,
        num_global_key_value_heads=num_global_kv_heads,
        head_dim=head_dim,
        global_head_dim=global_head_dim,
        layer_types=(
            *rng.choices(["sliding_attention", "full_attention"], [3, 1], k=rng.randint(1, 4)),
            "full_attention",
        ),
        sliding_window=pick(WINDOWS),
        num_experts=num_experts,
        top_k_experts=top_k,
        moe_intermediate_size=rng.choice([8, 12]),
        sliding_rope=Rope(theta=rng.choice([100.0, 10_000.0])),
        full_rope=Rope(theta=rng.choice([1_000.0, 1_000_000.0]), partial=rng.choice([0.25, 0.5, 1.0])),
        final_logit_softcapping=rng.choice([5.0, 30.0]),
        canvas_length=rng.choice([4, 7, 16]),
        vision=minimal_vision_config(),
    )


@torch.no_grad()
def randomize(reference: torch.nn.Module, seed: int) -> None:
    """Weights of a healthy scale, where an error in any of them shows; norms and scalars are not one either."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in (*reference.named_parameters(), *reference.named_buffers()):
        if "layer_scalar" in name or (weight.ndim == 1 and isinstance(weight, torch.nn.Parameter)):
            weight.uniform_(0.5, 1.5, generator=generator)
        elif isinstance(weight, torch.nn.Parameter):
            weight.normal_(0.0, 0.15, generator=generator)


@cache
def _twin(seed: int, **changes: object) -> Twin:
    config = replace(random_config(seed), **changes)
    reference = DiffusionGemmaForBlockDiffusion(DiffusionGemmaConfig.from_dict(config.to_hf())).eval()
    reference.set_experts_implementation("eager")  # the plain loop; the default one has wishes about strides
    randomize(reference, seed)
    stored = reference.state_dict()
    network = Network(config).eval()
    network.load_state_dict({name: stored[file_name(name)] for name in network.state_dict()})
    return Twin(config, reference.requires_grad_(False), network.requires_grad_(False))


@cache
def _dense_twin(seed: int) -> Twin:
    config = replace(random_config(seed), num_experts=0, top_k_experts=0, moe_intermediate_size=0)
    settings = config.to_hf()["text_config"] | {
        "model_type": "gemma4_text",
        "enable_moe_block": False,
        "attention_k_eq_v": True,
        "hidden_size_per_layer_input": 0,
        "use_bidirectional_attention": None,
    }
    reference = Gemma4ForCausalLM(Gemma4TextConfig.from_dict(settings)).eval()
    randomize(reference, seed)
    stored = reference.state_dict()
    network = Network(config).eval()
    network.load_state_dict(
        {
            name: stored["model." + name.replace("encode_scalar", "layer_scalar")]
            for name in network.state_dict()
            if "self_conditioning" not in name and "denoise_scalar" not in name
        },
        strict=False,
    )
    return Twin(config, reference.requires_grad_(False), network.requires_grad_(False))


@pytest.fixture(scope="session")
def twin() -> Callable[..., Twin]:
    """`twin(seed, **changes)`: random shape and weights, with chosen fields of the config changed."""
    return _twin


@pytest.fixture(scope="session")
def dense_twin() -> Callable[[int], Twin]:
    """`dense_twin(seed)`: without experts, and the dense Gemma 4 as the reference."""
    return _dense_twin
