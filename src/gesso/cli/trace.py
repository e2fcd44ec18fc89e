"""The file that `gesso generate --trace` writes: a replay that any browser opens, or its trace as JSON."""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from gesso.cli.output import check_writable, open_output
from gesso.errors import SettingError

REPLAY, TRACE = ".html", ".json"

_PLACE = '<script type="application/json" id="trace">TRACE</script>'


def check_trace_path(path: Path | None, *, text_path: Path | None) -> None:
    """Refuse a file that the trace cannot be written into, before any work is done for it.

    Args:
        path: Where the trace goes.
        text_path: Where the text goes.

    Raises:
        SettingError: Its name does not say what it shall be, or the text goes there.
        OutputError: It cannot be written.
    """
    if path is not None and path.suffix not in (REPLAY, TRACE):
        raise SettingError(
            f"the trace shall go into {path}; end its name with {REPLAY} for a replay, or {TRACE} for the data alone"
        )
    if path is not None and path == text_path:
        raise SettingError(f"{path} is named for the text and for the trace; give each a file of its own")
    check_writable(path)


def write_trace(path: Path, trace: Mapping[str, Any]) -> None:
    """Write a trace, as a page that replays it or as JSON, by the end of the file's name.

    Raises:
        OutputError: The file cannot be written.
    """
    with open_output(path) as stream:
        stream.write(replay_page(trace) if path.suffix == REPLAY else as_ascii(trace) + "\n")


def replay_page(trace: Mapping[str, Any]) -> str:
    """One HTML file that needs nothing else: the replay of `server/page/`, with the trace in it as data.

    No text of a trace can end the element that it stands in, for it has no "<".
    """
    page = files("gesso.server").joinpath("page", "replay.html").read_text(encoding="utf-8")
    before, after = page.split(_PLACE)
    data = as_ascii(trace).replace("<", "\\u003c")
    return before + _PLACE.replace("TRACE", data) + after


def as_ascii(value: Mapping[str, Any]) -> str:
    """Write one JSON object in ASCII, without spaces."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
