import sys

import pytest

from gesso.errors import OutputError
from gesso.evals.estimate import mean
from gesso.evals.measure import Point, Report
from gesso.evals.plot import check_plots, plot

CURVE = Report(
    name="stories over steps",
    points=tuple(
        Point(figures={"ok": mean([1, 0]), "grammatical": mean([0, 0]), "steps": mean([2]), "right": mean([1])}, at=at)
        for at in (4.0, 8.0)
    ),
    axis="steps",
)


@pytest.mark.parametrize(("ending", "beginning"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_a_curve_is_drawn_in_the_format_of_its_file(ending, beginning, tmp_path):
    file = tmp_path / "new folder" / f"curve.{ending}"
    plot(CURVE, file)
    assert file.read_bytes().startswith(beginning)


def test_every_figure_has_a_panel(tmp_path):
    file = tmp_path / "curve.svg"
    import matplotlib

    with matplotlib.rc_context({"svg.fonttype": "none"}):
        plot(CURVE, file)
    drawn = file.read_text(encoding="utf-8")
    assert drawn.count('id="axes_') == 4
    assert all(name in drawn for name in ("ok", "grammatical", "right", "stories over steps"))


def test_without_matplotlib_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(OutputError, match="a plot needs matplotlib; install it with: pip install matplotlib"):
        plot(CURVE, tmp_path / "curve.svg")


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="choose another folder for the plots"):
        check_plots(tmp_path / "file")
    with pytest.raises(OutputError, match=r"choose a place that ends in \.svg or \.png"):
        plot(CURVE, tmp_path / "curve.story")
