import json
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.constrain.automaton import build_automaton
from gesso.constrain.expression import Expressions
from gesso.constrain.json_numbers import integer, number
from gesso.errors import SettingError

small = st.integers(-1200, 1200)
decimals = st.decimals(-1200, 1200, places=2) | st.sampled_from([Decimal(0), Decimal("0.5"), Decimal("-0.05")])


def accepts(make, text):
    pool = Expressions()
    try:
        return build_automaton(pool, make(pool)).accepts(text.encode())
    except SettingError:
        return False


@settings(max_examples=100, deadline=None)
@given(st.none() | small, st.none() | small, small)
def test_integers_are_those_between_the_bounds(low, high, value):
    inside = (low is None or low <= value) and (high is None or value <= high)
    assert accepts(lambda pool: integer(pool, low, high), str(value)) == inside


@settings(max_examples=100, deadline=None)
@given(st.none() | decimals, st.none() | decimals, decimals, st.booleans(), st.booleans())
def test_numbers_are_those_between_the_bounds(low, high, value, above_low, below_high):
    inside = low is None or (low < value if above_low else low <= value)
    inside &= high is None or (value < high if below_high else value <= high)
    text = f"{abs(value):f}" if value == 0 else f"{value:f}"
    assert accepts(lambda pool: number(pool, low, high, above_low=above_low, below_high=below_high), text) == inside


def test_numbers_without_bounds_may_have_exponents_and_are_json():
    for text in ("-0.5", "6.02e23", "1e-07", "0"):
        assert accepts(number, text)
        json.loads(text)
    for text in ("01", ".5", "1.", "+1", "1e", "--1", ""):
        assert not accepts(number, text)


def test_a_bound_beyond_the_usual_digits_is_reached():
    assert accepts(lambda pool: integer(pool, 10**20, None), str(10**20 + 7))
    assert not accepts(lambda pool: integer(pool, 10**20, None), str(10**20 - 1))
