from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.sampling.accept import EntropyBound
from gesso.sampling.pace import EvenCount, RisingBound
from gesso.sampling.transition import Transition
from tests.sampling.test_transition import proposal

rules = pytest.mark.parametrize("rule", [EvenCount(), RisingBound()], ids=["even count", "rising bound"])


def kept(rule, **seen):
    return rule.advance(proposal(**seen))[1]


@rules
@pytest.mark.parametrize("max_steps", [1, 2, 3, 8, 48])
def test_the_canvas_is_accepted_whole_before_the_last_step(rule, max_steps):
    assert isinstance(rule, Transition)
    for step in range(max(0, max_steps - 2), max_steps):
        assert kept(rule, step=step, max_steps=max_steps).all()


@rules
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 30))
def test_the_fewer_steps_are_left_the_more_is_accepted(rule, seed, max_steps):
    accepted = [kept(rule, seed=seed, step=step, max_steps=max_steps) for step in range(max_steps)]
    for earlier, later in pairwise(accepted):
        assert (earlier <= later).all()
    assert accepted[0].any(-1).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 30), st.data())
def test_an_even_count_keeps_the_share_that_is_due_of_the_most_certain(seed, max_steps, data):
    step = data.draw(st.integers(0, max_steps - 2))
    seen = proposal(seed, step=step, max_steps=max_steps)
    accepted = EvenCount().advance(seen)[1]
    due = -(-12 * (step + 1) // (max_steps - 1))
    assert (accepted.sum(-1) == due).all()
    for entropy, row in zip(seen.entropy, accepted, strict=True):
        assert row.all() or entropy[row].max() <= entropy[~row].min()


def test_fixed_positions_are_no_part_of_an_even_count():
    fixed = torch.arange(12).expand(3, 12) < 4
    accepted = kept(EvenCount(), fixed=fixed, step=1, max_steps=9)
    assert (accepted[:, 4:].sum(-1) == 2).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 46), st.sampled_from([None, 3]))
def test_a_rising_bound_is_the_geometric_way_from_the_least_bound_to_all_uncertainty(seed, step, reach):
    seen = proposal(seed, step=step, max_steps=48)
    accepted = RisingBound(least=EntropyBound(reach=reach)).advance(seen)[1]
    for row in range(3):
        nats = seen.entropy[row : row + 1]
        bound = 0.1 * max(1.0, float(nats.sum()) / 0.1) ** (1 / (47 - step))
        assert accepted[row].equal(EntropyBound(bound_nats=bound, reach=reach).accept(nats, nats)[0])


def test_a_canvas_that_is_nearly_certain_has_the_least_bound():
    entropy = torch.rand(3, 12, generator=torch.Generator().manual_seed(0)) * 0.008
    assert kept(RisingBound(), entropy=entropy, step=0).all()
    entropy[:, 5] = 0.5
    loose = EntropyBound(bound_nats=1.0)
    assert kept(RisingBound(least=loose), entropy=entropy, step=0).equal(loose.accept(entropy, entropy))
