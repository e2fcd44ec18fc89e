"""The state of a run whose weights are spread over processes: each writes and reads its own part (torch's DCP).

    run_state/00000200/    the state after step 200: a file of each process, what is where, and the settings

A state can be read by any number of processes, one included: each reads what it holds of every tensor.
"""

import json
import os
import shutil
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed import checkpoint
from torch.distributed.checkpoint import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.metadata import TensorStorageMetadata
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.optim import Optimizer

from gesso.errors import TrainingError

FOLDER_NAME = "run_state"
_SETTINGS_FILE = "settings.json"


def is_sharded(weights: nn.Module) -> bool:
    """Whether a network's weights are spread over processes."""
    return any(isinstance(weight, DTensor) for weight in weights.parameters())


def as_held(value: Tensor, place: Tensor) -> Tensor:
    """A whole tensor as it is to be held beside another: the same part of it, where that one is spread over processes.

    Args:
        value: The whole tensor, the same in every process.
        place: A tensor; where the shapes differ, the value stays whole.
    """
    if not isinstance(place, DTensor) or value.shape != place.shape:
        return value
    # No process sends anything: each has the whole and cuts out its own part.
    return distribute_tensor(value.to(place.device), place.device_mesh, place.placements, src_data_rank=None)


def newest_sharded_state(folder: Path) -> tuple[int, Path] | None:
    """The last whole state in the folder of a run and the steps that it was saved after; None if there is none."""
    found = [(int(path.name), path) for path in (folder / FOLDER_NAME).glob("*") if path.name.isdecimal()]
    return max(found, default=None)


def save_sharded_state(
    folder: Path,
    step: int,
    network: nn.Module,
    optimizers: Sequence[Optimizer],
    *,
    average: Mapping[str, Tensor] | None,
    must_not_change: Mapping[str, str],
) -> None:
    """Write a state; every process of the run calls this. A crash in the middle leaves the last whole state in place.

    Args:
        folder: Folder of the run, the same for all processes.
        step: Steps that are done.
        network: The weights.
        optimizers: Their moments.
        average: Averaged weights, if they are kept.
        must_not_change: Kept beside the tensors; see `read_settings`.

    Raises:
        OSError: The disk refuses.
        CheckpointException: The disk refuses one of several processes. Derived from BaseException.
    """
    state = {
        "network": network.state_dict(),
        "average": dict(average or {}),
        "optimizers": {
            str(index): {
                str(place): dict(optimizer.state[parameter])
                for place, parameter in enumerate(_stepped(optimizer))
                if parameter in optimizer.state
            }
            for index, optimizer in enumerate(optimizers)
        },
    }
    held = folder / FOLDER_NAME
    unfinished = held / "unfinished"
    if dist.get_rank() == 0:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
    dist.barrier()
    # Files are synchronised with the disk by default, and the record of what is where is written last of all.
    checkpoint.save(state, storage_writer=FileSystemWriter(unfinished))
    if dist.get_rank() == 0:
        (unfinished / _SETTINGS_FILE).write_text(json.dumps(dict(must_not_change)), encoding="utf-8")
        finished = held / f"{step:08d}"
        shutil.rmtree(finished, ignore_errors=True)
        os.replace(unfinished, finished)
        _synchronise(held)
        for older in held.glob("*"):
            if older != finished:
                shutil.rmtree(older)


def read_settings(path: Path) -> dict[str, str]:
    """The names and values that were saved as `must_not_change`.

    Raises:
        TrainingError: They cannot be read.
    """
    try:
        return json.loads((path / _SETTINGS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} cannot be read ({error}); remove it to begin anew") from error


def load_sharded_state(
    path: Path, network: nn.Module, optimizers: Sequence[Optimizer], *, average: Mapping[str, Tensor] | None
) -> None:
    """Put a saved state back; every process of the run calls this. Mutates network, optimizers and average.

    Args:
        path: What `newest_sharded_state` found.
        network: Takes the weights.
        optimizers: Take the moments.
        average: Takes the averaged weights, if they are kept.

    Raises:
        TrainingError: The state is of another network, or cannot be read.
    """
    stored = _stored_tensors(path)
    slots: dict[str, dict[str, dict[str, Tensor]]] = {}
    for index, optimizer in enumerate(optimizers):
        slots[str(index)] = {
            str(place): _places(stored, f"optimizers.{index}.{place}.", parameter)
            for place, parameter in enumerate(_stepped(optimizer))
        }
    _read(path, {"network": network.state_dict(), "average": dict(average or {}), "optimizers": slots})
    for index, optimizer in enumerate(optimizers):
        for place, parameter in enumerate(_stepped(optimizer)):
            if held := slots[str(index)][str(place)]:
                optimizer.state[parameter] = held


def load_sharded_average(path: Path, network: nn.Module) -> dict[str, Tensor]:
    """The averaged weights of a saved state, whole; read by one process.

    Args:
        path: What `newest_sharded_state` found.
        network: The network, whole.

    Raises:
        TrainingError: The state keeps none, is of another network, or cannot be read.
    """
    names = [name.removeprefix("average.") for name in _stored_tensors(path) if name.startswith("average.")]
    if not names:
        raise TrainingError(f"{path} keeps no averaged weights; train with TrainSettings(ema=...)")
    weights = network.state_dict()
    if missing := sorted(set(names) - set(weights)):
        raise TrainingError(f"{path} is the state of another network; choose another folder (it has {missing[0]})")
    average = {name: torch.empty_like(weights[name]) for name in names}
    _read(path, {"average": average}, no_dist=True)
    return average


def _stepped(optimizer: Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _places(stored: Mapping[str, torch.Size], prefix: str, parameter: nn.Parameter) -> dict[str, Tensor]:
    """What a parameter's saved moments are read into; a number that all its elements share is a tensor by itself."""
    sizes = {name.removeprefix(prefix): size for name, size in stored.items() if name.startswith(prefix)}
    return {
        name: torch.zeros_like(parameter.detach()) if size == parameter.shape else torch.zeros(size)
        for name, size in sizes.items()
    }


def _stored_tensors(path: Path) -> dict[str, torch.Size]:
    try:
        entries = FileSystemReader(path).read_metadata().state_dict_metadata
    except Exception as error:
        # Broken bytes make the reader stumble in many ways.
        raise TrainingError(f"{path} cannot be read ({str(error)[:100]}); remove it to begin anew") from error
    return {name: entry.size for name, entry in entries.items() if isinstance(entry, TensorStorageMetadata)}


def _read(path: Path, state: dict[str, object], *, no_dist: bool = False) -> None:
    alone = no_dist or not dist.is_initialized()
    try:
        with warnings.catch_warnings():
            # That one process reads by itself is what is meant.
            warnings.filterwarnings("ignore", "torch.distributed is disabled", UserWarning)
            checkpoint.load(state, storage_reader=FileSystemReader(path), no_dist=alone)
    except (checkpoint.CheckpointException, RuntimeError, ValueError, KeyError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise TrainingError(
            f"{path} is the state of another network, or broken; choose another folder, or remove it ({reason})"
        ) from error


def _synchronise(folder: Path) -> None:
    """Make the names in a folder as durable as the files are."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
