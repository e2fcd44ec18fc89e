"""The most memory that something takes.

On a GPU it is what torch has given out there; else what the process holds, weights included. Linux can forget an
earlier peak; where that is not to be had, a peak is the most since the process began.
"""

import resource
import sys
from contextlib import suppress
from pathlib import Path

import torch

_STATUS, _FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def forget_peak(device: torch.device) -> None:
    """Begin to look for the peak anew, where the system lets one."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    with suppress(OSError):
        _FORGET.write_text("5", encoding="ascii")


def peak_bytes(device: torch.device) -> int:
    """The most that was held since the peak was forgotten."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if _STATUS.exists():
        return _of_process("VmHWM")
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def held_bytes() -> int:
    """What the process holds now. Only Linux tells it."""
    return _of_process("VmRSS")


def _of_process(field: str) -> int:
    lines = _STATUS.read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) * 1024
