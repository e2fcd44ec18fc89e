"""Curves of a run in TensorBoard."""

import math
from pathlib import Path
from typing import Any

from gesso.errors import SettingError
from gesso.train.events import StepDone

_BY_LEVEL = "denoise_by_level"


class TensorBoard:
    """Writes each number of each step as a curve.

    Args:
        folder: Where TensorBoard finds them.

    Raises:
        SettingError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard.writer import SummaryWriter
        except ImportError as error:
            raise SettingError("TensorBoard is not installed; pip install 'gesso[train]', or leave it out") from error
        self._make_writer = SummaryWriter
        self._folder = folder
        self._writer: Any = None

    def write(self, event: StepDone) -> None:
        """Add one step. Of a run that is gone on with, earlier curves are cut where it goes on."""
        if self._writer is None:
            self._writer = self._make_writer(str(self._folder), purge_step=event.step)
        for name, value in curves(event).items():
            self._writer.add_scalar(name, value, event.step)

    def close(self) -> None:
        """Write what is held back."""
        if self._writer is not None:
            self._writer.close()


def curves(event: StepDone) -> dict[str, float]:
    """The numbers of a step by the names of their curves; what is not a number has no point."""
    points: dict[str, float] = {}
    for name, value in vars(event).items():
        if name == _BY_LEVEL:
            edges = [(i / len(value), (i + 1) / len(value)) for i in range(len(value))]
            points |= {f"loss_by_noise_level/{a:g}-{b:g}": loss for (a, b), loss in zip(edges, value, strict=True)}
        elif isinstance(value, int | float) and name != "step":
            points[name] = value
    return {name: value for name, value in points.items() if math.isfinite(value)}
