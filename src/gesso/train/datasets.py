"""Datasets on disk or on the hub, record by record, each with the place that it came from.

Records are read in the order of the files and never held together, so a dataset may be larger than memory.
"""

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from gesso.errors import DataError, SettingError


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One entry of a dataset.

    Attributes:
        value: Its fields by name.
        origin: Where it stands, for messages: "stories.jsonl, line 12".
        problem: Why it could not be read, and the remedy; then `value` is empty.
    """

    value: Mapping[str, Any]
    origin: str
    problem: str | None = None


RecordSource = Callable[[], Iterator[Record]]
"""Begins to read a dataset from its first record."""


def open_dataset(data: str | Path, *, split: str = "train") -> RecordSource:
    """Find out how a dataset is to be read.

    Args:
        data: A file: `.jsonl` (one JSON object a line), `.txt` (one text), `.parquet`, `.csv`, or one of the first two
            compressed as `.gz`. A folder of such files, read in the order of their names. A folder that the library
            `datasets` saved. Or the hub id of a dataset, which is streamed.
        split: Which part of a saved or published dataset.

    Raises:
        DataError: There is no such dataset, or a file of an unknown kind.
        SettingError: The library `datasets` is needed and not installed.
    """
    path = Path(data).expanduser()
    if path.is_file():
        return _read_files([path])
    if path.is_dir():
        if any((path / name).is_file() for name in ("dataset_info.json", "dataset_dict.json")):
            return _saved_dataset(path, split)
        return _read_files(_files_of(path))
    if isinstance(data, Path) or str(data).count("/") != 1 or str(data).startswith((".", "~", "/")):
        raise DataError(f"there is no file or folder {data}; correct the path")
    return _hub_dataset(str(data), split)


def _files_of(folder: Path) -> list[Path]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not _is_aside(path, folder)]
    if not files:
        raise DataError(f"the folder {folder} holds no data; it needs files that end in {', '.join(_READERS)}")
    return files


def _is_aside(path: Path, folder: Path) -> bool:
    """What a dataset's folder may hold beside its data."""
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return hidden or path.stem.upper() in ("README", "LICENSE", "NOTICE")


def _read_files(paths: list[Path]) -> RecordSource:
    readers = [(_reader(path), path) for path in paths]

    def read() -> Iterator[Record]:
        for reader, path in readers:
            yield from reader(path)

    return read


def _reader(path: Path) -> Callable[[Path], Iterator[Record]]:
    for ending, reader in _READERS.items():
        if path.name.endswith(ending):
            if reader is _rows:
                _import_datasets(path)
            return reader
    raise DataError(f"{path} is of no kind that is known; convert it to one of {', '.join(_READERS)}, or move it away")


def _open(path: Path) -> BufferedIOBase:
    return gzip.GzipFile(path) if path.name.endswith(".gz") else path.open("rb")


def _lines(path: Path) -> Iterator[Record]:
    number = 0
    try:
        with _open(path) as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _parse_line(line, f"{path}, line {number}")
    except (OSError, EOFError) as error:
        yield Record(
            value={}, origin=f"{path}, line {number + 1}", problem=f"it cannot be read ({error}); copy it again"
        )


def _parse_line(line: bytes, origin: str) -> Record:
    try:
        value = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Record(value={}, origin=origin, problem=f"byte {error.start + 1} is not UTF-8; convert the file")
    except json.JSONDecodeError as error:
        return Record(value={}, origin=origin, problem=f"it is not JSON ({error}); correct or remove it")
    if not isinstance(value, dict):
        return Record(value={}, origin=origin, problem=f"it is a JSON {type(value).__name__}; write an object")
    return Record(value=value, origin=origin)


def _text(path: Path) -> Iterator[Record]:
    try:
        with _open(path) as file:
            yield Record(value={"text": file.read().decode("utf-8")}, origin=str(path))
    except UnicodeDecodeError as error:
        yield Record(value={}, origin=str(path), problem=f"byte {error.start + 1} is not UTF-8; convert the file")
    except (OSError, EOFError) as error:
        yield Record(value={}, origin=str(path), problem=f"it cannot be read ({error}); copy it again")


def _rows(path: Path) -> Iterator[Record]:
    datasets = _import_datasets(path)
    rows = datasets.load_dataset(path.suffix[1:], data_files=str(path), split="train", streaming=True)
    yield from _numbered(rows, str(path))


_READERS: dict[str, Callable[[Path], Iterator[Record]]] = {
    ".jsonl": _lines,
    ".jsonl.gz": _lines,
    ".txt": _text,
    ".txt.gz": _text,
    ".parquet": _rows,
    ".csv": _rows,
}


def _saved_dataset(folder: Path, split: str) -> RecordSource:
    datasets = _import_datasets(folder)
    try:
        saved = datasets.load_from_disk(str(folder))
    except Exception as error:  # the library lets errors of several layers through
        raise DataError(f"{folder} cannot be read as a saved dataset ({error}); save it again") from error
    if isinstance(saved, datasets.DatasetDict):
        if split not in saved:
            raise DataError(f"{folder} has no split {split!r}; it has {', '.join(saved)}")
        saved = saved[split]
    return lambda: _numbered(saved, str(folder))


def _hub_dataset(name: str, split: str) -> RecordSource:
    datasets = _import_datasets(name)
    try:
        stream = datasets.load_dataset(name, split=split, streaming=True)
    except Exception as error:  # the library lets errors of several layers through
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise DataError(
            f"there is no file or folder {name}, and the hub gives no dataset of this name and split {split!r} "
            f"({reason}); correct the name, or connect"
        ) from error
    return lambda: _numbered(stream, name)


def _numbered(rows: Any, name: str) -> Iterator[Record]:
    number = 0
    try:
        for number, row in enumerate(rows, start=1):
            # A table has every column in every row; what a row lacks is None there.
            yield Record(value={k: v for k, v in row.items() if v is not None}, origin=f"{name}, row {number}")
    except Exception as error:  # the library lets errors of several layers through
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        yield Record(value={}, origin=f"{name}, row {number + 1}", problem=f"it cannot be read ({reason}); repair it")


def _import_datasets(data: object) -> Any:
    try:
        import datasets
    except ImportError as error:
        raise SettingError(
            f"{data} is read by the library 'datasets', which is not installed; pip install 'gesso[train]'"
        ) from error
    return datasets
