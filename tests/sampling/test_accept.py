import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.models.diffusion_gemma.generation_diffusion_gemma import (
    EntropyBoundSampler,
    EntropyBoundSamplerConfig,
)

from gesso.errors import SettingError
from gesso.sampling.accept import Acceptance, ConfidenceThreshold, EntropyBound, TopK

RULES = [EntropyBound(), ConfidenceThreshold(), TopK(per_step=3)]
seeds = st.integers(0, 100_000)
bounds = st.floats(1e-4, 20)


def random_case(seed, batch=3, canvas=12):
    source = torch.Generator().manual_seed(seed)
    entropy = torch.rand(batch, canvas, generator=source).pow(4) * 3
    confidence = (-entropy).exp()
    pinned = torch.rand(batch, canvas, generator=source) < 0.3
    return entropy, confidence, pinned


def accept(rule, entropy, pinned=None):
    return rule.accept(entropy, (-entropy).exp(), pinned)


@settings(max_examples=200, deadline=None)
@given(seeds, bounds)
def test_the_entropy_bound_accepts_what_the_reference_accepts(seed, bound):
    source = torch.Generator().manual_seed(seed)
    sharpness = 10 * torch.rand(2, 9, 1, generator=source)
    logits = sharpness * torch.randn(2, 9, 11, generator=source)
    reference = EntropyBoundSampler(
        EntropyBoundSamplerConfig(entropy_bound=bound), canvas_length=9, vocab_size=11, max_denoising_steps=1
    )
    canvas = torch.zeros(2, 9, dtype=torch.int64)
    reference.accept_canvas(canvas, canvas, logits, cur_step=1)
    entropy = torch.distributions.Categorical(logits=logits).entropy()
    assert accept(EntropyBound(bound_nats=bound), entropy).equal(reference.accepted_token_mask)


@settings(max_examples=50, deadline=None)
@given(seeds, bounds, bounds)
def test_a_larger_bound_accepts_at_least_the_same_positions(seed, one, other):
    entropy, _, _ = random_case(seed)
    small, large = (accept(EntropyBound(bound_nats=bound), entropy) for bound in sorted([one, other]))
    assert (small <= large).all()


@settings(max_examples=50, deadline=None)
@given(seeds, bounds)
def test_the_accepted_entropies_without_the_largest_keep_the_bound_and_one_more_would_break_it(seed, bound):
    entropy = random_case(seed)[0].double()
    for row, kept in zip(entropy, accept(EntropyBound(bound_nats=bound), entropy), strict=True):
        assert row[kept].sum() - row[kept].max() <= bound + 1e-12
        if not kept.all():
            assert row[~kept].min() >= row[kept].max()
            assert row[kept].sum() > bound - 1e-12


def test_the_most_certain_position_is_accepted_however_uncertain_it_is():
    assert accept(EntropyBound(bound_nats=1e-6), torch.tensor([[5.0, 4.0, 6.0]])).tolist() == [[False, True, False]]


def test_positions_of_no_entropy_are_all_accepted():
    assert accept(EntropyBound(bound_nats=0.1), torch.zeros(2, 7)).all()


@settings(max_examples=50, deadline=None)
@given(seeds, bounds, st.integers(1, 14))
def test_with_a_reach_the_bound_is_spent_on_the_positions_near_the_first_uncertain_one(seed, bound, reach):
    entropy = random_case(seed)[0]
    accepted = accept(EntropyBound(bound_nats=bound, reach=reach), entropy)
    for row, kept in zip(entropy, accepted, strict=True):
        uncertain = [i for i, nats in enumerate(row.tolist()) if nats > bound]
        near = uncertain[0] + reach if uncertain else len(row)
        assert not kept[near:].any()
        assert kept[:near].equal(accept(EntropyBound(bound_nats=bound), row[None, :near])[0])


def test_a_reach_of_the_whole_canvas_changes_nothing():
    entropy = random_case(0)[0]
    assert accept(EntropyBound(reach=12), entropy).equal(accept(EntropyBound(), entropy))


def test_pins_out_of_reach_are_accepted():
    pinned = torch.tensor([[False, False, False, True]])
    assert accept(EntropyBound(reach=1), torch.tensor([[0.5, 0.0, 0.0, 9.0]]), pinned).tolist() == [
        [True, False, False, True]
    ]


@settings(max_examples=50, deadline=None)
@given(seeds)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_pins_are_accepted_and_the_free_positions_are_judged_as_if_they_were_alone(rule, seed):
    entropy, _, pinned = random_case(seed)
    accepted = accept(rule, entropy, pinned)
    assert accepted[pinned].all()
    for row in range(len(entropy)):
        free = ~pinned[row]
        if free.any():
            assert accepted[row, free].equal(accept(rule, entropy[row : row + 1, free])[0])
            assert accepted[row, free].any()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_a_canvas_of_pins_alone_is_accepted_whole(rule):
    assert isinstance(rule, Acceptance)
    assert accept(rule, torch.rand(2, 5), torch.ones(2, 5, dtype=torch.bool)).all()


def test_the_confidence_threshold_keeps_the_confident_and_otherwise_the_best():
    confidence = torch.tensor([[0.95, 0.9, 0.2], [0.1, 0.3, 0.2]])
    accepted = ConfidenceThreshold(min_probability=0.9).accept(torch.zeros(2, 3), confidence)
    assert accepted.tolist() == [[True, True, False], [False, True, False]]


def test_top_k_keeps_the_k_most_certain_even_among_equals():
    entropy = torch.tensor([[0.3, 0.1, 0.2, 0.4], [1.0, 1.0, 1.0, 1.0]])
    assert accept(TopK(per_step=2), entropy).tolist() == [[False, True, True, False], [True, True, False, False]]
    assert accept(TopK(per_step=9), entropy).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EntropyBound(bound_nats=0.0), "entropy bound is 0 nats; give a number above 0"),
        (lambda: EntropyBound(bound_nats=-1.0), "entropy bound is -1 nats"),
        (lambda: EntropyBound(reach=0), "the reach is 0 positions; give at least 1"),
        (lambda: EntropyBound(bound_nats=math.nan), "entropy bound is nan nats"),
        (lambda: ConfidenceThreshold(min_probability=1.5), "confidence threshold is 1.5"),
        (lambda: ConfidenceThreshold(min_probability=0.0), "confidence threshold is 0"),
        (lambda: TopK(per_step=0), "per_step is 0"),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(SettingError, match=message):
        make()
