import random

import pytest

from gesso.evals.task import Task
from gesso.evals.texts import training_stories
from gesso.evals.world_tasks import CaseTask, MissingMiddle, MissingSentence, Stories, judge_story
from gesso.text.message import Message
from gesso.worlds.check import check_story
from gesso.worlds.tasks import write_case


def first_item(task, seed=1):
    assert isinstance(task, Task)
    return next(task.items(random.Random(seed)))


@pytest.mark.parametrize("kind", ["record", "sum", "sorting", "sudoku4", "question"])
def test_the_answer_of_a_case_is_right_and_another_is_not(kind):
    item, case = first_item(CaseTask(kind=kind)), write_case(random.Random(1), kind, "held_out")
    assert item.prompt == (Message(role="user", content=case.prompt),)
    assert item.judge(case.answer) == {"right": 1}
    assert item.judge("I do not know.") == {"right": 0}


def test_a_conversation_is_asked_with_its_earlier_turns():
    item, case = first_item(CaseTask(kind="conversation")), write_case(random.Random(1), "conversation", "held_out")
    turns = [turn for asked, told in case.earlier for turn in (("user", asked), ("model", told))]
    assert [(turn.role, turn.content) for turn in item.prompt] == [*turns, ("user", case.prompt)]
    assert item.judge(case.answer) == {"right": 1}
    assert item.judge("I do not know.") == {"right": 0}


@pytest.mark.parametrize("kind", ["request", "continuation"])
def test_a_story_of_the_world_passes_in_everything(kind):
    item, case = first_item(Stories(name="stories", kind=kind)), write_case(random.Random(1), kind, "held_out")
    names = ("ok", "grammatical", "complete", "consistent", "sentences", "right")
    assert item.judge(case.response) == {**dict.fromkeys(names, 1), "copied": 0}


def test_a_fault_of_a_story_shows_in_its_verdict_and_in_the_share_of_good_sentences():
    item, case = first_item(Stories(name="a", kind="request")), write_case(random.Random(1), "request", "held_out")
    verdict = item.judge(f"{case.answer} Blue ideas sleep.")
    assert (verdict["ok"], verdict["grammatical"], verdict["right"]) == (0, 0, 0)
    assert 0.8 < verdict["sentences"] < 1
    assert judge_story("")["ok"] == 0


def test_a_story_of_training_is_a_copy():
    item = first_item(Stories(name="stories", kind="request"))
    assert item.judge(training_stories()[7])["copied"] == 1


@pytest.mark.parametrize("task", [MissingSentence(), MissingMiddle()])
def test_what_stood_in_a_hole_fills_it_without_a_fault(task):
    for seed in range(3):
        item = first_item(task, seed)
        whole = find_whole(item, seed)
        hole = whole.removeprefix(item.prompt).removesuffix(item.suffix)
        assert check_story(whole).ok
        assert item.judge(hole) == dict.fromkeys(
            ("ok", "grammatical", "complete", "consistent", "sentences", "same"), 1
        )
        verdict = item.judge(" Blue ideas sleep.")
        assert (verdict["ok"], verdict["same"]) == (0, 0)


def find_whole(item, seed):
    """The story that an item was cut out of: the next held-out one of the same source."""
    from gesso.worlds.stories import write_story

    text = write_story(random.Random(seed), split="held_out").text
    assert text.startswith(item.prompt)
    assert text.endswith(item.suffix)
    return text


def test_the_middle_is_two_fifths_of_the_words_and_its_size_is_told():
    item = first_item(MissingMiddle())
    before, hole, after = (len(text.split()) for text in (item.prompt, item.hole, item.suffix))
    assert hole / (before + hole + after) == pytest.approx(0.4, abs=0.01)
    assert abs(before - after) <= 1


def test_the_size_of_a_missing_sentence_is_not_told():
    assert first_item(MissingSentence()).hole == ""
