import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.constrain import characters as sets
from gesso.constrain import json_text
from gesso.constrain.automaton import build_automaton
from gesso.constrain.expression import Expressions

POOL = Expressions()
ANYTHING = build_automaton(POOL, json_text.anything(POOL, 2))
ANY_STRING = build_automaton(POOL, json_text.string(POOL, POOL.repeat(json_text.string_character(POOL, sets.ANY))))
plain = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=4)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**14), 10**14) | plain,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(plain, inner, max_size=2),
    max_leaves=4,
)


def depth(content):
    inner = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    return max((1 + depth(item) for item in inner), default=int(isinstance(content, list | dict)))


@settings(max_examples=150, deadline=None)
@given(values)
def test_what_json_dumps_writes_can_be_written_down_to_the_depth(content):
    text = json.dumps(content, ensure_ascii=False).encode()
    assert ANYTHING.accepts(text) == (depth(content) <= 2)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=6))
def test_every_string_has_the_form_that_json_dumps_gives_it(text):
    written = json.dumps(text, ensure_ascii=False)
    assert ANY_STRING.accepts(written.encode())
    assert not ANY_STRING.accepts(f"{written} ".encode())


@pytest.mark.parametrize("text", ["[1,2]", '{"a":1}', '{"a": 1,}', "[ ]", "tru", '"\n"', '"\\x"', "01", ""])
def test_other_ways_to_write_are_not_accepted(text):
    assert not ANYTHING.accepts(text.encode())


def test_members_that_need_not_be_there_leave_no_comma_behind():
    members = [("a", POOL.literal(b"1"), False), ("b", POOL.literal(b"2"), True), ("c", POOL.literal(b"3"), False)]
    automaton = build_automaton(POOL, json_text.record(POOL, members))
    for text in ('{"b": 2}', '{"a": 1, "b": 2}', '{"b": 2, "c": 3}', '{"a": 1, "b": 2, "c": 3}'):
        assert automaton.accepts(text.encode())
    for text in ("{}", '{"a": 1}', '{"b": 2, "a": 1}', '{, "b": 2}', '{"b": 2, }'):
        assert not automaton.accepts(text.encode())


def test_arrays_have_as_many_items_as_they_should():
    automaton = build_automaton(POOL, json_text.array(POOL, POOL.literal(b"0"), 2, 3))
    assert [automaton.accepts(json.dumps([0] * size).encode()) for size in range(5)] == [0, 0, 1, 1, 0]


def test_numbers_without_a_fraction_are_written_as_integers():
    automaton = build_automaton(POOL, json_text.value(POOL, {"a": [2.0, 2.5, True]}))
    assert automaton.accepts(b'{"a": [2, 2.5, true]}')
