import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.constrain.automaton import build_automaton
from gesso.constrain.expression import Expressions
from gesso.constrain.regex import parse_regex
from gesso.errors import SettingError

PATTERNS = [
    "",
    "a*b",
    "(ab|cd)+",
    "[a-c]{2,4}x?",
    "(a|b)*abb",
    "[^a]{3}",
    r"\d+(\.\d+)?",
    "(a?){3}a{3}",
    "a|",
    "x{3,}?",
    r"[a\]-]+",
    ".{1,3}",
    r"[\w-]+@\w+",
    "(?:a|bc)*(?P<name>d)",
    "(?<name>a)b??",
    r"\x61\u0062\.\t",
    r"\D\W\S",
    r"[^\d\s]a{2}",
    "^ab$|^c$",
    "a{b}{,",
    r"[\b\n]",
    r"a\/b\0",
    "((a)((b)))*?",
]
TEXTS = st.text(alphabet="abcdx1.@]-{},/ \t", max_size=7)


def automaton_of(pattern, **options):
    pool = Expressions()
    return build_automaton(pool, parse_regex(pattern, pool, **options))


AUTOMATA = {pattern: automaton_of(pattern) for pattern in PATTERNS}
SEARCHING = {pattern: automaton_of(pattern, search=True) for pattern in PATTERNS}


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PATTERNS), TEXTS)
def test_ascii_texts_match_as_in_python(pattern, text):
    python = pattern.replace("(?<", "(?P<")
    assert AUTOMATA[pattern].accepts(text.encode()) == bool(re.fullmatch(python, text, re.ASCII))
    assert SEARCHING[pattern].accepts(text.encode()) == bool(re.search(python, text, re.ASCII))


SETS = [".", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"[^\d]", r"[^\W]", "[\u00e0-\u4e00]"]
SET_AUTOMATA = {pattern: automaton_of(pattern) for pattern in SETS}


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SETS), st.characters(exclude_categories=["Cs"]))
def test_what_matches_a_set_matches_it_in_every_reading_of_python(pattern, character):
    if SET_AUTOMATA[pattern].accepts(character.encode()):
        assert re.fullmatch(pattern, character)
        assert re.fullmatch(pattern, character, re.ASCII)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(?=a)", "a lookahead"),
        ("(?<!a)b", "a lookbehind"),
        (r"(a)\1", r"\1 is not supported"),
        (r"\bword", r"\b is not supported"),
        (r"\p{L}", r"\p is not supported"),
        ("a++", "possessive"),
        ("a**", "a quantifier follows a quantifier"),
        ("*a", "nothing stands before"),
        ("(a", "never closed"),
        ("a)", "out of place"),
        ("[a", "never closed"),
        ("[]", "a class is empty"),
        ("[z-a]", "ends before it begins"),
        (r"[\d-z]", "a single character at both ends"),
        ("a{3,2}", "swap the numbers"),
        ("a{,2}", "engines disagree"),
        ("a{20000}", "at most 10000"),
        ("a^b", "'^' is supported only"),
        ("a$b", "out of place"),
        ("(a$)", "'$' is supported only"),
        ("(?i)a", "this kind of group"),
        (r"\x6", "hexadecimal"),
        ("\\", "ends too early"),
    ],
)
def test_what_is_not_known_is_refused_with_its_place(pattern, reason):
    with pytest.raises(SettingError, match=re.escape(reason)) as error:
        automaton_of(pattern)
    assert repr(pattern) in str(error.value)
    assert "at character" in str(error.value)


def test_a_long_pattern_is_quoted_by_its_beginning_and_a_longer_one_refused():
    for pattern, reason in (("a" * 9_000 + "(", "is never closed"), ("a" * 100_001, "at most 100000")):
        with pytest.raises(SettingError, match=reason) as error:
            automaton_of(pattern)
        assert len(str(error.value)) < 300


def test_a_set_may_be_written_in_another_way():
    pool = Expressions()
    twice = parse_regex("[ab]c", pool, character=lambda ranges: pool.repeat(pool.characters(ranges), 2, 2))
    automaton = build_automaton(pool, twice)
    assert automaton.accepts(b"abcc")
    assert not automaton.accepts(b"ac")
