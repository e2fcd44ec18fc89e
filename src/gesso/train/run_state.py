"""What a training run needs to go on after any interruption: weights, optimizer states, and the step.

Everything random in a run is a function of its seed and the step (`gesso.train.loop`), so nothing else is needed for
the loss curve to continue to the step.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import torch
from torch.optim import Optimizer

from gesso.errors import OutputError, TrainingError
from gesso.model.network import Network

FILE_NAME = "run_state.pt"


def save_run_state(folder: Path, step: int, network: Network, optimizers: Sequence[Optimizer]) -> None:
    """Write the state of a run; a crash in the middle leaves the last whole state in place.

    Args:
        folder: The run's folder, made if need be.
        step: Steps that are done.
        network: Its float32 weights.
        optimizers: Their moments.

    Raises:
        OutputError: The folder cannot be written.
    """
    state = {
        "step": step,
        "network": network.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
    }
    unfinished = folder / f"{FILE_NAME}.unfinished"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(state, unfinished)
        os.replace(unfinished, folder / FILE_NAME)
    except OSError as error:
        raise OutputError(
            f"cannot save the run in {folder}: {error.strerror}; free some space or choose another"
        ) from error


def load_run_state(folder: Path, network: Network, optimizers: Sequence[Optimizer]) -> int:
    """Put a saved state back. Mutates network and optimizers.

    Returns:
        Steps that are done; 0 if the folder holds no state.

    Raises:
        TrainingError: The state is of another network or of other optimizers.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return 0
    state = torch.load(path, map_location=network.device, weights_only=True)
    try:
        network.load_state_dict(state["network"])
        for optimizer, held in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(held)
    except (RuntimeError, ValueError, KeyError) as error:
        raise TrainingError(
            f"{path} is the state of another network; choose another folder or the same shape ({str(error)[:200]})"
        ) from error
    return int(state["step"])
