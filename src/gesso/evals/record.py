"""How every figure is kept: with what was measured, the machine, the versions and the commit."""

import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import gesso


def record_of(settings: Mapping[str, Any], results: Any, *, packages: Sequence[str] = ()) -> dict[str, Any]:
    """Put figures beside all that one needs to take them again.

    Args:
        settings: What was measured.
        results: The figures.
        packages: As in `origin`.
    """
    return {"settings": dict(settings), "results": results, **origin(packages)}


def record_text(record: Mapping[str, Any]) -> str:
    """A record as it stands in a file."""
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def write_record(output: Path, settings: Mapping[str, Any], results: Any, *, packages: Sequence[str] = ()) -> None:
    """Write a record into a file, whose folder is made; see `record_of`."""
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(record_text(record_of(settings, results, packages=packages)), encoding="utf-8")


def origin(packages: Sequence[str] = ()) -> dict[str, Any]:
    """Describe this run: date, machine, versions, commit.

    Args:
        packages: Peers whose versions matter beside those of Gesso, torch and Python.

    Returns:
        An object for JSON. The commit is None where Gesso does not run from a checkout of its own.
    """
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": {
            "platform": platform.platform(),
            "cpu": _cpu_name(),
            "capability": torch.backends.cpu.get_cpu_capability(),
            "threads": torch.get_num_threads(),
            "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        },
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("gesso", "torch", *packages)},
        },
        "commit": _commit(Path(gesso.__file__).parent),
    }


def _commit(package: Path) -> str | None:
    """The commit of the checkout that a package is tracked in, with "-dirty" if something has changed since."""
    try:
        # A package that is installed into an environment may lie in somebody else's checkout, untracked.
        _git(package, "ls-files", "--error-unmatch", "__init__.py")
        return _git(package, "describe", "--always", "--dirty", "--abbrev=12")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
