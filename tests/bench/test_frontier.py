import itertools

import pytest

from gesso.bench.frontier import COSTS, QUALITIES, all_ways, as_reports, measure_frontier
from gesso.errors import SettingError
from tests.bench.measured import measured


def test_ways_are_all_modes_by_all_steps_but_for_the_mode_without():
    ways = all_ways(("diffusion", "autoregressive"), (2, 4), (1, 3))
    assert [way.name for way in ways] == [
        "diffusion, 2 steps",
        "diffusion, 4 steps",
        "diffusion, 2 steps, best of 3",
        "diffusion, 4 steps, best of 3",
        "autoregressive",
        "autoregressive, best of 3",
    ]


def test_every_way_writes_the_same_stories_and_has_figures_with_errors(lm):
    ticks = itertools.count()
    ways = all_ways(("diffusion", "autoregressive"), (1, 2))
    events, rows = measured(measure_frontier(lm, ways, items=2, clock=lambda: float(next(ticks))))
    assert (events[-1].done, events[-1].total) == (6, 6)
    assert [row["way"] for row in rows] == [way.name for way in ways]
    for row in rows:
        assert {row[name].count for name in (*QUALITIES, *COSTS)} == {2}
        assert row["seconds"].value == 1
    assert rows[0]["steps"].value == 1
    assert rows[0]["passes"].value == 2 * -(-lm.max_new_tokens // lm.network.config.canvas_length)


def test_curves_run_over_the_steps_of_a_mode(lm):
    ways = all_ways(("diffusion", "autoregressive"), (1, 2))
    rows = measured(measure_frontier(lm, ways, items=1))[1]
    reports = as_reports(ways, rows)
    assert {name: [point.at for point in report.points] for name, report in reports.items()} == {
        "diffusion": [1, 2],
        "autoregressive": [None],
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (((), (1,)), "the modes are"),
        ((("diffusion",), (4, 4)), "each once"),
        ((("diffusion",), (0,)), "give numbers from 1 up"),
        ((("diffusion",), (1,), (0,)), "give numbers from 1 up"),
    ],
)
def test_ways_that_cannot_be_are_refused(words, said):
    with pytest.raises(SettingError, match=said):
        all_ways(*words)


def test_no_stories_are_refused(lm):
    with pytest.raises(SettingError, match="the number of stories is 0"):
        next(measure_frontier(lm, all_ways(("diffusion",), (1,)), items=0))
