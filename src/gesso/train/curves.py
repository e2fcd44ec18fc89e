"""A picture of a run: its losses, its learning rate and its pace over the steps."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import numpy as np

from gesso.errors import DataError, InputError, OutputError, TrainingError
from gesso.train.events import StepDone

FORMATS = (".png", ".svg")
"""Kinds of pictures, by the ending of their names."""

QUARTERS = ("0 to 1/4", "1/4 to 1/2", "1/2 to 3/4", "3/4 to 1")
"""The noise levels that `StepDone.denoise_by_level` tells apart."""


def save_curves(log: Path, picture: Path, *, overwrite: bool = False) -> None:
    """Draw the curves of a run's log.

    Args:
        log: A run's log.jsonl.
        picture: Where to; its ending, .png or .svg, says what it is.
        overwrite: Replace a picture that is there.

    Raises:
        InputError: The picture's ending is another.
        DataError: The log cannot be read, or holds no step.
        OutputError: The picture is there already, or cannot be written.
        TrainingError: The package matplotlib is not installed.
    """
    if picture.suffix not in FORMATS:
        raise InputError(f"the picture is {picture.name}; give it a name that ends with {' or '.join(FORMATS)}")
    if picture.exists() and not overwrite:
        raise OutputError(f"{picture} is there already; choose another name, or allow overwriting")
    events = read_log(log)
    if not events:
        raise DataError(f"{log} holds no step; train at least one")
    figure = draw_curves(events)
    try:
        figure.savefig(picture)
    except OSError as error:
        raise OutputError(f"cannot write {picture}: {error.strerror}; choose another place") from error


def read_log(path: Path) -> list[StepDone]:
    """The steps of a log in order, each as it was recorded last; a last line that is torn is left out.

    Args:
        path: A file with one JSON object a line, one line a step, such as `RunLog` writes. Null means NaN.

    Raises:
        DataError: There is no such file, or a line is not the record of a step.
    """
    if not path.is_file():
        raise DataError(f"{path} is no file; give the log of a run")
    whole_lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    events = [_event(line, f"{path}, line {number}") for number, line in enumerate(whole_lines, 1)]
    last = {event.step: event for event in events}
    return [last[step] for step in sorted(last)]


def _event(line: str, place: str) -> StepDone:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise DataError(f"{place} is not JSON; remove the line, or give the log of a run") from error
    needed = {one.name for one in fields(StepDone) if one.default is MISSING}
    known = {one.name for one in fields(StepDone)}
    if not isinstance(record, dict) or not needed <= record.keys() <= known:
        raise DataError(f"{place} is not the record of a step; give the log of a run")
    return StepDone(**{name: _with_nan(value) for name, value in record.items()})


def _with_nan(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_with_nan(one) for one in value)
    return math.nan if value is None else value


def draw_curves(events: Sequence[StepDone]) -> Any:
    """Draw the curves of a run, each the mean over the last fiftieth of it.

    Args:
        events: The steps, at least one.

    Returns:
        A matplotlib Figure of four panels.

    Raises:
        TrainingError: The package matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise TrainingError("matplotlib is not installed; pip install 'gesso[train]' to draw curves") from error
    figure = Figure(figsize=(11, 7), layout="constrained")
    (losses, levels), (rate, pace) = figure.subplots(2, 2, sharex=True)
    steps = [event.step for event in events]
    width = max(1, len(events) // 50)
    parts = {name: [getattr(event, name) for event in events] for name in ("total", "encode", "denoise")}
    quarters = {
        f"noise level {quarter}": [event.denoise_by_level[i] for event in events] for i, quarter in enumerate(QUARTERS)
    }
    paces = [event.canvas_tokens / event.seconds for event in events]
    _panel(losses, "loss, nats a token", steps, parts, width)
    _panel(levels, "denoiser's loss, nats a token", steps, quarters, width)
    _panel(rate, "learning rate", steps, {"": [event.learning_rate for event in events]}, 1)
    _panel(pace, "canvas tokens a second", steps, {"": paces}, width)
    for panel in (rate, pace):
        panel.set_xlabel("step")
        panel.set_ylim(bottom=0)
    return figure


def _panel(panel: Any, title: str, steps: list[int], curves: Mapping[str, list[float]], width: int) -> None:
    panel.set_title(title)
    panel.grid(alpha=0.3)
    for name, values in curves.items():
        # A curve that says nothing, such as the denoiser's of a left-to-right run, would only fill the legend.
        if not np.isnan(values).all():
            panel.plot(steps, trailing_mean(values, width), label=name, linewidth=1.2)
    if any(line.get_label()[:1] not in ("", "_") for line in panel.lines):
        panel.legend(loc="upper right")


def trailing_mean(values: Sequence[float], width: int) -> list[float]:
    """The mean of each value and the `width - 1` before it, as far as they are numbers; NaN where none is."""
    held = np.asarray(values, dtype=np.float64)
    is_number = ~np.isnan(held)
    window = np.ones(width)
    sums = np.convolve(np.where(is_number, held, 0.0), window)[: len(held)]
    counts = np.rint(np.convolve(is_number.astype(np.float64), window)[: len(held)])
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan).tolist()
