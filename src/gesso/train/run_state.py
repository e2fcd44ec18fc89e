"""What a training run needs to go on after any interruption: weights, optimizer states, averages, and the step.

Everything random in a run is a function of its seed and the step (`gesso.train.loop`), so nothing else is needed for
the loss curve to continue to the step.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch.optim import Optimizer

from gesso.errors import OutputError, TrainingError
from gesso.model.network import Network
from gesso.train.average import WeightAverage, use_average

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

        Raises:
            OutputError: The folder cannot be written.
        """
        state = {
            "step": step,
            "network": self.network.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "average": None if self.average is None else self.average.weights,
            "must_not_change": self.must_not_change,
        }
        unfinished = self.folder / f"{FILE_NAME}.unfinished"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                torch.save(state, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, self.folder / FILE_NAME)
        except (OSError, RuntimeError) as error:
            # torch.save may hide what the disk said behind an error of its own.
            said = error if isinstance(error, OSError) else error.__context__
            reason = getattr(said, "strerror", None) or str(error)
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise OutputError(
                f"cannot save the run in {self.folder}: {reason}; free some space or choose another"
            ) from error

    def load(self) -> int:
        """Put a saved state back. Mutates network, optimizers and average.

        Returns:
            Steps that are done; 0 if the folder holds no state.

        Raises:
            TrainingError: The state is of another network, of other settings or of other optimizers.
        """
        path = self.folder / FILE_NAME
        if not path.exists():
            return 0
        state = _read(path, self.network.device)
        for name, was in state.get("must_not_change", {}).items():
            now = self.must_not_change.get(name, was)
            if now != was:
                raise TrainingError(
                    f"{path} is the state of a run with {name} {was}, and this one has {now}; "
                    "choose another folder, or the same value"
                )
        try:
            self.network.load_state_dict(state["network"])
            for optimizer, held in zip(self.optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(held)
            if self.average is not None:
                self.average.restore(state.get("average") or state["network"])
        except (RuntimeError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())[:200]
            raise TrainingError(
                f"{path} is the state of another network; choose another folder or the same shape ({reason})"
            ) from error
        return int(state["step"])


def load_average(folder: Path, network: Network) -> None:
    """Replace a network's weights by the averaged ones of a saved state. Mutates the network.

    Raises:
        TrainingError: There is no state, it keeps no average, or it is of another network.
    """
    path = folder / FILE_NAME
    if not path.exists():
        raise TrainingError(f"{folder} holds no {FILE_NAME}; give the folder of a run")
    average = _read(path, network.device).get("average")
    if average is None:
        raise TrainingError(f"{path} keeps no averaged weights; train with TrainSettings(ema=...)")
    try:
        use_average(network, average)
    except (RuntimeError, KeyError) as error:
        raise TrainingError(f"{path} is the state of another network; choose another folder ({error})") from error


def _read(path: Path, device: torch.device) -> dict[str, Any]:
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except Exception as error:
        # Broken bytes make the reader stumble in many ways.
        raise TrainingError(f"{path} cannot be read ({str(error)[:100]}); remove it to begin anew") from error
