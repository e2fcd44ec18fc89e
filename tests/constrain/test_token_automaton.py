import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.constrain.automaton import build_automaton
from gesso.constrain.expression import Expressions
from gesso.constrain.regex import parse_regex
from gesso.constrain.token_automaton import Vocabulary, build_token_automaton
from gesso.errors import SettingError

TOKENS = [b"", b"a", b"b", b"ab", b"</s>", b"ba", b"c", b"bab", b"\xc3", b"\xa9", b"", b"a"]
ENDS = {4, 10}


def automata(pattern, tokens=TOKENS, ends=ENDS):
    pool = Expressions()
    automaton = build_automaton(pool, parse_regex(pattern, pool))
    return automaton, build_token_automaton(automaton, Vocabulary.of(tokens, ends))


def run(automaton, text, state=0):
    for byte in text:
        state = automaton.next_state[state, byte] if state >= 0 else -1
    return int(state)


@pytest.mark.parametrize("pattern", ["a*", "(ab)*c?", "a|ba|", "[ab]{2,5}", "(aab|b)*", "\u00e9+a"])
def test_a_token_leads_where_its_bytes_lead_from_every_state(pattern):
    automaton, tokens = automata(pattern)
    end = len(automaton.accepting)
    for state, (token, text) in itertools.product(range(end + 1), enumerate(TOKENS)):
        if token in ENDS:
            expected = end if state == end or automaton.accepting[state] else -1
        else:
            expected = run(automaton, text, state) if text and state < end else -1
        assert tokens.advance(state, [token]) == expected


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["a*", "(ab)*c?", "[ab]{2,5}", "\u00e9+a"]), st.lists(st.integers(0, len(TOKENS) - 1), max_size=4)
)
def test_tokens_are_accepted_if_their_text_is_and_nothing_but_ends_follow_an_end(pattern, ids):
    automaton, tokens = automata(pattern)
    body = list(itertools.takewhile(lambda token: token not in ENDS, ids))
    is_text = all(TOKENS[token] for token in body) and ENDS.issuperset(ids[len(body) :])
    assert tokens.accepts(ids) == (is_text and automaton.accepts(b"".join(TOKENS[token] for token in body)))


def test_tokens_that_do_the_same_share_a_class_and_edges_with_the_same_classes_a_group():
    _, tokens = automata("[abc]*")
    assert tokens.token_class.tolist() == [0, 1, 1, 1, 2, 1, 1, 1, 0, 0, 2, 1]
    assert list(zip(tokens.source.tolist(), tokens.target.tolist(), strict=True)) == [(0, 0), (0, 1), (1, 1)]
    assert tokens.group.tolist() == [0, 1, 1]
    assert np.diff(tokens.group_start).tolist() == [1, 1]


def test_distance_is_counted_in_tokens():
    _, tokens = automata("(bab){3}")
    assert tokens.distance[0] == 3
    assert tokens.distance[-1] == 0


def test_a_rule_that_the_tokens_cannot_write_is_refused():
    with pytest.raises(SettingError, match="cannot be written with the tokens"):
        automata("d+")


@pytest.mark.parametrize("ends", [set(), {-1}, {len(TOKENS)}])
def test_a_vocabulary_without_an_end_is_refused(ends):
    with pytest.raises(SettingError, match="name at least one"):
        Vocabulary.of(TOKENS, ends)
