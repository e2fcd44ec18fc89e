"""Reports as tables for people."""

from collections.abc import Sequence

from gesso.evals.estimate import Estimate
from gesso.evals.measure import Report


def table(report: Report) -> str:
    """Write a report as plain text: a line for each figure, or for a curve a line for each place on it."""
    if not report.axis:
        figures = report.points[0].figures.items()
        rows = [[name, _words(figure), f"n = {figure.count}"] for name, figure in figures]
        return f"{report.name}\n{aligned(rows)}"
    names = list(dict.fromkeys(name for point in report.points for name in point.figures))
    rows = [[report.axis, *names]]
    for point in report.points:
        figures = point.figures
        rows.append([f"{point.at:g}", *(_words(figures[name]) if name in figures else "" for name in names)])
    return f"{report.name}\n{aligned(rows)}"


def _words(figure: Estimate) -> str:
    """Value and error, to the digits that the error lets one see."""
    digits = 1 if figure.value >= 100 else 2 if figure.value >= 10 else 4
    return f"{figure.value:.{digits}f} +- {figure.standard_error:.{digits}f}"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Write cells one below the other: each column as wide as its widest."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(f"  {line.rstrip()}" for line in lines)
