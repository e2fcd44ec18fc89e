import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.ops import categorical
from gesso.ops.categorical import invert_cdf, invert_cdf_in_groups, max_in_groups

seeds = st.integers(0, 100_000)
both = pytest.mark.parametrize("invert", [invert_cdf, invert_cdf_in_groups])


@pytest.fixture(autouse=True, scope="module")
def _all_in_groups():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(categorical, "NARROW", 0)
        yield


def random_scores(seed, *shape):
    source = torch.Generator().manual_seed(seed)
    spread = 8 * torch.rand(*shape[:-1], 1, generator=source)
    return spread * torch.randn(*shape, generator=source), torch.rand(shape[:-1], generator=source, dtype=torch.float64)


@both
@settings(max_examples=30, deadline=None)
@given(seed=seeds)
def test_a_token_is_chosen_where_the_cumulative_probability_passes_the_number(invert, seed):
    scores, uniforms = random_scores(seed, 3, 5, 13)
    probabilities = scores.softmax(-1)
    chosen = invert(probabilities, uniforms)[..., None]
    cdf = probabilities.double().cumsum(-1) / probabilities.double().sum(-1, keepdim=True)
    upto, before = cdf.gather(-1, chosen), cdf.gather(-1, chosen) - probabilities.gather(-1, chosen)
    assert (uniforms[..., None] <= upto + 1e-12).all()
    assert (uniforms[..., None] >= before - 1e-7).all()


@both
def test_tokens_are_sampled_as_often_as_they_are_probable(invert):
    probabilities = torch.tensor([0.5, 0.3, 0.15, 0.04, 0.01]).expand(1, 20_000, 5)
    uniforms = torch.rand(1, 20_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    counts = invert(probabilities, uniforms).flatten().bincount(minlength=5)
    expected = 20_000 * probabilities[0, 0]
    # 4 degrees of freedom: above 18.5 once in a thousand times.
    assert ((counts - expected) ** 2 / expected).sum() < 18.5


@both
@pytest.mark.parametrize("before", [0, 64, 100])
def test_a_token_without_probability_is_never_chosen(invert, before):
    probabilities = torch.cat([torch.zeros(before), torch.tensor([0.0, 0.5, 0.0, 0.5, 0.0]), torch.zeros(before)])
    for number in (0.0, 0.25, 0.5, math.nextafter(0.5, 0), math.nextafter(1, 0), 1.0):
        chosen = invert(probabilities[None], torch.tensor([number], dtype=torch.float64)).item()
        assert chosen == before + (1 if number < 0.5 else 3)


@both
def test_a_rare_token_keeps_its_share(invert):
    """After half of the probability, float32 cannot tell a sum from the next one that is 1e-9 larger."""
    probabilities = torch.tensor([[[0.5, 1e-9, 0.5]]])
    inside_its_interval = (0.5 + 0.5e-9) / (1 + 1e-9)
    assert invert(probabilities, torch.tensor([[inside_its_interval]], dtype=torch.float64)).item() == 1


@both
def test_weights_that_are_not_numbers_still_choose_a_token(invert):
    weights = torch.ones(1, 130)
    weights[0, 3] = math.nan
    assert 0 <= invert(weights, torch.tensor([0.7], dtype=torch.float64)).item() < 130


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(1, 300))
def test_in_groups_the_choices_are_the_same(seed, vocab_size):
    scores, uniforms = random_scores(seed, 7, vocab_size)
    probabilities = scores.softmax(-1)
    assert invert_cdf_in_groups(probabilities, uniforms).equal(invert_cdf(probabilities, uniforms))
    coarse = scores.round()  # of equal scores the first counts
    largest, first = max_in_groups(coarse)
    assert largest.equal(coarse.max(-1).values)
    assert first.equal(coarse.argmax(-1))


@pytest.mark.parametrize("vocab_size", [1, 1024, 1025])
def test_of_few_tokens_the_choices_are_those_in_groups(vocab_size, monkeypatch):
    scores, uniforms = random_scores(0, 7, vocab_size)
    probabilities = scores.softmax(-1)
    in_groups = invert_cdf_in_groups(probabilities, uniforms), *max_in_groups(scores)
    monkeypatch.setattr(categorical, "NARROW", 1024)
    assert all(map(torch.equal, in_groups, (invert_cdf_in_groups(probabilities, uniforms), *max_in_groups(scores))))
