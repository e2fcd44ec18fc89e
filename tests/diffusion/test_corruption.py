import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.diffusion.corruption import UniformCorruption
from gesso.errors import SettingError


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def chi_square(counts, probabilities):
    expected = probabilities * counts.sum()
    return float(((counts - expected) ** 2 / expected).sum())


def test_level_zero_changes_nothing():
    clean = torch.randint(50, (20, 64), generator=generator())
    assert UniformCorruption(vocab_size=50).corrupt(clean, torch.zeros(20, 1), generator()).equal(clean)


def test_level_one_is_uniform_whatever_the_clean_token():
    clean = torch.full((200, 256), 3)
    noisy = UniformCorruption(vocab_size=10).corrupt(clean, torch.ones(200, 1), generator())
    # 9 degrees of freedom: above 27.9 once in a thousand times.
    assert chi_square(noisy.flatten().bincount(minlength=10), torch.full((10,), 0.1)) < 27.9


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_the_drawn_tokens_follow_the_marginal(level):
    corruption = UniformCorruption(vocab_size=6)
    clean, t = torch.full((200, 256), 2), torch.full((200, 1), level)
    counts = corruption.corrupt(clean, t, generator()).flatten().bincount(minlength=6)
    # 5 degrees of freedom: above 20.5 once in a thousand times.
    assert chi_square(counts, corruption.marginal(clean, t)[0, 0]) < 20.5


def test_levels_apply_position_by_position():
    clean = torch.zeros(1, 4000, dtype=torch.int64)
    t = torch.cat([torch.zeros(1, 2000), torch.ones(1, 2000)], dim=1)
    noisy = UniformCorruption(vocab_size=1000).corrupt(clean, t, generator())
    assert (noisy[:, :2000] == 0).all()
    assert (noisy[:, 2000:] != 0).float().mean() > 0.99


def test_pinned_positions_keep_their_tokens_and_the_others_are_drawn_as_without_pins():
    clean = torch.randint(50, (4, 64), generator=generator(1))
    pinned = torch.rand(4, 64, generator=generator(2)) < 0.5
    corruption, t = UniformCorruption(vocab_size=50), torch.ones(4, 1)
    with_pins = corruption.corrupt(clean, t, generator(), pinned)
    assert with_pins.equal(torch.where(pinned, clean, corruption.corrupt(clean, t, generator())))


def test_the_same_generator_state_gives_the_same_noise():
    corruption = UniformCorruption(vocab_size=50)
    assert corruption.pure_noise(3, 8, generator(5)).equal(corruption.pure_noise(3, 8, generator(5)))
    assert not corruption.pure_noise(3, 8, generator(5)).equal(corruption.pure_noise(3, 8, generator(6)))


def test_a_generator_advances_by_the_same_amount_at_every_level():
    corruption, clean = UniformCorruption(vocab_size=50), torch.zeros(2, 8, dtype=torch.int64)
    low, high = generator(), generator()
    corruption.corrupt(clean, torch.zeros(2, 1), low)
    corruption.corrupt(clean, torch.ones(2, 1), high)
    assert low.get_state().equal(high.get_state())


levels = st.floats(0, 1)


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 7), levels)
def test_marginals_sum_to_one(vocab_size, level):
    clean = torch.arange(vocab_size)[None]
    marginal = UniformCorruption(vocab_size=vocab_size).marginal(clean, torch.tensor([[level]], dtype=torch.float64))
    torch.testing.assert_close(marginal.sum(-1), torch.ones(1, vocab_size, dtype=torch.float64))


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 6), levels, levels)
def test_the_posterior_averaged_over_the_noisy_token_is_the_marginal_at_the_lower_level(vocab_size, one, other):
    """sum over x_t of q(x_t | x_0) q(x_s | x_t, x_0) = q(x_s | x_0)."""
    s, t = (torch.tensor([[level]], dtype=torch.float64) for level in sorted([one, other]))
    corruption = UniformCorruption(vocab_size=vocab_size)
    clean = torch.zeros(1, vocab_size, dtype=torch.int64)
    noisy = torch.arange(vocab_size)[None]  # every value of x_t, one at each position
    weights = corruption.marginal(clean, t)[:, 0]  # q(x_t = v | x_0), the same at every position
    posterior = corruption.posterior(noisy, clean, s, t)
    possible = weights > 0
    torch.testing.assert_close(posterior[possible].sum(-1), torch.ones(int(possible.sum()), dtype=torch.float64))
    averaged = (weights[..., None] * posterior)[possible].sum(0)
    torch.testing.assert_close(averaged, corruption.marginal(clean, s)[0, 0])


def test_the_posterior_is_certain_at_both_ends():
    corruption = UniformCorruption(vocab_size=5)
    noisy, clean, half = torch.tensor([[4]]), torch.tensor([[1]]), torch.tensor([[0.5]])
    assert corruption.posterior(noisy, clean, torch.zeros(1, 1), half)[0, 0].tolist() == [0, 1, 0, 0, 0]
    assert corruption.posterior(noisy, clean, half, half)[0, 0].tolist() == [0, 0, 0, 0, 1]
    ones = torch.ones(1, 1)
    assert corruption.posterior(noisy, clean, ones, ones)[0, 0].tolist() == [0, 0, 0, 0, 1]


def test_a_vocabulary_of_one_token_is_refused():
    with pytest.raises(SettingError, match="vocab_size is 1"):
        UniformCorruption(vocab_size=1)
