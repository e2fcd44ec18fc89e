import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.constrain import expression
from gesso.constrain.automaton import MAX_STATES, build_automaton
from gesso.constrain.expression import Expressions
from gesso.errors import SettingError

TEXTS = ["".join(letters) for size in range(5) for letters in itertools.product("ab", repeat=size)]

trees = st.recursive(
    st.sampled_from(["a", "b", "", "ab"]),
    lambda inner: st.one_of(
        st.tuples(st.just("sequence"), inner, inner),
        st.tuples(st.just("choice"), inner, inner),
        st.tuples(st.just("both"), inner, inner),
        st.tuples(st.just("repeat"), inner, st.integers(0, 2), st.one_of(st.none(), st.integers(2, 3))),
    ),
    max_leaves=8,
)


def language(tree):
    """The texts of a tree among `TEXTS`, by the definition of each operator."""
    match tree:
        case str():
            return {tree}
        case ("sequence", first, second):
            return {a + b for a in language(first) for b in language(second)} & set(TEXTS)
        case ("choice", first, second):
            return language(first) | language(second)
        case ("both", first, second):
            return language(first) & language(second)
    _, part, least, most = tree
    once, result, power = language(part), set(), {""}
    for count in range(7 if most is None else most + 1):
        result |= power if count >= least else set()
        power = {a + b for a in power for b in once} & set(TEXTS)
    return result


def build(pool, tree):
    match tree:
        case str():
            return pool.literal(tree.encode())
        case ("repeat", part, least, most):
            return pool.repeat(build(pool, part), least, most)
    return getattr(pool, tree[0])(build(pool, tree[1]), build(pool, tree[2]))


@settings(max_examples=200, deadline=None)
@given(trees)
def test_derivatives_recognise_what_the_operators_mean(tree):
    pool, wanted = Expressions(), language(tree)
    try:
        automaton = build_automaton(pool, build(pool, tree))
    except SettingError:
        assert not wanted
        return
    assert {text for text in TEXTS if automaton.accepts(text.encode())} == wanted


def test_equal_constructions_are_the_same_number():
    pool = Expressions()
    a, b, c = (pool.literal(letter) for letter in (b"a", b"b", b"c"))
    assert pool.sequence(pool.sequence(a, b), c) == pool.sequence(a, pool.sequence(b, c)) == pool.literal(b"abc")
    assert pool.choice(a, pool.choice(b, a)) == pool.choice(b, a)
    assert pool.both(a, pool.choice(a)) == a
    assert pool.sequence(a, pool.nothing) == pool.choice() == pool.nothing
    assert pool.repeat(a, 0, 0) == pool.repeat(pool.nothing) == pool.empty


@pytest.mark.parametrize(
    ("low", "high"), [(0, 0x10FFFF), (0x61, 0x7A), (0x7F, 0x80), (0x7FE, 0x801), (0xFFFE, 0x10001)]
)
def test_characters_are_valid_utf8_of_exactly_the_range(low, high):
    pool = Expressions()
    ranges = ((low, 0xD7FF), (0xE000, high)) if low < 0xD800 < high else ((low, high),)
    automaton = build_automaton(pool, pool.characters(ranges))
    edges = {low - 1, low, low + 1, high - 1, high, high + 1, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000}
    for point in edges:
        if 0 <= point <= 0x10FFFF and not 0xD800 <= point < 0xE000:
            assert automaton.accepts(chr(point).encode()) == (low <= point <= high)
    for broken in (b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80", b"\xe2\x82", b"\xff"):
        assert not automaton.accepts(broken)


def test_counted_repetition_makes_one_state_a_count():
    pool = Expressions()
    automaton = build_automaton(pool, pool.repeat(pool.literal(b"a"), 3, 500))
    assert len(automaton.accepting) == 501 < MAX_STATES


def test_a_long_text_costs_no_more_parts_a_byte_than_a_short_one(monkeypatch):
    monkeypatch.setattr(expression, "MAX_PARTS", 10 * 400)
    pool = Expressions()
    text = b"abcd" * 100
    assert build_automaton(pool, pool.literal(text)).accepts(text)
    with pytest.raises(SettingError, match="more than 4000 parts"):
        pool.literal(10 * text)
