import pytest

from gesso.errors import SettingError
from gesso.evals.estimate import mean
from gesso.evals.measure import Point, Report
from tests.evals.doubles import sample_of


def test_the_items_of_a_measure_depend_on_its_seed_and_name_alone():
    one, other = sample_of(items=3), sample_of(items=9, seeds=(1, 0), steps=7)
    assert one.rng(0, "stories").random() == other.rng(0, "stories").random()
    assert len({one.rng(seed, name).random() for seed in (0, 1) for name in ("stories", "nelbo")}) == 4


def test_the_total_counts_the_items_of_all_seeds():
    assert sample_of(items=3, seeds=(4, 5)).total == 6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"items": 0}, "the number of items is 0"),
        ({"seeds": ()}, r"the seeds are \[\]"),
        ({"seeds": (1, 2, 1)}, r"the seeds are \[1, 2, 1\]; give at least one, each once"),
    ],
)
def test_an_impossible_sample_is_refused(changes, message):
    with pytest.raises(SettingError, match=message):
        sample_of(**changes)


def test_the_json_of_a_report_is_its_figures_and_of_a_curve_a_list():
    figures = {"ok": mean([1, 0])}
    found = {"value": 0.5, "standard_error": 0.5, "count": 2}
    assert Report(name="a", points=(Point(figures=figures),), example="b").as_json() == {"ok": found, "example": "b"}
    curve = Report(name="a", points=tuple(Point(figures=figures, at=at) for at in (4, 8)), axis="steps")
    assert curve.as_json() == {
        "axis": "steps",
        "curve": [{"steps": 4, "ok": found}, {"steps": 8, "ok": found}],
        "example": "",
    }
