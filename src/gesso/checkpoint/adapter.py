"""LoRA adapters (arXiv 2106.09685) in the files of peft: adapter_config.json and adapter_model.safetensors.

An adapter adds a product of two thin matrices to each weight matrix: W + alpha / rank * B A. Transformers holds the
stack twice, as an encoder and a decoder that share their weights, so its adapter has every pair twice. Here the stack
is one: a pair is written under both names, and read only if both agree.
"""

import hashlib
import math
import shutil
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from gesso.checkpoint.json_file import read_json_object, write_json_object
from gesso.checkpoint.names import file_name, list_few
from gesso.errors import CheckpointError, ConfigError, OutputError, TensorError
from gesso.model.network import Network
from gesso.quant.network import refuse_quantized

ADAPTER_CONFIG_FILE = "adapter_config.json"
ADAPTER_WEIGHTS_FILE = "adapter_model.safetensors"

_FINGERPRINT_KEY = "base_fingerprint"
_FINGERPRINT_ELEMENTS = 64

_DECODER_LAYERS, _ENCODER_LAYERS = "model.decoder.layers.", "model.encoder.language_model.layers."
_LINEAR_MAPS = (
    r"(model\.(encoder\.language_model|decoder)\.layers\.\d+\."
    r"(self_attn\.[qkvo]_proj|mlp\.(gate|up|down)_proj|router\.proj)"
    r"|model\.decoder\.self_conditioning\.(gate|up|down)_proj)"
)
"""What peft calls target_modules: a pattern for the full names of the linear maps."""

_EXPERTS = ("experts.gate_up_proj", "experts.down_proj")
"""What peft calls target_parameters. It nests one wrapper in another: the first of these is the inner one."""

# Variants of LoRA that change the arithmetic, and the value with which each is off.
_OFF: dict[str, tuple[Any, ...]] = {
    "bias": ("none", None),
    "use_dora": (False, None),
    "fan_in_fan_out": (False, None),
    "lora_bias": (False, None),
    "alpha_pattern": ({}, None),
    "rank_pattern": ({}, None),
    "modules_to_save": ([], None),
    "layer_replication": ([], None),
    "trainable_token_indices": ([], {}, None),
}


@dataclass(frozen=True, kw_only=True)
class LowRank:
    """Two thin matrices for a weight matrix, or for each of E stacked ones; E is 1 for a matrix alone.

    Attributes:
        a: From the input to the rank.
        b: From the rank to the output.
    """

    a: Float[Tensor, "E rank I"]
    b: Float[Tensor, "E O rank"]

    def added_to(self, weight: Float[Tensor, "..."], scale: float) -> Float[Tensor, "..."]:
        """The weight with the product added; computed in the dtype of the factors, returned in the weight's."""
        return (weight + scale * (self.b @ self.a).view_as(weight)).to(weight.dtype)


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """A trained LoRA.

    Attributes:
        rank: Inner width of every pair.
        alpha: The product is multiplied by alpha / rank.
        base: What the base model was loaded as.
        base_fingerprint: Tells the base model's weights from others; None if the file names none.
        factors: A pair for each adapted parameter, by the network's name.
    """

    rank: int
    alpha: float
    base: str
    base_fingerprint: str | None
    factors: Mapping[str, LowRank]

    @property
    def scale(self) -> float:
        """What the products are multiplied by."""
        return self.alpha / self.rank


def adaptable_parameters(network: Network) -> dict[str, torch.nn.Parameter]:
    """Every linear map of the stack and of self-conditioning, by name: all matrices but the embedding."""
    return {n: p for n, p in network.named_parameters() if p.ndim >= 2 and not n.startswith("embed_tokens.")}


@torch.no_grad()
def merge_adapter(network: Network, adapter: Adapter) -> None:
    """Add an adapter to the weights for good; the sum is computed in float32. Mutates the network.

    Raises:
        TensorError: The adapter is for another shape.
        CheckpointError: The network is quantized.
    """
    refuse_quantized(network, "take an adapter")
    parameters = adaptable_parameters(network)
    _check_shapes(adapter.factors, parameters)
    for name, pair in adapter.factors.items():
        weight = parameters[name]
        pair = LowRank(a=pair.a.to(weight.device, torch.float32), b=pair.b.to(weight.device, torch.float32))
        weight.copy_(pair.added_to(weight.to(torch.float32), adapter.scale))


