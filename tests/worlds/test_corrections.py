import random
import re

import pytest

from gesso.worlds.check import check_story
from gesso.worlds.corrections import MOST_WRONG_WORDS, is_right, write_case
from gesso.worlds.lexicon import CHARACTER_OF, CHILDREN
from gesso.worlds.stories import World


def given_text(case):
    return case.prompt.split("\n")[1]


def wrong_places(case):
    given, right = given_text(case).split(" "), case.answer.split(" ")
    return [place for place, (a, b) in enumerate(zip(given, right, strict=True)) if a != b]


@pytest.fixture(scope="module")
def cases():
    rng = random.Random(0)
    return [write_case(rng) for _ in range(25)]


def test_the_answer_is_a_story_and_right(cases):
    for case in cases:
        assert check_story(case.answer).ok
        assert is_right(case, case.answer)


def test_one_to_four_words_are_wrong_and_each_of_them_spoils_the_story_by_itself(cases):
    assert {len(wrong_places(case)) for case in cases} == set(range(1, MOST_WRONG_WORDS + 1))
    for case in cases:
        given, right = given_text(case).split(" "), case.answer.split(" ")
        for place in wrong_places(case):
            assert not check_story(" ".join([*right[:place], given[place], *right[place + 1 :]])).ok


def test_wrong_words_disagree_or_make_no_sentence(cases):
    reports = [check_story(given_text(case)) for case in cases]
    assert sum(not report.consistent for report in reports) > 5
    assert sum(not report.grammatical for report in reports) > 5


def test_a_story_left_as_it_was_or_mended_by_half_is_wrong(cases):
    for case in cases:
        assert not is_right(case, given_text(case))
        for place in wrong_places(case)[1:]:
            right = case.answer.split(" ")
            right[place] = given_text(case).split(" ")[place]
            assert not is_right(case, " ".join(right))


def test_another_story_without_a_fault_mends_nothing(cases):
    assert not is_right(cases[0], cases[1].answer)


def test_the_same_story_of_another_hero_is_faultless_but_changes_too_much(cases):
    heroes = [CHARACTER_OF[check_story(case.answer).told[0].facts["hero"]] for case in cases]
    for case, hero in zip(cases, heroes, strict=True):
        if not hero.is_animal:
            other = next(one for one in CHILDREN if one.kind == hero.kind and one.name not in case.answer)
            text = re.sub(rf"\b{hero.name}\b", other.name, case.answer)
            assert check_story(text).ok
            assert not is_right(case, text)


def test_a_correction_is_told_of_the_world_that_was_asked_for():
    world = World(phrasings=1)
    story = write_case(random.Random(1), world=world).answer
    second_ways = [way for plot in world.plots for beat in plot.beats for way in beat.phrasings[1:] if "{" not in way]
    assert second_ways
    assert not [way for way in second_ways if way in story]
