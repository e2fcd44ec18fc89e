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
from gesso.errors import ConfigError, InputError, TensorError
from gesso.model.config import ModelConfig
from gesso.model.network import Network

CONFIG_FILE = "config.json"

Progress = Callable[[int, int], None]
"""Told the bytes that have been read and the bytes of the whole."""


def load_config(folder: Path) -> ModelConfig:
    """Read the shape of a network from `config.json`.

    Raises:
        ConfigError: The file is missing, broken, of another model type, or asks for what this network does not compute.
    """
    raw = read_json_object(folder / CONFIG_FILE)
    try:
        return ModelConfig.from_hf(raw)
    except ConfigError as error:
        raise ConfigError(f"{folder / CONFIG_FILE}: {error}") from error
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise ConfigError(
            f"{folder / CONFIG_FILE} has a value of the wrong kind ({error}); compare it with a published file"
        ) from error


def load_network(
    path: str | Path | None = None,
    dtype: torch.dtype | None = None,
    device: torch.device | str = "cpu",
    *,
    revision: str | None = None,
    offline: bool = False,
    progress: Progress | None = None,
) -> Network:
    """Load a network, tensor by tensor: memory peaks at the model's size and one tensor more.

    Args:
        path: None or "bundled", a folder, or a hub id; see `resolve`.
        dtype: Dtype of the weights; None for that of the file.
        device: Where the weights shall live.
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
    """
    if dtype is not None and dtype not in USABLE_DTYPES.values():
        raise InputError(f"dtype is {dtype}; choose {', '.join(map(str, USABLE_DTYPES.values()))}")
    folder = resolve(path, revision=revision, offline=offline)
    shards = Shards(folder)
    network = _empty_network(load_config(folder))
    report = account_for(network, shards)
    for tensor, original in report.repeated:
        _check_repetition(shards, tensor, original)
    if dtype is None:
        dtype = _only_dtype(report, folder)
    bytes_done = 0
    for name, tensor in report.used.items():
        _fill(network, name, shards.read(tensor.name).to(device=device, dtype=dtype, copy=True))
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
    return account_for(_empty_network(load_config(folder)), Shards(folder))


def check_finite(network: Network) -> None:
    """Look at every weight; loading does not, for it would take as long again.

    Raises:
        TensorError: A weight is NaN or infinite.
    """
    # The smallest and largest weight of a tensor are finite if and only if all are, and finding them allocates nothing.
    broken = [name for name, weight in network.named_parameters() if not torch.stack(weight.aminmax()).isfinite().all()]
    if broken:
        raise TensorError(f"{list_few(broken)} of the network hold NaN or infinity; load or download it again")


def _empty_network(config: ModelConfig) -> Network:
    with torch.device("meta"):
        return Network(config)


def _fill(network: Network, name: str, weight: Tensor) -> None:
    module, _, attribute = name.rpartition(".")
    setattr(network.get_submodule(module), attribute, nn.Parameter(weight, requires_grad=False))


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
    stored = report.dtypes
    if len(stored) > 1:
        counts = ", ".join(f"{count} as {dtype}" for dtype, count in stored.items())
        commonest = USABLE_DTYPES[next(iter(stored))]
        raise TensorError(
            f"{folder} stores tensors in several dtypes ({counts}); choose one, such as dtype={commonest}"
        )
    return USABLE_DTYPES[next(iter(stored))]
