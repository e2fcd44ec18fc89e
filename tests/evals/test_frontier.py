import pytest

from gesso.errors import SettingError
from gesso.evals.frontier import Frontier
from gesso.evals.likelihood import TextLikelihood
from gesso.evals.measure import Measure
from tests.evals.doubles import StepsMeasure, report_of, sample_of


@pytest.mark.parametrize(
    ("axis", "values", "expected"),
    [
        ("steps", (), [4, 8, 16, 32, 48]),
        ("steps", (2, 5), [2, 5]),
        ("temperature", (), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        ("temperature", (0.3,), [0.3]),
    ],
)
def test_a_frontier_sets_one_thing_of_the_sampler_and_leaves_the_rest(axis, values, expected, lm):
    sample = sample_of(2, (0, 1), t_max=0.9, t_min=0.9)
    frontier = Frontier(base=StepsMeasure(), axis=axis, values=values)
    assert isinstance(frontier, Measure)
    report, progress = report_of(frontier, lm, sample)
    other, untouched = ("temperature", 0.9) if axis == "steps" else ("steps", 3)
    assert report.name == f"settings over {axis}"
    assert [point.at for point in report.points] == expected
    assert [point.figures[axis].value for point in report.points] == expected
    assert {point.figures[other].value for point in report.points} == {untouched}
    assert progress[-1].total == 4 * len(expected)


def test_the_steps_that_are_allowed_stand_beside_those_that_were_taken(lm):
    report, _ = report_of(Frontier(base=StepsMeasure(), axis="steps", values=(2, 5)), lm, sample_of())
    curve = report.as_json()["curve"]
    assert [(point["max_steps"], point["steps"]["value"]) for point in curve] == [(2, 2.0), (5, 5.0)]


def test_what_writes_nothing_has_no_frontier():
    with pytest.raises(SettingError, match="nelbo has no frontier over steps"):
        Frontier(base=TextLikelihood(), axis="steps")
    with pytest.raises(SettingError, match="settings over steps has no frontier"):
        Frontier(base=Frontier(base=StepsMeasure(), axis="steps"), axis="temperature")


@pytest.mark.parametrize(
    ("axis", "values", "message"),
    [
        ("steps", (8.0, 4.0), "give them once, ascending"),
        ("temperature", (0.5, 0.5), "give them once, ascending"),
        ("steps", (1.5,), "give whole numbers"),
    ],
)
def test_impossible_places_are_refused(axis, values, message):
    with pytest.raises(SettingError, match=message):
        Frontier(base=StepsMeasure(), axis=axis, values=values)


def test_a_setting_that_the_sampler_refuses_is_refused_before_any_item(lm):
    frontier = Frontier(base=StepsMeasure(), axis="temperature", values=(-1.0, 0.5))
    with pytest.raises(SettingError, match="temperature"):
        next(frontier.measure(lm, sample_of()))
