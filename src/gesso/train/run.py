"""A training run as a value: what it begins with, what it learns from, and how."""

from dataclasses import dataclass
from pathlib import Path

from gesso.errors import SettingError
from gesso.train.datasets import RecordSource
from gesso.train.lora import Lora
from gesso.train.settings import TrainSettings
from gesso.train.start import FromScratch, Start

DEFAULT_MAX_LENGTH = 1024
"""Longest text in tokens where a run names none; a model's context may be shorter."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything about a run but the folder that it is kept in.

    Attributes:
        start: Random weights, or a model's.
        data: A dataset as `gesso.train.datasets.open_dataset` takes it, or a function that yields its records.
        settings: How the loop trains.
        lora: Train an adapter instead of the weights.
        texts_per_batch: R, texts that are encoded in a step.
        canvases_per_text: Noise draws against each of them.
        max_length: Longest text in tokens; None for 1,024, or the model's context if that is shorter.
        split: Which part of a saved or published dataset.
        sample_prompts: What is gone on from to show how the run does.
    """

    start: Start
    data: str | Path | RecordSource
    settings: TrainSettings
    lora: Lora | None = None
    texts_per_batch: int = 8
    canvases_per_text: int = 2
    max_length: int | None = None
    split: str = "train"
    sample_prompts: tuple[str, ...] = ("Once upon a time",)

    def __post_init__(self) -> None:
        for name in ("texts_per_batch", "canvases_per_text"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} is {getattr(self, name)}; give at least 1")
        if self.lora is not None and isinstance(self.start, FromScratch):
            raise SettingError("an adapter of random weights is of no use; train them whole, or adapt a model")

    def identity(self) -> dict[str, str]:
        """What must be the same for the run to be gone on with, in words."""
        own = {name: repr(getattr(self, name)) for name in ("start", "lora", "texts_per_batch", "canvases_per_text")}
        data = getattr(self.data, "__qualname__", None) or f"{self.data}, {_size_bytes(self.data):,} bytes"
        settings = self.settings.that_must_not_change()
        return own | settings | {"data": data, "max_length": repr(self.max_length), "split": self.split}


def _size_bytes(data: object) -> int:
    """Size of a file or folder; 0 for what is elsewhere."""
    if not isinstance(data, str | Path):
        return 0
    path = Path(data).expanduser()
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())
