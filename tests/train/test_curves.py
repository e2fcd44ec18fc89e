import json
import math
import sys

import pytest

from gesso.errors import DataError, InputError, OutputError, TrainingError
from gesso.train.curves import draw_curves, read_log, save_curves, trailing_mean
from gesso.train.run_log import RunLog
from tests.train.step_events import event


@pytest.fixture
def log(tmp_path):
    written = RunLog(tmp_path / "log.jsonl")
    for step in range(1, 8):
        written.write(event(step, total=6.0 / step, denoise_by_level=(0.5, math.nan, 2.0, 4.0)))
    return tmp_path / "log.jsonl"


def test_a_log_is_read_as_it_was_written(log):
    events = read_log(log)
    assert [(one.step, one.total) for one in events] == [(step, 6.0 / step) for step in range(1, 8)]
    assert events[0].denoise_by_level[2] == 2.0
    assert math.isnan(events[0].denoise_by_level[1])


def test_of_a_step_that_was_done_again_the_last_line_counts_and_a_torn_line_does_not(log):
    lines = log.read_text().splitlines()
    again = json.dumps(json.loads(lines[3]) | {"total": 9.0})
    log.write_text("\n".join([*lines, again, '{"step": 5, "tot']))
    events = read_log(log)
    assert [one.step for one in events] == list(range(1, 8))
    assert events[3].total == 9.0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense", "line 8 is not JSON; remove the line"),
        ("[1]", "line 8 is not the record of a step"),
        ('{"step": 1}', "line 8 is not the record of a step"),
    ],
)
def test_a_line_that_is_no_step_is_named(log, line, message):
    log.write_text(log.read_text() + line + "\n")
    with pytest.raises(DataError, match=message):
        read_log(log)


@pytest.mark.parametrize(("name", "begins"), [("curves.png", b"\x89PNG"), ("curves.svg", b"<?xml")])
def test_a_log_becomes_a_picture(log, tmp_path, name, begins):
    pytest.importorskip("matplotlib")
    save_curves(log, tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(begins)


def test_every_curve_that_says_something_is_drawn():
    pytest.importorskip("matplotlib")
    figure = draw_curves([event(step, total=6.0 / step, learning_rate=0.1) for step in (1, 2, 3)])
    losses, levels, rate, pace = figure.axes
    assert [line.get_label() for line in losses.lines] == ["total", "encode", "denoise"]
    assert list(losses.lines[0].get_ydata()) == [6.0, 3.0, 2.0]
    assert len(levels.lines) == 4
    assert len(rate.lines) == len(pace.lines) == 1


def test_a_run_without_canvases_is_drawn_without_them():
    pytest.importorskip("matplotlib")
    nothing = {"denoise": math.nan, "denoise_by_level": (math.nan,) * 4}
    losses, levels, _, pace = draw_curves([event(step, **nothing) for step in (1, 2, 3)]).axes
    assert [line.get_label() for line in losses.lines] == ["total", "encode"]
    assert not levels.lines
    assert list(pace.lines[0].get_ydata()) == [2560.0] * 3


def test_the_trailing_mean_is_over_the_numbers_of_the_window():
    nan = math.nan
    assert trailing_mean([1.0, 3.0, nan, 5.0, 7.0], 2) == [1.0, 2.0, 3.0, 5.0, 6.0]
    assert trailing_mean([1.0, 2.0], 1) == [1.0, 2.0]
    assert trailing_mean([1.0, 3.0], 5) == [1.0, 2.0]
    first, second = trailing_mean([nan, 4.0], 1)
    assert math.isnan(first)
    assert second == 4.0


def test_a_picture_that_cannot_be_made_is_refused_by_name(log, tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"picture is curves\.jpg; give it a name that ends with \.png or \.svg"):
        save_curves(log, tmp_path / "curves.jpg")
    (tmp_path / "there.png").touch()
    with pytest.raises(OutputError, match="is there already; choose another name, or allow overwriting"):
        save_curves(log, tmp_path / "there.png")
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(DataError, match="is no file; give the log of a run"):
        save_curves(tmp_path / "none.jsonl", tmp_path / "curves.png")
    with pytest.raises(DataError, match="holds no step"):
        save_curves(tmp_path / "empty.jsonl", tmp_path / "curves.png")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(TrainingError, match=r"matplotlib is not installed; pip install 'gesso\[train\]'"):
        save_curves(log, tmp_path / "there.png", overwrite=True)
