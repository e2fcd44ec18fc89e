import random
import re

import pytest

from gesso.worlds.sums import is_right, write_case


def numbers(case):
    a, b = map(int, re.findall(r"\d+", case.prompt))
    return (b, a) if case.prompt.startswith("Take") else (a, b)


def is_sum(case):
    return re.search(r"\+|plus|Add", case.prompt) is not None


@pytest.fixture(scope="module")
def cases():
    rng = random.Random(0)
    return [write_case(rng) for _ in range(3000)]


def test_the_answer_is_what_arithmetic_says(cases):
    for case in cases:
        a, b = numbers(case)
        assert int(case.answer) == (a + b if is_sum(case) else a - b) >= 0
        assert is_right(case, case.answer)


def test_another_number_is_wrong(cases):
    for case in cases[:100]:
        assert not is_right(case, str(int(case.answer) + 1))


def test_sums_and_differences_of_one_and_of_two_digits_occur(cases):
    assert 0.45 < sum(map(is_sum, cases)) / len(cases) < 0.55
    assert 0.25 < sum(max(numbers(case)) < 10 for case in cases) / len(cases) < 0.5
    assert max(max(numbers(case)) for case in cases) == 99


def test_a_held_out_pair_is_never_asked_in_training_in_either_order(cases):
    rng = random.Random(1)
    held_out = [write_case(rng, "held_out") for _ in range(300)]
    trained = {(is_sum(case), *sorted(numbers(case))) for case in cases}
    assert not trained & {(is_sum(case), *sorted(numbers(case))) for case in held_out}
    assert any(max(numbers(case)) < 10 for case in held_out)
