import numpy as np
import pytest

from gesso.constrain import automaton
from gesso.constrain.automaton import FAR, build_automaton, distance_to_end
from gesso.constrain.expression import Expressions
from gesso.constrain.regex import parse_regex
from gesso.errors import SettingError


def test_every_state_but_those_that_end_lies_on_a_way_to_the_end():
    pool = Expressions()
    both = pool.both(parse_regex("a*b?c", pool), parse_regex("a{0,3}(bc|bd)", pool))
    built = build_automaton(pool, both)
    distance = distance_to_end(built.next_state, built.accepting)
    assert (distance < FAR).all()
    assert distance[0] == 2
    assert built.accepts(b"aaabc")
    assert not built.accepts(b"aaabd")


def test_distance_counts_the_fewest_steps():
    next_state = np.array([[1, 2], [2, -1], [-1, 3], [-1, -1], [4, -1]])
    accepting = np.array([False, False, False, True, False])
    assert distance_to_end(next_state, accepting).tolist() == [2, 2, 1, 0, FAR]


def test_a_language_without_a_text_is_refused():
    pool = Expressions()
    with pytest.raises(SettingError, match="the rule allows no text at all"):
        build_automaton(pool, pool.both(pool.literal(b"a"), pool.literal(b"b")), name="the rule")


def test_an_expression_that_blows_up_is_refused(monkeypatch):
    monkeypatch.setattr(automaton, "MAX_STATES", 500)
    pool = Expressions()
    with pytest.raises(SettingError, match="more than 500 states"):
        build_automaton(pool, parse_regex("[ab]*a[ab]{14}", pool))
