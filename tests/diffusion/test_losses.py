import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.diffusion.corruption import UniformCorruption
from gesso.diffusion.losses import (
    FlatCrossEntropy,
    GiddWeighted,
    LeaveOneOutCrossEntropy,
    NoisedOnlyCrossEntropy,
    Objective,
    UniformNelbo,
    denoiser_logits,
    leave_one_out_logits,
    next_token_cross_entropy,
    z_loss,
)
from gesso.errors import SettingError
from tests.doubles import ExactDenoiser

OBJECTIVES = [
    FlatCrossEntropy(),
    NoisedOnlyCrossEntropy(),
    LeaveOneOutCrossEntropy(),
    GiddWeighted(),
    GiddWeighted(prediction="denoiser"),
    UniformNelbo(),
    UniformNelbo(prediction="leave_one_out"),
]


def each(objective):
    return type(objective).__name__ + getattr(objective, "prediction", "")


def random_case(seed=0, batch=3, canvas=5, vocab_size=7):
    source = torch.Generator().manual_seed(seed)
    logits = torch.randn(batch, canvas, vocab_size, generator=source, dtype=torch.float64)
    clean = torch.randint(vocab_size, (batch, canvas), generator=source)
    t = 0.05 + 0.9 * torch.rand(batch, canvas, generator=source, dtype=torch.float64)
    return logits, clean, UniformCorruption(vocab_size=vocab_size).corrupt(clean, t, source), t


@pytest.fixture
def toy():
    """A language of nine canvases of two tokens, where one token says much about the other."""
    return ExactDenoiser(torch.tensor([8.0, 1, 1, 1, 5, 1, 2, 1, 9]), vocab_size=3, canvas_length=2)


def expected_loss(objective, logits_of, toy, level):
    """Expectation over every clean and every noisy canvas; the network is a table with a row for each noisy canvas."""
    n = len(toy.canvases)
    clean = toy.canvases.repeat_interleave(n, 0)
    noisy = toy.canvases.repeat(n, 1)
    t = torch.full((n * n, 1), level, dtype=torch.float64)
    marginal = UniformCorruption(vocab_size=3).marginal(clean, t)
    chance = toy.probability.repeat_interleave(n) * marginal.gather(-1, noisy[..., None]).prod(1).squeeze(-1)
    loss = objective.loss(logits_of(noisy, t), clean, noisy, t)
    return (chance[:, None] * loss.nats).sum()


@pytest.mark.parametrize("objective", OBJECTIVES, ids=each)
@pytest.mark.parametrize("level", [0.2, 0.7])
def test_the_best_predictions_have_the_least_expected_loss(objective, level, toy):
    leave_one_out = getattr(objective, "prediction", "") == "leave_one_out" or isinstance(
        objective, LeaveOneOutCrossEntropy
    )
    best = toy.leave_one_out if leave_one_out else toy.denoiser
    if isinstance(objective, NoisedOnlyCrossEntropy):  # it has no use for the probability that the token is untouched

        def best(noisy, t):
            return toy.denoiser(noisy, t).scatter(-1, noisy[..., None], -100.0)

    moved = (0.1 * torch.randn(9, 2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)).repeat(
        9, 1, 1
    )
    shift = torch.zeros((), dtype=torch.float64, requires_grad=True)

    def logits_of(noisy, t):
        return best(noisy, t) + shift * moved

    least = expected_loss(objective, logits_of, toy, level)
    (slope,) = torch.autograd.grad(least, shift)
    assert abs(float(slope)) < 1e-9
    for distance in (-1.0, 1.0):
        with torch.no_grad():
            shift.fill_(distance)
        assert expected_loss(objective, logits_of, toy, level) > least


def test_flat_cross_entropy_counts_every_position_alike():
    logits, clean, noisy, t = random_case()
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), clean.flatten())
    torch.testing.assert_close(FlatCrossEntropy().loss(logits, clean, noisy, t).mean(), expected)
    torch.testing.assert_close(FlatCrossEntropy().loss(logits, clean, clean, 0 * t).mean(), expected)


def test_noised_only_cross_entropy_counts_the_changed_positions():
    logits, clean, noisy, t = random_case()
    changed = noisy != clean
    expected = torch.nn.functional.cross_entropy(logits[changed], clean[changed])
    torch.testing.assert_close(NoisedOnlyCrossEntropy().loss(logits, clean, noisy, t).mean(), expected)


def test_a_canvas_without_noise_has_no_noised_only_loss_and_still_a_gradient():
    logits, clean, _, t = random_case()
    logits.requires_grad_()
    loss = NoisedOnlyCrossEntropy().loss(logits, clean, clean, t).mean()
    loss.backward()
    assert loss == 0
    assert (logits.grad == 0).all()


