import math

import pytest
import torch

from gesso.diffusion.corruption import UniformCorruption
from gesso.diffusion.likelihood import LikelihoodBound, bound_likelihood
from gesso.diffusion.losses import UniformNelbo
from gesso.errors import SettingError
from tests.doubles import ExactDenoiser

CORRUPTION = UniformCorruption(vocab_size=3)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def toy(canvas_length):
    weights = [4.0, 1.0, 2.0] if canvas_length == 1 else [8.0, 1, 1, 1, 5, 1, 2, 1, 9]
    return ExactDenoiser(torch.tensor(weights), vocab_size=3, canvas_length=canvas_length)


def integrated_bound(predict, clean, prediction):
    """The bound of one canvas by exact summation over noisy canvases and Gauss-Legendre quadrature over levels."""
    canvases = torch.cartesian_prod(*[torch.arange(3)] * clean.shape[1]).view(-1, clean.shape[1])
    clean = clean.expand(canvases.shape)
    nodes, weights = gauss_legendre(60)
    total = 0.0
    for node, weight in zip(nodes, weights, strict=True):
        # t = node^2 tames the logarithm that the integrand has at t = 0.
        t = torch.full((len(canvases), 1), node**2, dtype=torch.float64)
        chance = CORRUPTION.marginal(clean, t).gather(-1, canvases[..., None]).prod(1).squeeze(-1)
        nats = UniformNelbo(prediction=prediction).loss(predict(canvases, t), clean, canvases, t).nats.sum(-1)
        total += weight * 2 * node * float((chance * nats).sum())
    return total


def gauss_legendre(order):
    k = torch.arange(1, order, dtype=torch.float64)
    off_diagonal = k / (4 * k**2 - 1).sqrt()
    values, vectors = torch.linalg.eigh(torch.diag(off_diagonal, 1) + torch.diag(off_diagonal, -1))
    return ((values + 1) / 2).tolist(), (vectors[0] ** 2).tolist()


@pytest.mark.parametrize("canvas_length", [1, 2])
@pytest.mark.parametrize("prediction", ["denoiser", "leave_one_out"])
def test_the_bound_of_a_network_that_knows_the_truth_is_the_likelihood_itself(canvas_length, prediction):
    exact = toy(canvas_length)
    for clean in exact.canvases[:4]:
        bound = integrated_bound(getattr(exact, prediction), clean[None], prediction)
        assert bound == pytest.approx(-float(exact.log_probability(clean[None])), abs=2e-4)


def estimate_with_many_rows(predict, clean, mask=None):
    """Mean bound of each canvas over 400 rows that measure it, and the standard error of that mean."""
    rows = clean.repeat_interleave(400, 0)
    mask = None if mask is None else mask.expand(rows.shape)
    bound = bound_likelihood(predict, rows, corruption=CORRUPTION, generator=generator(), num_samples=100, mask=mask)
    nats, error = bound.nats.view(-1, 400), bound.standard_error.view(-1, 400)
    return nats.mean(1), error.square().mean(1).sqrt() / 20


@pytest.mark.parametrize("canvas_length", [1, 2])
def test_the_estimate_agrees_with_the_likelihood_within_its_error_bar(canvas_length):
    exact = toy(canvas_length)
    nats, error = estimate_with_many_rows(exact.denoiser, exact.canvases)
    assert (error < 0.1).all()
    assert ((nats + exact.log_probability(exact.canvases)).abs() < 4 * error).all()


def test_bits_are_nats_over_the_logarithm_of_two():
    one = torch.ones(1)
    assert float(LikelihoodBound(nats=one, standard_error=one).bits) == pytest.approx(1.4426950)


def test_a_network_that_is_wrong_has_on_average_a_bound_above_the_entropy():
    exact, mistake = toy(2), torch.tensor([0.0, 0.5, -0.5], dtype=torch.float64)
    average = sum(
        float(chance) * integrated_bound(lambda noisy, t: exact.denoiser(noisy, t) + mistake, clean[None], "denoiser")
        for chance, clean in zip(exact.probability, exact.canvases, strict=True)
    )
    entropy = -float((exact.probability * exact.probability.log()).sum())
    assert average > entropy + 0.01


def test_a_network_that_knows_nothing_pays_the_uniform_price_for_every_token():
    def know_nothing(noisy, t):
        return torch.zeros(*noisy.shape, 3, dtype=torch.float64)

    bound = integrated_bound(know_nothing, torch.tensor([[2, 0]]), "leave_one_out")
    assert bound == pytest.approx(2 * math.log(3), abs=2e-4)


def test_masked_positions_are_not_measured():
    exact = toy(1)
    clean = torch.tensor([[0, 2], [1, 1]])

    def predict(noisy, t):
        return torch.cat([exact.denoiser(noisy[:, i : i + 1], t) for i in range(2)], dim=1)

    nats, error = estimate_with_many_rows(predict, clean, mask=torch.tensor([True, False]))
    assert ((nats + exact.log_probability(clean[:, :1])).abs() < 4 * error).all()


def test_the_same_generator_state_gives_the_same_estimate():
    exact = toy(2)
    estimates = [
        bound_likelihood(exact.denoiser, exact.canvases, corruption=CORRUPTION, generator=generator(3), num_samples=5)
        for _ in range(2)
    ]
    assert estimates[0].nats.equal(estimates[1].nats)


def test_an_error_bar_needs_two_samples():
    exact = toy(1)
    with pytest.raises(SettingError, match="num_samples is 1"):
        bound_likelihood(exact.denoiser, exact.canvases, corruption=CORRUPTION, generator=generator(), num_samples=1)
