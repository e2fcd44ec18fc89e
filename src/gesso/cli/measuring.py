"""Measurements on the command line: lists in an option, a bar that tells how far they are, and what is left of them."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from gesso.cli.output import open_output
from gesso.errors import SettingError

if TYPE_CHECKING:
    from gesso.evals.measure import ItemsDone

Number = TypeVar("Number", int, float)


def words_of(text: str) -> list[str]:
    """The words of a list with commas between."""
    return [word.strip() for word in text.split(",") if word.strip()]


def numbers_of(text: str, option: str, kind: Callable[[str], Number] = int) -> tuple[Number, ...]:
    """The numbers of a list with commas between.

    Args:
        text: Such as "1,2,4".
        option: What was given so, such as "--steps".
        kind: int for whole numbers, or float.

    Raises:
        SettingError: One is no number or stands there twice, or there is none.
    """
    what = "whole numbers" if kind is int else "numbers"
    remedy = f"{option} is {text!r}; give {what} with commas between, each once, as 1,2,4"
    try:
        numbers = tuple(kind(word) for word in words_of(text))
    except ValueError as error:
        raise SettingError(remedy) from error
    if not numbers or len(set(numbers)) != len(numbers):
        raise SettingError(remedy)
    return numbers


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Progress]:
    """A bar for what is measured, with the time left; nothing where there is no terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        yield bar


def follow_measurement(measurement: "Generator[ItemsDone, None, Any]", name: str, *, quiet: bool) -> Any:
    """Run a measurement to its end, and show meanwhile how far it is.

    Args:
        measurement: As `gesso.bench.turns.Measurement`.
        name: What the bar calls it.
        quiet: Show nothing.

    Returns:
        What the measurement returns.
    """
    with progress_bar(quiet=quiet) as bar:
        task = bar.add_task(name, total=None)
        while True:
            try:
                event = next(measurement)
            except StopIteration as end:
                return end.value
            bar.update(task, completed=event.done, total=event.total)


def leave_record(record: Mapping[str, Any], output: Path | None) -> None:
    """Write a record into a file, or on standard output.

    Raises:
        OutputError: It cannot be written.
    """
    from gesso.evals.record import record_text

    with open_output(output) as stream:
        stream.write(record_text(record))
