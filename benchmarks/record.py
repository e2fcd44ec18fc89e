"""How every benchmark keeps its figures: with its settings, the machine, the versions and the commit."""

import json
from pathlib import Path
from typing import Any

from gesso.evals.record import origin


def write_record(output: Path, settings: dict[str, Any], results: Any, *, packages: tuple[str, ...] = ()) -> None:
    """Write one JSON record; its folder is made.

    Args:
        output: The file.
        settings: What was measured, so that it can be measured again.
        results: The figures.
        packages: Peers whose versions matter beside those of Gesso, torch and Python.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    record = {"settings": settings, "results": results, **origin(packages)}
    output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
