from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import DiffusionGemmaConfig, DiffusionGemmaForBlockDiffusion

from gesso.checkpoint.save import save_network
from gesso.checkpoint.vision import minimal_vision_config, minimal_vision_tensors
from gesso.model.config import ModelConfig
from gesso.model.network import Network


@pytest.fixture(scope="session")
def config() -> ModelConfig:
    return ModelConfig(
        vocab_size=64,
        hidden_size=24,
        intermediate_size=32,
        num_attention_heads=4,
        num_key_value_heads=2,
        num_global_key_value_heads=1,
        head_dim=8,
        global_head_dim=16,
        layer_types=("sliding_attention", "full_attention"),
        sliding_window=4,
        num_experts=4,
        top_k_experts=2,
        moe_intermediate_size=8,
        canvas_length=6,
        vision=minimal_vision_config(),
    )


@torch.no_grad()
def randomize(module: torch.nn.Module) -> None:
    """No two weights alike, norms and scalars included."""
    generator = torch.Generator().manual_seed(0)
    scalars = [buffer for name, buffer in module.named_buffers() if "layer_scalar" in name]
    for weight in (*module.parameters(), *scalars):
        weight.normal_(1.0 if weight.ndim == 1 else 0.0, 0.15, generator=generator)


@pytest.fixture
def network(config: ModelConfig) -> Network:
    network = Network(config)
    randomize(network)
    return network.requires_grad_(False).eval()


@pytest.fixture(scope="session")
def reference(config: ModelConfig) -> DiffusionGemmaForBlockDiffusion:
    reference = DiffusionGemmaForBlockDiffusion(DiffusionGemmaConfig.from_dict(config.to_hf()))
    randomize(reference)
    return reference.requires_grad_(False).eval()


@pytest.fixture
def vision_tensors(config: ModelConfig) -> dict[str, Tensor]:
    return minimal_vision_tensors(config, torch.Generator().manual_seed(1))


@pytest.fixture
def folder(network: Network, vision_tensors: dict[str, Tensor], tmp_path: Path) -> Path:
    """A good checkpoint in one file."""
    save_network(network, tmp_path / "model", vision_tensors=vision_tensors)
    return tmp_path / "model"


@pytest.fixture
def sharded(network: Network, vision_tensors: dict[str, Tensor], tmp_path: Path) -> Path:
    """The same checkpoint in several files."""
    save_network(network, tmp_path / "sharded", vision_tensors=vision_tensors, max_shard_bytes=20_000)
    return tmp_path / "sharded"


@pytest.fixture
def edit() -> Callable[[Path, Callable[[dict[str, Tensor]], object]], None]:
    """`edit(file, change)`: rewrite a safetensors file after `change` has mutated its tensors."""

    def rewrite(file: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
        tensors = {name: tensor.clone() for name, tensor in load_file(file).items()}
        change(tensors)
        save_file(tensors, file, metadata={"format": "pt"})

    return rewrite
