"""What leaves a command: text and JSON on standard output or in a file, remarks on standard error."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from gesso.errors import OutputError

INTERRUPTED = 130
"""Exit status after Ctrl-C."""


@runtime_checkable
class TextStream(Protocol):
    """Where text can be written: a file, a pipe, a terminal."""

    def write(self, text: str, /) -> object:
        """Take text."""
        ...

    def flush(self) -> object:
        """Pass on what was taken."""
        ...

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        ...


def remark(text: str) -> None:
    """Say one line on standard error, as it is: no markup, and line breaks made spaces."""
    line = " ".join(text.splitlines())
    print(f"gesso: {line}", file=sys.stderr, flush=True)


def check_writable(path: Path | None) -> None:
    """Refuse a file that cannot be written, before any work is done for it.

    Raises:
        OutputError: The path is a folder, its folder is missing, or one may not write there.
    """
    if path is None:
        return
    if path.is_dir():
        raise OutputError(f"{path} is a folder; name a file in it")
    folder = path.parent
    if not folder.is_dir():
        raise OutputError(f"{path} cannot be written: the folder {folder} does not exist; make it, or choose another")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise OutputError(f"{path} cannot be written: permission denied; choose a place that you may write to")


@contextmanager
def open_output(path: Path | None) -> Iterator[TextStream]:
    """Open the file for writing, or give standard output. What is written before an error stays.

    Raises:
        OutputError: The file cannot be opened or written.
    """
    name = "standard output" if path is None else str(path)
    try:
        if path is None:
            yield sys.stdout
            sys.stdout.flush()
        else:
            with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
                yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"{name} cannot be written ({error.strerror or error}); choose another place") from error


def write_line(text: str) -> None:
    """Write one line on standard output.

    Raises:
        OutputError: It cannot be written.
    """
    with open_output(None) as stream:
        stream.write(text + "\n")


def as_size(size_bytes: int) -> str:
    """A size in the unit that suits it, powers of 1000."""
    value, unit = float(size_bytes), "bytes"
    for larger in ("kB", "MB", "GB"):
        if value >= 1000:
            value, unit = value / 1000, larger
    return f"{value:.3g} {unit}"


def as_json(value: Mapping[str, Any]) -> str:
    """Write one JSON object in one line, its characters as they are."""
    return json.dumps(value, ensure_ascii=False)
