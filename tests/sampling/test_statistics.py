import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.sampling.statistics import measure, temper

seeds = st.integers(0, 100_000)


def random_logits(seed, vocab_size=13):
    source = torch.Generator().manual_seed(seed)
    logits = 8 * torch.rand(3, 5, 1, generator=source) * torch.randn(3, 5, vocab_size, generator=source)
    return logits, torch.rand(3, 5, generator=source, dtype=torch.float64)


@settings(max_examples=50, deadline=None)
@given(seeds)
def test_entropy_confidence_and_argmax_are_those_of_the_distribution(seed):
    logits, uniforms = random_logits(seed)
    statistics = measure(logits, torch.ones(3), uniforms)
    distribution = torch.distributions.Categorical(logits=logits)
    torch.testing.assert_close(statistics.entropy, distribution.entropy())
    torch.testing.assert_close(statistics.confidence, distribution.probs.max(-1).values)
    assert statistics.argmax.equal(logits.argmax(-1))


def test_each_row_is_divided_by_its_own_temperature():
    logits, _ = random_logits(0)
    tempered = temper(logits, torch.tensor([0.5, 1.0, 2.0]))
    torch.testing.assert_close(tempered, torch.stack([logits[0] * 2, logits[1], logits[2] / 2]))


def test_temperature_zero_chooses_the_most_likely_token_and_leaves_the_prediction_as_it_is():
    logits, uniforms = random_logits(1)
    cold, plain = torch.zeros(3), torch.ones(3)
    assert temper(logits, cold).equal(logits)
    greedy, sampled = measure(logits, cold, uniforms), measure(logits, plain, uniforms)
    assert greedy.sampled.equal(logits.argmax(-1))
    assert not sampled.sampled.equal(greedy.sampled)
    assert greedy.entropy.equal(sampled.entropy)


def test_a_banned_token_has_no_part_in_anything():
    logits, uniforms = random_logits(2)
    banned = torch.cat([logits, torch.full_like(logits[..., :1], -math.inf)], dim=-1)
    with_ban, without = measure(banned, torch.ones(3), uniforms), measure(logits, torch.ones(3), uniforms)
    torch.testing.assert_close(with_ban.entropy, without.entropy)
    assert with_ban.sampled.equal(without.sampled)


def test_logits_that_are_not_numbers_show_in_the_entropy_alone():
    for value in (math.nan, math.inf):
        logits, uniforms = random_logits(3)
        logits[1, 2, 3] = value
        statistics = measure(logits, torch.ones(3), uniforms)
        broken = ~statistics.entropy.isfinite()
        assert broken.nonzero().tolist() == [[1, 2]]
        assert (statistics.sampled < 13).all()
