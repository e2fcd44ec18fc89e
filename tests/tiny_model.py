"""A whole model, small and untrained: what it writes is nonsense, but how it is written is the same."""

from dataclasses import replace
from pathlib import Path

import torch

import gesso
from gesso.checkpoint.generation_config import default_generation_config
from gesso.checkpoint.save import save_network
from gesso.checkpoint.vision import minimal_vision_config, minimal_vision_tensors
from gesso.model.config import ModelConfig, Rope
from gesso.model.network import Network

TEXT_FILES = Path(gesso.__file__).parent / "bundled"
"""The bundled tokenizer and chat template."""

CONFIG = ModelConfig(
    vocab_size=4096,
    hidden_size=24,
    intermediate_size=32,
    num_attention_heads=2,
    num_key_value_heads=2,
    num_global_key_value_heads=1,
    head_dim=8,
    global_head_dim=16,
    layer_types=("sliding_attention", "full_attention"),
    sliding_window=6,
    num_experts=4,
    top_k_experts=2,
    moe_intermediate_size=8,
    max_position_embeddings=256,
    sliding_rope=Rope(theta=100.0),
    full_rope=Rope(theta=1_000.0, partial=0.5),
    canvas_length=16,
    eos_token_ids=(1, 5),
    image_token_id=16,
    boi_token_id=17,
    eoi_token_id=18,
    vision=minimal_vision_config(),
)


@torch.no_grad()
def randomize(network: Network, seed: int = 0) -> Network:
    """Fill the network with weights that make its predictions differ from each other, and some of them certain."""
    generator = torch.Generator().manual_seed(seed)
    for weight in network.parameters():
        if weight.ndim == 1:
            weight.uniform_(0.5, 1.5, generator=generator)
        else:
            weight.normal_(0.0, 0.3, generator=generator)
    network.embed_tokens.weight.mul_(3)
    return network.eval().requires_grad_(False)


def tiny_network(seed: int = 0, **changes: object) -> Network:
    """A network of the tiny shape, with chosen fields of its config changed."""
    return randomize(Network(replace(CONFIG, **changes)), seed)


def save_tiny_model(folder: Path, network: Network | None = None, **generation_config: object) -> Path:
    """Write a checkpoint in the published layout; keywords change its generation_config.json."""
    network = tiny_network() if network is None else network
    save_network(
        network,
        folder,
        tokenizer_files=TEXT_FILES,
        generation_config=default_generation_config(network.config)
        | {"max_denoising_steps": 3, "max_new_tokens": 24}
        | generation_config,
        vision_tensors=minimal_vision_tensors(network.config, torch.Generator().manual_seed(0)),
    )
    return folder
