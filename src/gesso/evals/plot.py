"""Pictures of curves: one panel for each figure, error bars of one standard error."""

from pathlib import Path
from typing import TYPE_CHECKING

from gesso.errors import OutputError
from gesso.evals.measure import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANEL_INCHES = (4.0, 3.0)
COLUMNS = 3


def check_plots(folder: Path) -> None:
    """Refuse what would make `plot` fail, before any work is done for it.

    Raises:
        OutputError: matplotlib is missing, or the folder cannot be made.
    """
    try:
        import matplotlib.figure  # noqa: F401, whether it is there is the question
    except ImportError as error:
        raise OutputError("a plot needs matplotlib; install it with: pip install matplotlib") from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made ({error.strerror}); choose another folder for the plots") from error


def plot(report: Report, file: Path) -> None:
    """Draw the curve of a report into a file, whose ending says in which format.

    Args:
        report: A report with an axis.
        file: Such as "stories.svg" or "stories.png".

    Raises:
        OutputError: matplotlib is missing, or the file cannot be written.
    """
    check_plots(file.parent)
    from matplotlib.figure import Figure

    names = list(report.points[0].figures)
    columns = min(COLUMNS, len(names))
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(PANEL_INCHES[0] * columns, PANEL_INCHES[1] * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).flat
    for name, panel in zip(names, panels, strict=False):
        points = [(point.at, point.figures[name]) for point in report.points if name in point.figures]
        panel.errorbar(
            [place for place, _ in points],
            [estimate.value for _, estimate in points],
            yerr=[estimate.standard_error for _, estimate in points],
            marker="o",
            capsize=3,
        )
        panel.set(title=name, xlabel=report.axis)
        panel.grid(alpha=0.3)
    for panel in list(panels):
        panel.remove()
    figure.suptitle(report.name)
    save_picture(figure, file)


def save_picture(figure: "Figure", file: Path) -> None:
    """Write a figure of matplotlib into a file, whose ending says in which format.

    Raises:
        OutputError: The file cannot be written, or there is no such format.
    """
    try:
        figure.savefig(file)
    except (OSError, ValueError) as error:
        raise OutputError(f"{file} cannot be written ({error}); choose a place that ends in .svg or .png") from error
