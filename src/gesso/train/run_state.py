"""What a training run needs to go on after any interruption: weights, optimizer states, averages, and the step.

Everything random in a run is a function of its seed and the step (`gesso.train.loop`), so nothing else is needed for
the loss curve to continue to the step.

One process keeps a file; several, each of which holds a part of every weight, keep a folder
(`gesso.train.sharded_state`). Whichever is there is read by any number of processes, so a run may go on with fewer or
more of them.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.checkpoint import CheckpointException
from torch.optim import Optimizer

from gesso.errors import OutputError, TrainingError
from gesso.model.network import Network
from gesso.train.average import WeightAverage, use_average
from gesso.train.sharded_state import (
    FOLDER_NAME,
    as_held,
    is_sharded,
    load_sharded_average,
    load_sharded_state,
    newest_sharded_state,
    read_settings,
    save_sharded_state,
)

FILE_NAME = "run_state.pt"


class RunState:
    """The saved state of one run, and what it is the state of.

    Args:
        folder: The run's folder, made if need be.
        network: Its float32 weights.
        optimizers: Their moments.
        average: The average of the weights; None if none is kept.
        must_not_change: Names and values of all that the parts of a run must share. A state that lacks a name, because
            it is older than the name, is taken as it is.
    """

    def __init__(
        self,
        folder: Path,
        network: Network,
        optimizers: Sequence[Optimizer],
        *,
        average: WeightAverage | None = None,
        must_not_change: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.network = network
        self.optimizers = optimizers
        self.average = average
        self.must_not_change = dict(must_not_change or {})

    def save(self, step: int) -> None:
        """Write the state after `step` steps; a crash in the middle leaves the last whole state in place.

        Where several processes hold the weights, all of them call this.

        Raises:
            OutputError: The folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if is_sharded(self.network):
                self._save_parts(step)
            else:
                self._save_whole(step)
        except (OSError, RuntimeError, CheckpointException) as error:
            raise OutputError(
                f"cannot save the run in {self.folder}: {_reason(error)}; free some space or choose another"
            ) from error

    def _save_parts(self, step: int) -> None:
        save_sharded_state(
            self.folder,
            step,
            self.network,
            self.optimizers,
            average=None if self.average is None else self.average.weights,
            must_not_change=self.must_not_change,
        )
        # The first process gives the new state its name; until then the file is the last whole state.
        if dist.get_rank() == 0:
            (self.folder / FILE_NAME).unlink(missing_ok=True)

    def _save_whole(self, step: int) -> None:
        state = {
            "step": step,
            "network": self.network.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "average": None if self.average is None else self.average.weights,
            "must_not_change": self.must_not_change,
        }
        unfinished = self.folder / f"{FILE_NAME}.unfinished"
        try:
            with unfinished.open("wb") as file:
                torch.save(state, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, self.folder / FILE_NAME)
        except (OSError, RuntimeError):
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise
        if (self.folder / FOLDER_NAME).is_dir():
            shutil.rmtree(self.folder / FOLDER_NAME)

    def load(self) -> int:
        """Put a saved state back. Mutates network, optimizers and average.

        Returns:
            Steps that are done; 0 if the folder holds no state.

        Raises:
            TrainingError: The state is of another network, of other settings or of other optimizers.
        """
        # A whole state may not fit on the device of a process that holds a part of it.
        device = torch.device("cpu") if is_sharded(self.network) else self.network.device
        step, path, state = _newest(self.folder, device)
        if path is None:
            return 0
        if state is None:
            self._check_settings(path, read_settings(path))
            average = None if self.average is None else self.average.weights
            load_sharded_state(path, self.network, self.optimizers, average=average)
            return step
        self._check_settings(path, state.get("must_not_change", {}))
        try:
            self._put_back(state)
        except (RuntimeError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())[:200]
            raise TrainingError(
                f"{path} is the state of another network; choose another folder or the same shape ({reason})"
            ) from error
        return step

    def _check_settings(self, path: Path, held: Mapping[str, str]) -> None:
        for name, was in held.items():
            now = self.must_not_change.get(name, was)
            if now != was:
                raise TrainingError(
                    f"{path} is the state of a run with {name} {was}, and this one has {now}; "
                    "choose another folder, or the same value"
                )

    def _put_back(self, state: Mapping[str, Any]) -> None:
        places = self.network.state_dict()
        self.network.load_state_dict(
            {name: as_held(value, places.get(name, value)) for name, value in state["network"].items()}
        )
        for optimizer, held in zip(self.optimizers, state["optimizers"], strict=True):
            stepped = [parameter for group in optimizer.param_groups for parameter in group["params"]]
            moments = {
                place: {name: as_held(value, stepped[place]) for name, value in slots.items()}
                for place, slots in held["state"].items()
            }
            optimizer.load_state_dict({**held, "state": moments})
        if self.average is not None:
            averaged = state.get("average") or state["network"]
            self.average.restore({name: as_held(averaged[name], places[name]) for name in self.average.weights})


def load_average(folder: Path, network: Network) -> None:
    """Replace a network's weights by the averaged ones of a saved state. Mutates the network.

    Raises:
        TrainingError: There is no state, it keeps no average, or it is of another network.
    """
    _, path, state = _newest(folder, network.device)
    if path is None:
        raise TrainingError(f"{folder} holds no {FILE_NAME}; give the folder of a run")
    average = load_sharded_average(path, network) if state is None else state.get("average")
    if average is None:
        raise TrainingError(f"{path} keeps no averaged weights; train with TrainSettings(ema=...)")
    try:
        use_average(network, average)
    except (RuntimeError, KeyError) as error:
        raise TrainingError(f"{path} is the state of another network; choose another folder ({error})") from error


def _newest(folder: Path, device: torch.device) -> tuple[int, Path | None, dict[str, Any] | None]:
    """The step and the place of the last state, and what is in it if it is a file."""
    path = folder / FILE_NAME
    state = _read(path, device) if path.exists() else None
    step = -1 if state is None else int(state["step"])
    # Both are there only if a process ended between writing the one and removing the other.
    sharded = newest_sharded_state(folder)
    if sharded is not None and sharded[0] > step:
        return *sharded, None
    return (0, None, None) if state is None else (step, path, state)


def _reason(error: BaseException) -> str:
    """What the disk said, which torch may hide behind an error of its own."""
    failures = getattr(error, "failures", {})
    said = next((failure[0] for failure in failures.values()), error)
    said = said if isinstance(said, OSError) else said.__context__
    return getattr(said, "strerror", None) or " ".join(str(error).split())[:200]


def _read(path: Path, device: torch.device) -> dict[str, Any]:
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except Exception as error:
        # Broken bytes make the reader stumble in many ways.
        raise TrainingError(f"{path} cannot be read ({str(error)[:100]}); remove it to begin anew") from error
