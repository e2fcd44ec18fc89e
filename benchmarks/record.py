"""How every benchmark keeps its figures: with its settings, the machine, the versions and the commit."""

import json
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch


def write_record(output: Path, settings: dict[str, Any], results: Any, *, packages: tuple[str, ...] = ()) -> None:
    """Write one JSON record; its folder is made.

    Args:
        output: The file.
        settings: What was measured, so that it can be measured again.
        results: The figures.
        packages: Peers whose versions matter beside those of Gesso, torch and Python.
    """
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=True)
    record = {
        "date": datetime.now(UTC).date().isoformat(),
        "settings": settings,
        "results": results,
        "machine": {
            "platform": platform.platform(),
            "cpu": _cpu_name(),
            "capability": torch.backends.cpu.get_cpu_capability(),
            "threads": torch.get_num_threads(),
        },
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("gesso", "torch", *packages)},
        },
        "commit": commit.stdout.strip(),
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
