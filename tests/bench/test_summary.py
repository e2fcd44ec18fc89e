import json
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesso.bench.summary import nearest_rank, row_as_json, summarize

VALUES = st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=20)


@given(VALUES)
def test_the_median_lies_between_the_least_and_the_most_and_the_spread_within_their_distance(values):
    figure = summarize(values)
    assert figure.least <= figure.median <= figure.most
    assert 0 <= figure.spread <= figure.most - figure.least
    assert (figure.least, figure.most, figure.count) == (min(values), max(values), len(values))


@given(VALUES, st.randoms())
def test_the_order_of_repeats_does_not_matter(values, rng):
    mixed = values.copy()
    rng.shuffle(mixed)
    assert summarize(mixed) == summarize(values)


def test_one_repeat_that_was_disturbed_moves_neither_median_nor_spread_much():
    figure = summarize([1.0, 1.1, 1.2, 1.3, 100.0])
    assert figure.median == 1.2
    assert figure.spread == pytest.approx(0.1)


@given(VALUES, st.floats(1e-3, 1e3))
def test_a_figure_in_another_unit_is_that_of_the_repeats_in_that_unit(values, factor):
    scaled, other = summarize(values).scaled(factor), summarize([factor * value for value in values])
    for name in ("median", "least", "most"):
        assert getattr(scaled, name) == pytest.approx(getattr(other, name))
    assert scaled.spread == pytest.approx(other.spread, abs=1e-9 * other.most)


@given(VALUES, st.floats(0.01, 1))
def test_a_share_of_the_values_do_not_exceed_their_rank_and_it_is_one_of_them(values, share):
    found = nearest_rank(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    assert sum(value < found for value in values) < share * len(values)


def test_ranks_of_an_even_number_are_not_averaged():
    assert statistics.median([1.0, 2.0]) == 1.5
    assert nearest_rank([1.0, 2.0], 0.5) == 1.0


def test_a_row_is_json_with_four_digits_a_figure():
    row = row_as_json({"name": "a", "count": 123_456, "share": 0.123456, "time": summarize([1.00004])})
    assert json.loads(json.dumps(row)) == {
        "name": "a",
        "count": 123_456,
        "share": 0.1235,
        "time": {"median": 1.0, "least": 1.0, "most": 1.0, "spread": 0.0, "count": 1},
    }
