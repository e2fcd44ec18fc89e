"""The folder of a run: whose it is, whether it may be used, and whether the disk has room.

run.json        what the run is: the same words go on with it, others are refused
run_state.pt    weights, moments and step, saved now and then
run_state/      the same, where several processes share the run
data/           the texts, as token ids
log.jsonl       one line a step
curves.png      a picture of it, drawn in the end
tensorboard/    the same for TensorBoard, if it was asked for
model/          the trained model in the published layout
adapter/        or the trained adapter in peft's format
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from gesso.checkpoint.json_file import read_json_object, write_json_object
from gesso.errors import OutputError
from gesso.model.network import Network
from gesso.train.run_state import FILE_NAME as STATE_FILE
from gesso.train.sharded_state import FOLDER_NAME as STATE_FOLDER

_IDENTITY_FILE = "run.json"
_OWN = (
    *(_IDENTITY_FILE, STATE_FILE, f"{STATE_FILE}.unfinished", STATE_FOLDER, "data", "data.unfinished", "log.jsonl"),
    *("curves.png", "tensorboard", "model", "adapter"),
)
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Places in the folder of a run.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def is_marked(self) -> bool:
        """Whether a run is kept here."""
        return (self.path / _IDENTITY_FILE).is_file()

    @property
    def data(self) -> Path:
        """The texts."""
        return self.path / "data"

    @property
    def log(self) -> Path:
        """What each step said."""
        return self.path / "log.jsonl"

    @property
    def curves(self) -> Path:
        """A picture of the log."""
        return self.path / "curves.png"

    @property
    def tensorboard(self) -> Path:
        """The same for TensorBoard."""
        return self.path / "tensorboard"

    @property
    def model(self) -> Path:
        """The trained model."""
        return self.path / "model"

    @property
    def adapter(self) -> Path:
        """The trained adapter."""
        return self.path / "adapter"


def check_run_folder(path: Path, identity: dict[str, str], *, overwrite: bool = False) -> RunFolder:
    """Find out whether a folder may be used for a run: it is new, empty, or this run's own. Changes nothing.

    Args:
        path: The folder.
        identity: What the run is.
        overwrite: Another run may be there, and will be thrown away.

    Raises:
        OutputError: The folder is another run's or holds other files, or cannot be written.
    """
    folder = RunFolder(path.expanduser())
    if folder.path.exists() and not folder.path.is_dir():
        raise OutputError(f"{path} is a file; name a folder")
    place = _existing(folder)
    if not os.access(place, os.W_OK):
        raise OutputError(f"{place} cannot be written: permission denied; choose a place that you may write to")
    if folder.is_marked:
        if not overwrite:
            _check_same(folder, identity)
    elif folder.path.is_dir() and (taken := sorted(file.name for file in folder.path.iterdir())):
        raise OutputError(f"{path} holds {taken[0]} and is no run's; choose a new or empty folder")
    return folder


def clear_run_folder(folder: RunFolder) -> None:
    """Throw away the run that is kept in a folder. Files that are not a run's stay.

    Raises:
        OutputError: The folder cannot be written.
    """
    if not folder.is_marked:
        return
    try:
        for name in _OWN:
            if (folder.path / name).is_dir():
                shutil.rmtree(folder.path / name)
            else:
                (folder.path / name).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{folder.path} cannot be cleared ({error}); choose another folder") from error


def mark_run_folder(folder: RunFolder, identity: dict[str, str]) -> None:
    """Write down whose the folder is. A folder that was marked before stays as it is.

    Raises:
        OutputError: The folder cannot be written.
    """
    if folder.is_marked:
        return
    try:
        write_json_object(folder.path / _IDENTITY_FILE, identity)
    except OSError as error:
        raise OutputError(f"{folder.path} cannot be written ({error}); choose another folder") from error


def check_room(folder: RunFolder, network: Network, *, averaged: bool = False) -> None:
    """Refuse to begin what the disk cannot hold.

    Counted are two states, for the old one stays until the new one is whole, each of weights and two moments for every
    trained one, and of an average where one is kept; and the exported weights.

    Args:
        folder: Where the run is kept.
        network: What is trained.
        averaged: Whether the run keeps an average of the weights.

    Raises:
        OutputError: There is too little room.
    """
    weights = sum(p.nbytes for p in network.parameters())
    beside = (3 if averaged else 2) * sum(p.nbytes for p in network.parameters() if p.requires_grad)
    needed = 2 * (weights + beside) + weights
    states = [folder.path / STATE_FILE, *(folder.path / STATE_FOLDER).rglob("*")]
    held = sum(file.stat().st_size for file in states if file.is_file())
    free = shutil.disk_usage(_existing(folder)).free + held
    if needed > free:
        raise OutputError(
            f"a run in {folder.path} needs {needed / 1e6:,.1f} MB and the disk has {free / 1e6:,.1f} MB left; "
            "make room or choose another disk"
        )


def _existing(folder: RunFolder) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(place for place in (folder.path.absolute(), *folder.path.absolute().parents) if place.exists())


def _check_same(folder: RunFolder, identity: dict[str, str]) -> None:
    held = read_json_object(folder.path / _IDENTITY_FILE)
    for key in sorted(held.keys() | identity.keys()):
        then, now = _shown(held.get(key)), _shown(identity.get(key))
        if held.get(key) != identity.get(key):
            raise OutputError(
                f"{folder.path} holds a run with {key} {then}, and now it is {now}; "
                "the same words go on with it, otherwise choose another folder or --overwrite"
            )


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "..."
