import random
from itertools import combinations

import pytest

from gesso.worlds.talk import REMARKS, is_right, write_case


@pytest.fixture(scope="module")
def cases():
    rng = random.Random(0)
    return [write_case(rng) for _ in range(2000)]


def test_each_remark_is_said_and_gets_its_own_answer(cases):
    assert {case.answer for case in cases} == {remark.answer for remark in REMARKS}
    for one, other in combinations(REMARKS, 2):
        assert not set(one.said) & set(other.said)
        assert one.answer != other.answer


def test_what_is_said_is_one_of_the_ways_to_say_what_is_answered(cases):
    for case in cases[:200]:
        (remark,) = (remark for remark in REMARKS if remark.answer == case.answer)
        assert any(words.lower() in case.prompt.lower() for words in remark.said)
        assert is_right(case, case.answer)


def test_held_out_words_are_never_said_in_training(cases):
    rng = random.Random(1)
    held_out = {write_case(rng, "held_out").prompt.lower() for _ in range(100)}
    assert len(held_out) > 20
    assert not held_out & {case.prompt.lower() for case in cases}
