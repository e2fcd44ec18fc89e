"""Pictures of figures: a panel for each, a bar for each contender, a line from the least to the most repeat."""

from collections.abc import Mapping
from pathlib import Path

from gesso.bench.summary import Summary
from gesso.evals.plot import COLUMNS, PANEL_INCHES, check_plots, save_picture

BAR_INCHES, LETTER_INCHES = 0.35, 0.08
"""Height that a bar and the gap beside it take, and width of a letter of its name."""


def draw_bars(panels: Mapping[str, Mapping[str, Summary | float]], file: Path) -> None:
    """Draw figures into a file, whose ending says in which format.

    Args:
        panels: By the title of each panel, its figures by the names of the contenders, the topmost first.
        file: Such as "latency.svg" or "latency.png".

    Raises:
        OutputError: matplotlib is missing, or the file cannot be written.
    """
    check_plots(file.parent)
    from matplotlib.figure import Figure

    columns = min(COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    height = 1 + BAR_INCHES * max(len(bars) for bars in panels.values())
    width = PANEL_INCHES[0] + LETTER_INCHES * max(len(name) for bars in panels.values() for name in bars)
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for (title, bars), panel in zip(panels.items(), axes, strict=False):
        medians = [bar.median if isinstance(bar, Summary) else bar for bar in bars.values()]
        below, above = zip(*map(_reach, bars.values()), strict=True)
        panel.barh(list(bars), medians, xerr=(below, above), capsize=2)
        panel.invert_yaxis()
        panel.set(title=title)
        panel.grid(axis="x", alpha=0.3)
    for panel in axes[len(panels) :]:
        panel.remove()
    save_picture(figure, file)


def _reach(bar: Summary | float) -> tuple[float, float]:
    """How far the repeats lie below and above the median."""
    return (bar.median - bar.least, bar.most - bar.median) if isinstance(bar, Summary) else (0.0, 0.0)
