import matplotlib
import pytest

from gesso.errors import OutputError, SettingError
from gesso.evals.estimate import mean
from gesso.evals.frontier_plot import plot_frontiers
from gesso.evals.measure import Point, Report


def report(*steps):
    points = [Point(figures={"steps": mean([count]), "ok": mean([1, 0]), "right": mean([1])}, at=8) for count in steps]
    return Report(name="stories over steps", points=tuple(points), axis="steps")


REPORTS = {"slow": report(8, 30), "quick": report(3, 5)}


def test_every_figure_has_a_panel_and_every_contender_a_name(tmp_path):
    file = tmp_path / "new folder" / "samplers.svg"
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        plot_frontiers(REPORTS, ("ok", "right"), file)
    drawn = file.read_text(encoding="utf-8")
    assert drawn.count('id="axes_') == 2
    assert all(word in drawn for word in ("ok", "right", "slow", "quick", "mean steps of a canvas"))


def test_a_figure_that_is_not_there_is_named_with_those_that_are(tmp_path):
    with pytest.raises(SettingError, match="slow has no figure 'beauty'; choose from steps, ok, right"):
        plot_frontiers(REPORTS, ("ok", "beauty"), tmp_path / "samplers.svg")


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(OutputError, match=r"choose a place that ends in \.svg or \.png"):
        plot_frontiers(REPORTS, ("ok",), tmp_path / "samplers.story")


def test_curves_may_run_over_another_cost(tmp_path):
    file = tmp_path / "right.svg"
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        plot_frontiers(REPORTS, ("ok",), file, over="right", label="what it costs")
    assert "what it costs" in file.read_text(encoding="utf-8")
    with pytest.raises(SettingError, match="slow has no figure 'seconds'"):
        plot_frontiers(REPORTS, ("ok",), file, over="seconds", label="seconds")
