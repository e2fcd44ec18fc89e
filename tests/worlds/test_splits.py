import inspect

import pytest

from gesso.errors import SettingError
from gesso.worlds.splits import HELD_OUT_ONE_IN, belongs


def test_a_combination_is_of_exactly_one_split():
    for number in range(200):
        assert belongs("train", "kite", str(number)) != belongs("held_out", "kite", str(number))


def test_about_one_combination_in_twenty_is_held_out():
    count = sum(belongs("held_out", str(a), str(b)) for a in range(100) for b in range(100))
    assert count / 10_000 == pytest.approx(1 / HELD_OUT_ONE_IN, rel=0.1)


def test_where_one_word_ends_and_the_next_begins_matters():
    pairs = [(f"{a}", f"{b}x") for a in range(40) for b in range(40)]
    assert any(belongs("train", a, b) != belongs("train", a + b) for a, b in pairs)


def test_an_unknown_split_is_refused():
    with pytest.raises(SettingError, match="no split is called 'test': use train or held_out"):
        inspect.unwrap(belongs)("test", "kite")
