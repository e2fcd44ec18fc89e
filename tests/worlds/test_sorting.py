import random

import pytest

from gesso.worlds.sorting import FEWEST_WORDS, MOST_WORDS, ORDERS, WORDS, is_right, write_case


def given_words(case):
    return case.prompt.split(": ")[1].split(", ")


@pytest.fixture(scope="module")
def cases():
    rng = random.Random(0)
    return [write_case(rng) for _ in range(1000)]


def test_an_answer_has_the_given_words_and_no_other(cases):
    for case in cases:
        words = given_words(case)
        assert sorted(case.answer.split(", ")) == sorted(words)
        assert FEWEST_WORDS <= len(set(words)) == len(words) <= MOST_WORDS
        assert set(words) <= set(WORDS)


@pytest.mark.parametrize(
    ("request_words", "comes_before"),
    [
        ("from a to z", lambda first, second: first < second),
        ("from z to a", lambda first, second: first > second),
        ("from short to long", lambda first, second: len(first) < len(second)),
        ("from long to short", lambda first, second: len(first) > len(second)),
    ],
)
def test_each_word_of_an_answer_comes_strictly_before_the_next(cases, request_words, comes_before):
    asked = [case for case in cases if request_words in case.prompt]
    assert len(asked) > len(cases) / len(ORDERS) / 2
    for case in asked:
        words = case.answer.split(", ")
        assert all(map(comes_before, words, words[1:]))


def test_another_order_is_wrong(cases):
    for case in cases[:100]:
        assert is_right(case, case.answer)
        assert not is_right(case, ", ".join(reversed(case.answer.split(", "))))


def test_a_held_out_set_of_words_is_never_sorted_in_training(cases):
    rng = random.Random(1)
    held_out = {frozenset(given_words(write_case(rng, "held_out"))) for _ in range(100)}
    assert not held_out & {frozenset(given_words(case)) for case in cases}