def fingerprint(network: Network) -> str:
    """A short hash of the weights, read off a few numbers of each in bfloat16, so it is the same in every dtype."""
    digest = hashlib.sha256()
    for name, weight in network.named_parameters():
        few = weight.detach().flatten()[:_FINGERPRINT_ELEMENTS].to("cpu", torch.bfloat16)
        digest.update(f"{name}{list(weight.shape)}".encode())
        digest.update(few.view(torch.int16).numpy().tobytes())
    return digest.hexdigest()[:16]


def save_adapter(adapter: Adapter, folder: Path) -> None:
    """Write the two files of peft, which can put the adapter on `DiffusionGemmaForBlockDiffusion`.

    Raises:
        OutputError: The folder cannot be written.
    """
    has_experts = any(".experts." in name for name in adapter.factors)
    config = {
        "peft_type": "LORA",
        "base_model_name_or_path": adapter.base,
        "r": adapter.rank,
        "lora_alpha": adapter.alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "target_modules": _LINEAR_MAPS,
        "target_parameters": list(_EXPERTS) if has_experts else None,
        "task_type": None,
    }
    tensors: dict[str, Tensor] = {}
    for name, pair in adapter.factors.items():
        a, b = _to_peft(pair)
        for key_a, key_b in _peft_keys(name):
            tensors |= {key_a: a.clone(), key_b: b.clone()}
    metadata = {"format": "pt"}
    if adapter.base_fingerprint is not None:
        metadata[_FINGERPRINT_KEY] = adapter.base_fingerprint
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json_object(folder / ADAPTER_CONFIG_FILE, config)
        save_file(tensors, folder / ADAPTER_WEIGHTS_FILE, metadata=metadata)
        # Safetensors keeps its files from other users.
        shutil.copymode(folder / ADAPTER_CONFIG_FILE, folder / ADAPTER_WEIGHTS_FILE)
    except (OSError, SafetensorError) as error:
        raise OutputError(f"{folder} cannot be written ({error}); make room, or choose another folder") from error


def load_adapter(folder: Path, network: Network) -> Adapter:
    """Read an adapter for a network, and account for every tensor of it.

    Args:
        folder: Holds peft's two files.
        network: What the adapter is for. Not changed: see `merge_adapter`.

    Raises:
        ConfigError: A file is missing or broken, or the adapter is of a kind that does not merge into one stack.
        TensorError: A tensor is missing, surplus or of another shape, or encoder and decoder are adapted differently.
        CheckpointError: The adapter was trained on other weights, or the network is quantized.
    """
    refuse_quantized(network, "take an adapter")
    config = _read_config(folder)
    tensors, held_fingerprint = _read_tensors(folder / ADAPTER_WEIGHTS_FILE)
    if held_fingerprint not in (None, fingerprint(network)):
        raise CheckpointError(
            f"{folder} was trained on other weights than these: on {config['base_model_name_or_path']!r}; "
            "load that model with it"
        )
    parameters = adaptable_parameters(network)
    factors = {}
    for name, parameter in parameters.items():
        pairs = [(tensors.pop(a, None), tensors.pop(b, None)) for a, b in _peft_keys(name)]
        if any(tensor is not None for pair in pairs for tensor in pair):
            a, b = _only_pair(name, pairs, folder)
            factors[name] = _from_peft(a, b, parameter, name, folder)
    if tensors:
        raise TensorError(f"{folder} holds {list_few(tensors)} that adapt nothing here; use the model it was made for")
    if not factors:
        raise TensorError(f"{folder / ADAPTER_WEIGHTS_FILE} holds no tensors; copy the adapter again")
    _check_shapes(factors, parameters)
    rank = int(config["r"])
    # rank-stabilised LoRA divides by the root of the rank; alpha takes up the difference.
    alpha = config["lora_alpha"] * (math.sqrt(rank) if config.get("use_rslora") else 1.0)
    return Adapter(
        rank=rank,
        alpha=float(alpha),
        base=str(config["base_model_name_or_path"]),
        base_fingerprint=held_fingerprint,
        factors=factors,
    )


