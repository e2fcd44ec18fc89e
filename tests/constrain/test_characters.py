import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesso.constrain.characters import ANY, DIGIT, common, complement, merged, shorthand, single

points = st.integers(0, 0x10FFFF)
pairs = st.lists(st.tuples(points, points).map(sorted).map(tuple), max_size=4).map(tuple)


def contains(members, point):
    return any(low <= point <= high for low, high in members)


@given(pairs, pairs, points)
def test_sets_are_merged_intersected_and_complemented_point_by_point(first, second, point):
    first, second = merged(first), merged(second)
    is_character = contains(ANY, point)
    assert contains(merged(first, second), point) == (contains(first, point) or contains(second, point))
    assert contains(common(first, second), point) == (contains(first, point) and contains(second, point))
    assert contains(complement(first), point) == (is_character and not contains(first, point))


@given(pairs)
def test_ranges_are_ascending_and_apart(members):
    members = merged(members)
    assert all(low <= high for low, high in members)
    assert all(before[1] + 1 < after[0] for before, after in itertools.pairwise(members))


def test_half_a_surrogate_pair_is_no_character():
    assert merged(((0xD000, 0xF000),)) == ((0xD000, 0xD7FF), (0xE000, 0xF000))
    assert complement(()) == ANY


def test_a_single_character_is_a_set():
    assert single("a") == ((97, 97),)


@pytest.mark.parametrize("letter", "dws")
def test_a_narrow_set_is_ascii_and_a_wide_one_is_all_that_python_counts_in(letter):
    narrow, wide = shorthand(letter, wide=False), shorthand(letter, wide=True)
    for point in [*range(0x300), 0x0661, 0x2003, 0x4E00, 0x1D7CE]:
        assert contains(narrow, point) == (point < 128 and bool(re.match(rf"\{letter}", chr(point), re.ASCII)))
        assert contains(wide, point) == bool(re.match(rf"\{letter}", chr(point)))


def test_a_capital_letter_means_all_other_characters_and_is_wide_where_the_small_one_is_narrow():
    assert shorthand("D", wide=True) == complement(DIGIT)
    assert shorthand("D", wide=False) == complement(shorthand("d", wide=True))
