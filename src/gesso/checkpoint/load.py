"""From a checkpoint on disk to a network in memory."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from gesso.checkpoint.hub import resolve
from gesso.checkpoint.json_file import read_json_object
from gesso.checkpoint.names import list_few
from gesso.checkpoint.report import USABLE_DTYPES, LoadReport, account_for
from gesso.checkpoint.shards import Shards, StoredTensor
from gesso.errors import ConfigError, InputError, SettingError, TensorError
from gesso.model.config import ModelConfig
from gesso.model.network import Network
from gesso.quant.layers import QuantizedWeight
from gesso.quant.network import quantize_network
from gesso.quant.scheme import Scheme, choose_scheme, scheme_from_config

CONFIG_FILE = "config.json"
QUANTIZATION = "quantization_config"
"""Key of config.json that says how weights are quantized."""

Progress = Callable[[int, int], None]
"""Told the bytes that have been read and the bytes of the whole."""


def load_config(folder: Path) -> ModelConfig:
    """Read the shape of a network from `config.json`.

    Raises:
        ConfigError: The file is missing, broken, of another model type, or asks for what this network does not compute.
    """
    raw = read_json_object(folder / CONFIG_FILE)
    raw.pop(QUANTIZATION, None)  # says how weights are stored, not which shape they make: see `load_scheme`
    try:
        return ModelConfig.from_hf(raw)
    except ConfigError as error:
        raise ConfigError(f"{folder / CONFIG_FILE}: {error}") from error
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ConfigError(
            f"{folder / CONFIG_FILE} has a value of the wrong kind ({error}); compare it with a published file"
        ) from error


def load_scheme(folder: Path) -> Scheme | None:
    """Read from `config.json` how the weights are quantized; None where they are not.

    Raises:
        ConfigError: They are quantized in a way that cannot be read here.
    """
    stored = read_json_object(folder / CONFIG_FILE).get(QUANTIZATION)
    if stored is None:
        return None
    if not isinstance(stored, dict):
        raise ConfigError(f"{folder / CONFIG_FILE}: {QUANTIZATION} is {stored!r}; download the file again")
    try:
        return scheme_from_config(stored)
    except ConfigError as error:
        raise ConfigError(f"{folder / CONFIG_FILE}: {error}") from error


def load_network(
    path: str | Path | None = None,
    dtype: torch.dtype | None = None,
    device: torch.device | str = "cpu",
    *,
    quantize: str | None = None,
    revision: str | None = None,
    offline: bool = False,
    progress: Progress | None = None,
) -> Network:
    """Load a network, tensor by tensor: memory peaks at the model's size and one tensor more.

    A tensor is in float32 while it is quantized.

    Args:
        path: None or "bundled", a folder, or a hub id; see `resolve`.
        dtype: Dtype of the weights; None for that of the file. Of a quantized network, dtype of all that is not.
        device: Where the weights shall live.
        quantize: Hold linear maps and experts in few bits: "int8", "int4" or "fp8"; None as they are stored.
        revision: Branch, tag or commit of a hub id.
        offline: Download nothing.
        progress: Called after each tensor.

    Returns:
        The network in eval mode, its parameters without gradient.

    Raises:
        ModelNotFoundError: There is no such model.
        ConfigError: Its config.json cannot be used.
        TensorError: Its weights are not exactly those that config.json asks for.
        InputError: The dtype is not one for weights.
        SettingError: There is no such quantization, or the weights are stored in another one.
    """
    if dtype is not None and dtype not in USABLE_DTYPES.values():
        raise InputError(f"dtype is {dtype}; choose {', '.join(map(str, USABLE_DTYPES.values()))}")
    folder = resolve(path, revision=revision, offline=offline)
    shards = Shards(folder)
    config, stored = load_config(folder), load_scheme(folder)
    report = account_for(_empty_network(config, stored), shards)
    network = _empty_network(config, _chosen_scheme(quantize, stored, folder))
    for tensor, original in report.repeated:
        _check_repetition(shards, tensor, original)
    if dtype is None:
        dtype = _only_dtype(report, folder)
    bytes_done = 0
    for name, tensor in report.used.items():
        _fill(network, name, shards.read(tensor.name), dtype, device)
        bytes_done += tensor.size_bytes
        if progress is not None:
            progress(bytes_done, report.size_bytes)
    return network.eval()


def inspect_checkpoint(folder: Path) -> LoadReport:
    """Account for every tensor of a checkpoint without reading its data.

    Raises:
        ConfigError: As `load_config`.
        TensorError: As `load_network`.
    """
    return account_for(_empty_network(load_config(folder), load_scheme(folder)), Shards(folder))


def check_finite(network: Network) -> None:
    """Look at every weight; loading does not, for it would take as long again.

    Raises:
        TensorError: A weight is NaN or infinite.
    """
    # The smallest and largest weight of a tensor are finite if and only if all are, and finding them allocates nothing.
    broken = [name for name, weight in network.named_parameters() if not torch.stack(weight.aminmax()).isfinite().all()]
    if broken:
        raise TensorError(f"{list_few(broken)} of the network hold NaN or infinity; load or download it again")


def _empty_network(config: ModelConfig, scheme: Scheme | None) -> Network:
    with torch.device("meta"):
        network = Network(config)
        if scheme is not None:
            quantize_network(network, scheme)
    return network


def _chosen_scheme(name: str | None, stored: Scheme | None, folder: Path) -> Scheme | None:
    if name is None:
        return stored
    asked = choose_scheme(name)
    if stored is not None and stored.name != asked.name:
        raise SettingError(
            f"{folder} is quantized to {stored.name} and {asked.name} is asked for; give the model that it was made "
            "from"
        )
    return stored or asked


def _fill(network: Network, name: str, stored: Tensor, dtype: torch.dtype, device: torch.device | str) -> None:
    """Put a stored tensor in its place. Weights are quantized as they are stored, whatever dtype the rest gets."""
    path, _, attribute = name.rpartition(".")
    module = network.get_submodule(path)
    place = getattr(module, attribute)
    if isinstance(place, QuantizedWeight):
        place.fill(stored.to(device))
        return
    kept = stored.dtype if isinstance(module, QuantizedWeight) else dtype
    weight = stored.to(device=device, dtype=kept, copy=True)
    setattr(module, attribute, nn.Parameter(weight, requires_grad=False))


def _check_repetition(shards: Shards, tensor: StoredTensor, original: StoredTensor) -> None:
    def stored_bits(of: StoredTensor) -> Tensor:
        return shards.read(of.name).flatten().view(torch.uint8)

    if (tensor.shape, tensor.dtype) != (original.shape, original.dtype) or not torch.equal(
        stored_bits(tensor), stored_bits(original)
    ):
        raise TensorError(
            f"{tensor.name} in {tensor.file} differs from {original.name}, whose weights it shares; "
            "save the model with tied weights"
        )


def _only_dtype(report: LoadReport, folder: Path) -> torch.dtype:
    stored = report.weight_dtypes
    if len(stored) > 1:
        counts = ", ".join(f"{count} as {dtype}" for dtype, count in stored.items())
        commonest = USABLE_DTYPES[next(iter(stored))]
        raise TensorError(
            f"{folder} stores tensors in several dtypes ({counts}); choose one, such as dtype={commonest}"
        )
    return USABLE_DTYPES[next(iter(stored))]