@pytest.mark.parametrize("objective", OBJECTIVES, ids=each)
def test_masked_positions_never_count(objective):
    logits, clean, noisy, t = random_case()
    mask = torch.ones_like(clean, dtype=torch.bool)
    mask[:, 3:] = False
    cut = objective.loss(logits[:, :3], clean[:, :3], noisy[:, :3], t[:, :3])
    masked = objective.loss(logits, clean, noisy, t, mask)
    assert isinstance(objective, Objective)
    assert (masked.nats[:, 3:] == 0).all()
    torch.testing.assert_close(masked.mean(), cut.mean())


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_the_conversions_between_predictions_undo_each_other(seed):
    logits, _, noisy, t = random_case(seed)
    back = leave_one_out_logits(denoiser_logits(logits, noisy, 1 - t), noisy, 1 - t)
    torch.testing.assert_close(back, logits)


def test_evidence_turns_the_exact_leave_one_out_posterior_into_the_exact_denoiser(toy):
    noisy, t = toy.canvases, torch.full((9, 1), 0.3, dtype=torch.float64)
    converted = denoiser_logits(toy.leave_one_out(noisy, t), noisy, 1 - t).log_softmax(-1)
    torch.testing.assert_close(converted, toy.denoiser(noisy, t))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_the_bound_is_the_sum_of_rates_that_defines_it(seed):
    """The continuous-time bound, sum over v of R(v, z) (r'(v) - r(v) + r(v) log(r(v) / r'(v))), written out.

    r(v) = q(x_t = v | x_0) / q(x_t = z | x_0), r' the same under the prediction, R = -alpha' / (alpha V).
    """
    logits, clean, noisy, t = random_case(seed)
    corruption = UniformCorruption(vocab_size=7)
    true = corruption.marginal(clean, t)
    predicted = (1 - t)[..., None] * logits.softmax(-1) + t[..., None] / 7
    shown = noisy[..., None]
    r, r_predicted = true / true.gather(-1, shown), predicted / predicted.gather(-1, shown)
    terms = (r_predicted - r + r * (r / r_predicted).log()) / (1 - t)[..., None] / 7
    bound = UniformNelbo(prediction="leave_one_out").loss(logits, clean, noisy, t)
    torch.testing.assert_close(bound.nats, terms.sum(-1))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_the_gidd_weighting_is_the_bound_without_its_rate(seed):
    """w (KL + Itakura-Saito) with the weights as the papers print them, and t (1 - t) between it and the bound."""
    logits, clean, noisy, t = random_case(seed)
    true = UniformCorruption(vocab_size=7).marginal(clean, t)
    predicted = (1 - t)[..., None] * logits.softmax(-1) + t[..., None] / 7
    kl = (true * (true / predicted).log()).sum(-1)
    ratio = (true / predicted).gather(-1, noisy[..., None]).squeeze(-1)
    weight = torch.where(noisy == clean, t / (1 + 6 * (1 - t)), torch.ones_like(t))
    gidd = GiddWeighted().loss(logits, clean, noisy, t).nats
    torch.testing.assert_close(gidd, weight * (kl + ratio - ratio.log() - 1))
    bound = UniformNelbo(prediction="leave_one_out").loss(logits, clean, noisy, t).nats
    torch.testing.assert_close(bound * t * (1 - t), gidd)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=each)
def test_losses_in_float32_stay_numbers_with_a_large_vocabulary_and_levels_near_both_ends(objective):
    source = torch.Generator().manual_seed(0)
    t = torch.tensor([[0.0], [1e-4], [0.5], [1 - 1e-4]])
    clean = torch.randint(50_000, (4, 6), generator=source)
    noisy = UniformCorruption(vocab_size=50_000).corrupt(clean, t, source)
    logits = (3 * torch.randn(4, 6, 50_000, generator=source)).requires_grad_()
    loss = objective.loss(logits, clean, noisy, t).mean()
    loss.backward()
    assert loss.isfinite()
    assert logits.grad.isfinite().all()


def test_z_loss_is_the_mean_square_of_the_log_partition():
    logits = torch.tensor([[[0.0, 0.0], [1.0, 1.0]]])
    low, high = math.log(2) ** 2, (1 + math.log(2)) ** 2
    assert float(z_loss(logits)) == pytest.approx((low + high) / 2)
    assert float(z_loss(logits, torch.tensor([[True, False]]))) == pytest.approx(low)


def test_the_encoder_is_scored_on_the_next_token_row_by_row():
    source = torch.Generator().manual_seed(0)
    logits, tokens = torch.randn(3, 6, 11, generator=source), torch.randint(11, (3, 6), generator=source)
    mask = torch.tensor([[True] * 6, [False] * 2 + [True] * 2 + [False] * 2, [True] + [False] * 5])
    cross_entropy = torch.nn.functional.cross_entropy
    whole, short = cross_entropy(logits[0, :5], tokens[0, 1:]), cross_entropy(logits[1, 2:3], tokens[1, 3:4])
    # The third row predicts nothing, and rows count alike however long they are.
    torch.testing.assert_close(next_token_cross_entropy(logits, tokens, mask), (whole + short) / 2)
    torch.testing.assert_close(
        next_token_cross_entropy(logits, tokens), cross_entropy(logits[:, :5].flatten(0, 1), tokens[:, 1:].flatten())
    )


def test_a_text_of_one_token_has_nothing_to_predict():
    with pytest.raises(SettingError, match="at least 2 tokens"):
        next_token_cross_entropy(torch.zeros(1, 1, 4), torch.zeros(1, 1, dtype=torch.int64))
