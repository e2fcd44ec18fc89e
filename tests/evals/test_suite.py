import random

import pytest

from gesso.errors import DataError, SettingError
from gesso.evals.measure import Measure
from gesso.evals.suite import OWN_TASKS, USUAL, all_measures, choose
from gesso.worlds.stories import World, write_story
from gesso.worlds.tasks import KINDS


def test_every_name_is_that_of_its_measure():
    measures = all_measures()
    assert all(isinstance(measure, Measure) and measure.name == name for name, measure in measures.items())
    assert set(USUAL) <= set(measures)


def test_every_kind_of_case_has_a_task():
    assert set(OWN_TASKS) <= set(KINDS)
    assert set(KINDS) - set(OWN_TASKS) <= set(all_measures())


def test_measures_are_chosen_by_name_in_order():
    measures = all_measures()
    assert [one.name for one in choose(measures, ["nelbo", "sum"])] == ["nelbo", "sum"]
    assert [one.name for one in choose(measures, ["usual"])] == list(USUAL)
    assert [one.name for one in choose(measures, ["all"])] == list(measures)
    over = choose(measures, ["sum", "samples"], ["steps", "temperature"])
    assert [one.name for one in over] == [
        "sum over steps",
        "sum over temperature",
        "samples over steps",
        "samples over temperature",
    ]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["sums"], "no task is called 'sums'; choose from usual, all, stories"),
        ([], "the tasks are none"),
        (["sum", "nelbo", "sum"], "the tasks are sum, nelbo, sum; name at least one, each once"),
        (["usual", "nelbo"], "each once"),
    ],
)
def test_an_impossible_choice_is_refused(names, message):
    with pytest.raises(SettingError, match=message):
        choose(all_measures(), names)


def test_all_stories_are_of_the_world_that_is_given():
    small = World(phrasings=1)
    measures, told = all_measures(world=small), write_story(random.Random(0), split="held_out", world=small).text
    assert measures["nelbo"].texts(random.Random(0), 1) == measures["repair"].texts(random.Random(0), 1) == [told]
    assert told.startswith(next(measures["middle"].task.items(random.Random(0))).prompt)
    assert {one.task.world for one in measures.values() if hasattr(one, "task")} == {small}


def test_likelihood_has_no_frontier():
    with pytest.raises(SettingError, match="nelbo has no frontier over steps"):
        choose(all_measures(), ["nelbo"], ["steps"])


def test_files_take_the_place_of_stories(tmp_path):
    file = tmp_path / "texts.txt"
    file.write_text("One text.\n\nAnother.")
    measures = all_measures(texts=file, references=file)
    assert measures["samples"].references() == ("One text.", "Another.")
    assert sorted(measures["nelbo"].texts(random.Random(0), 2)) == ["Another.", "One text."]
    with pytest.raises(DataError, match="cannot be read"):
        all_measures(texts=tmp_path / "missing.txt")
