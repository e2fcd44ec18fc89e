"""Frontiers beside each other: a panel for each figure, a curve for each contender, over what its texts cost.

A contender may be allowed 48 steps and take 12. So a curve runs over the steps that were taken, or over their time.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from gesso.errors import SettingError
from gesso.evals.measure import Report
from gesso.evals.plot import COLUMNS, PANEL_INCHES, check_plots, save_picture

MARKERS = "osD^vP*X<>"
"""A curve is told by its marker too, for those who do not see colours."""


def plot_frontiers(
    reports: Mapping[str, Report],
    figures: Sequence[str],
    file: Path,
    *,
    over: str = "steps",
    label: str = "mean steps of a canvas",
) -> None:
    """Draw the curves of several contenders into a file, whose ending says in which format.

    Args:
        reports: For each contender the report of a frontier, each of whose points has the figure that they run over.
        figures: What is drawn over them, a panel each.
        file: Such as "samplers.svg" or "samplers.png".
        over: The figure that says what a text costs.
        label: That figure in words.

    Raises:
        SettingError: A contender has no such figure.
        OutputError: matplotlib is missing, or the file cannot be written.
    """
    for name, report in reports.items():
        lacking = [one for one in (over, *figures) if any(one not in point.figures for point in report.points)]
        if lacking:
            raise SettingError(
                f"{name} has no figure {lacking[0]!r}; choose from {', '.join(report.points[0].figures)}"
            )
    check_plots(file.parent)
    from matplotlib.figure import Figure

    columns = min(COLUMNS, len(figures))
    rows = -(-len(figures) // columns)
    # The names of the contenders stand in a column of their own.
    width = PANEL_INCHES[0] * (columns + 0.7)
    figure = Figure(figsize=(width, PANEL_INCHES[1] * rows), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for one, panel in zip(figures, panels, strict=False):
        for number, (name, report) in enumerate(reports.items()):
            points = sorted(report.points, key=lambda point: point.figures[over].value)
            panel.errorbar(
                [point.figures[over].value for point in points],
                [point.figures[one].value for point in points],
                yerr=[point.figures[one].standard_error for point in points],
                marker=MARKERS[number % len(MARKERS)],
                markersize=4,
                linewidth=1,
                capsize=2,
                label=name,
            )
        panel.set(title=one, xlabel=label)
        panel.grid(alpha=0.3)
    for panel in panels[len(figures) :]:
        panel.remove()
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper")
    save_picture(figure, file)
