"""The log of a run: one JSON object a line, one line a step."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gesso.errors import OutputError
from gesso.train.events import StepDone


class RunLog:
    """Appends the events of a run to a file.

    A run that was cut off is gone on with from its last saved state, so some steps are done twice; the log keeps the
    later of them, and every step once.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_cut = False

    def write(self, event: StepDone) -> None:
        """Append one step. What is not a number becomes null.

        Raises:
            OutputError: The file cannot be written.
        """
        try:
            if not self._is_cut:
                self._cut_before(event.step)
                self._is_cut = True
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(_as_json(asdict(event)), allow_nan=False) + "\n")
        except OSError as error:
            raise OutputError(f"{self._path} cannot be written ({error}); make room, and go on with the run") from error

    def _cut_before(self, step: int) -> None:
        if not self._path.is_file():
            return
        lines = self._path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] < step]
        self._path.write_text("".join(kept), encoding="utf-8")


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