def _read_config(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise ConfigError(f"there is no folder {folder}; give the folder of an adapter")
    config = read_json_object(folder / ADAPTER_CONFIG_FILE)
    if config.get("peft_type") != "LORA":
        raise ConfigError(f"{folder} holds an adapter of type {config.get('peft_type')!r}; only 'LORA' can be loaded")
    for key, kind in (("r", int), ("lora_alpha", (int, float)), ("base_model_name_or_path", str)):
        if not isinstance(config.get(key), kind):
            raise ConfigError(f"{folder / ADAPTER_CONFIG_FILE}: {key} is {config.get(key)!r}; copy the adapter again")
    if config["r"] < 1:
        raise ConfigError(f"{folder / ADAPTER_CONFIG_FILE}: r is {config['r']}; a rank is at least 1")
    for key, off in _OFF.items():
        if config.get(key) not in off:
            raise ConfigError(f"{folder} uses {key} = {config[key]!r}, which is not plain LoRA; train it without")
    return config


def _read_tensors(path: Path) -> tuple[dict[str, Tensor], str | None]:
    if not path.is_file():
        raise ConfigError(f"{path.parent} has no {path.name}; copy the adapter again")
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, (file.metadata() or {}).get(_FINGERPRINT_KEY)  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise TensorError(f"{path} is broken or cut short ({error}); copy it again") from error


def _peft_keys(parameter: str) -> list[tuple[str, str]]:
    """Names of A and B in a file: of the decoder's copy, and of the encoder's where it has one."""
    module = file_name(parameter).removesuffix(".weight")
    for suffix, wrapper in zip(_EXPERTS, ("experts.base_layer", "experts"), strict=True):
        if module.endswith(f".{suffix}"):
            module = module.removesuffix(suffix) + wrapper
    modules = dict.fromkeys((module, module.replace(_DECODER_LAYERS, _ENCODER_LAYERS)))
    return [(f"base_model.model.{m}.lora_A.weight", f"base_model.model.{m}.lora_B.weight") for m in modules]


def _to_peft(pair: LowRank) -> tuple[Tensor, Tensor]:
    """The experts' matrices side by side: A by expert and rank, B by rank and expert."""
    return pair.a.flatten(0, 1).contiguous(), pair.b.permute(1, 2, 0).flatten(1, 2).contiguous()


def _from_peft(a: Tensor, b: Tensor, parameter: Tensor, name: str, folder: Path) -> LowRank:
    num_experts = parameter.shape[0] if parameter.ndim == 3 else 1
    if a.ndim != 2 or b.ndim != 2 or a.shape[0] != b.shape[1] or a.shape[0] % num_experts:
        raise TensorError(
            f"{folder} adapts {name} by matrices of shapes {list(a.shape)} and {list(b.shape)}, which do not belong to "
            f"{num_experts} matrices of one rank; use the model that it was made for"
        )
    return LowRank(
        a=a.unflatten(0, (num_experts, -1)),
        b=b.unflatten(1, (-1, num_experts)).permute(2, 0, 1).contiguous(),
    )


def _only_pair(name: str, pairs: list[tuple[Tensor | None, Tensor | None]], folder: Path) -> tuple[Tensor, Tensor]:
    by_role: dict[str, list[Tensor]] = defaultdict(list)
    for role, tensor in ((role, tensor) for pair in pairs for role, tensor in zip("ab", pair, strict=True)):
        if tensor is None:
            raise TensorError(
                f"{folder} adapts {name} in part only; encoder and decoder share their weights here, so the adapter "
                "must have both matrices for both of them"
            )
        by_role[role].append(tensor)
    if not all(torch.equal(tensors[0], other) for tensors in by_role.values() for other in tensors[1:]):
        raise TensorError(
            f"{folder} adapts {name} of the encoder and of the decoder differently; they share their weights, so such "
            "an adapter cannot be merged: train one with tied weights"
        )
    return by_role["a"][0], by_role["b"][0]


def _check_shapes(factors: Mapping[str, LowRank], parameters: Mapping[str, Tensor]) -> None:
    for name, pair in factors.items():
        if name not in parameters:
            raise TensorError(f"the adapter adapts {name}, which this network lacks; load the model it was made for")
        shape = [*pair.b.shape[:-1], pair.a.shape[-1]][-parameters[name].ndim :]
        if shape != list(parameters[name].shape):
            raise TensorError(
                f"the adapter's {name} is for a matrix of shape {shape} and this network's is "
                f"{list(parameters[name].shape)}; load the model that it was made for"
            )
