"""Models with random weights, in shapes that no published checkpoint has: a large vocabulary over a small network."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from gesso.checkpoint.generation_config import default_generation_config
from gesso.checkpoint.hub import resolve
from gesso.checkpoint.save import save_network
from gesso.checkpoint.vision import minimal_vision_config, minimal_vision_tensors
from gesso.model.config import ModelConfig, Rope
from gesso.model.initialize import initialize
from gesso.model.network import Network

LAYERS = ("sliding_attention", "sliding_attention", "full_attention")

_SMALL = ModelConfig(
    vocab_size=262_144,
    hidden_size=256,
    intermediate_size=2048,
    num_attention_heads=4,
    num_key_value_heads=2,
    num_global_key_value_heads=1,
    head_dim=64,
    global_head_dim=128,
    layer_types=LAYERS * 5,
    sliding_window=512,
    num_experts=4,
    top_k_experts=2,
    moe_intermediate_size=128,
    max_position_embeddings=4096,
    image_token_id=16,
    boi_token_id=17,
    eoi_token_id=18,
    vision=minimal_vision_config(),
)

PUBLISHED = ModelConfig(
    vocab_size=262_144,
    hidden_size=2816,
    intermediate_size=2112,
    num_attention_heads=16,
    num_key_value_heads=8,
    num_global_key_value_heads=2,
    head_dim=256,
    global_head_dim=512,
    layer_types=(*["sliding_attention"] * 5, "full_attention") * 5,
    sliding_window=1024,
    num_experts=128,
    top_k_experts=8,
    moe_intermediate_size=704,
    max_position_embeddings=262_144,
    sliding_rope=Rope(theta=10_000.0),
    full_rope=Rope(theta=1_000_000.0, partial=0.25),
)
"""The shape of the published 26B checkpoint."""

SHAPES = {
    "100m": _SMALL,
    "400m": replace(
        _SMALL,
        hidden_size=768,
        num_attention_heads=8,
        num_key_value_heads=4,
        num_global_key_value_heads=2,
        head_dim=128,
        global_head_dim=256,
        num_experts=8,
        moe_intermediate_size=256,
    ),
}
"""A vocabulary of the published size over two small networks: 67 of 100 million parameters are the embedding, and 201
of 400."""


def random_network(name: str, dtype: torch.dtype) -> Network:
    """A network of one of the shapes, in eval mode."""
    network = Network(SHAPES[name])
    initialize(network, torch.Generator().manual_seed(0))
    return network.to(dtype).eval().requires_grad_(False)


def save_random_model(name: str, folder: Path) -> Path:
    """Write such a model in the published layout, with the bundled tokenizer, so that every system can load it."""
    network = random_network(name, torch.bfloat16)
    save_network(
        network,
        folder,
        tokenizer_files=resolve(None),
        generation_config=default_generation_config(network.config),
        vision_tensors=minimal_vision_tensors(network.config, torch.Generator().manual_seed(0)),
    )
    return folder


@contextmanager
def as_loadable(model: str) -> Iterator[str]:
    """The name under which `gesso.load` knows a model: for a shape, a folder that is there meanwhile."""
    if model not in SHAPES or Path(model).is_dir():
        yield model
        return
    with TemporaryDirectory() as folder:
        yield str(save_random_model(model, Path(folder)))
