"""What a command of `gesso bench` leaves: a record on standard output or in a file, a table on standard error."""

import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gesso.cli.measuring import leave_record
from gesso.cli.output import check_writable

if TYPE_CHECKING:
    from gesso.bench.summary import Row

CAPTION = "median of the repeats, and how far from it half of them lie"


def check_places(output: Path | None, picture: Path | None) -> None:
    """Refuse what would make record or picture fail, before anything is measured.

    Raises:
        OutputError: The file cannot be written, or matplotlib is missing.
    """
    check_writable(output)
    if picture is not None:
        from gesso.evals.plot import check_plots

        check_writable(picture)
        check_plots(picture.parent)


def leave_report(
    rows: "Sequence[Row]",
    columns: Mapping[str, str],
    *,
    settings: Mapping[str, Any],
    output: Path | None,
    quiet: bool,
    packages: Sequence[str] = (),
    caption: str = CAPTION,
) -> None:
    """Write the record and print the table.

    Args:
        rows: The figures.
        columns: Which of them the table shows, and what it calls them.
        settings: What was measured.
        output: File of the record; None for standard output.
        quiet: No table.
        packages: Peers whose versions matter.
        caption: What stands below the table.

    Raises:
        OutputError: The record cannot be written.
    """
    from gesso.bench.summary import row_as_json
    from gesso.evals.record import record_of
    from gesso.evals.table import aligned

    if not quiet:
        cells = [list(columns.values()), *([_cell(row.get(name)) for name in columns] for row in rows)]
        print(f"{aligned(cells)}\n  {caption}", file=sys.stderr, flush=True)
    leave_record(record_of(settings, [row_as_json(row) for row in rows], packages=packages), output)


def _cell(value: Any) -> str:
    """A figure in a few characters."""
    from gesso.bench.summary import Summary
    from gesso.evals.estimate import Estimate

    if isinstance(value, Summary):
        return _with_error(value.median, value.spread)
    if isinstance(value, Estimate):
        return _with_error(value.value, value.standard_error)
    if isinstance(value, float):
        return f"{value:.3g}"
    return "" if value is None else str(value)


def _with_error(value: float, error: float) -> str:
    """Three digits of a figure, and of its error those in the same places."""
    places = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 2
    return f"{value:.{places}f} +- {error:.{places}f}"
