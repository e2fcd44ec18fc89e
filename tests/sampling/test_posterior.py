from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.diffusion.corruption import UniformCorruption
from gesso.errors import SettingError
from gesso.sampling.draws import Draws
from gesso.sampling.pins import Pins
from gesso.sampling.posterior import ExactPosterior, GibbsCorrector
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.step import denoise_step, start_state
from gesso.sampling.stop import NeverStop
from gesso.sampling.temperature import ConstantTemperature
from tests.doubles import ExactDenoiser
from tests.sampling.test_transition import proposal

COINS = 6000
"""So many even coins stand for all: a share that is read off them is exact to 2 / COINS."""


class AtLevel:
    """The best possible network for a toy language, told the noise level that it is never told otherwise."""

    def __init__(self, exact: ExactDenoiser) -> None:
        self.exact, self.t = exact, 1.0

    def denoise(self, canvas, conditioning):
        return self.exact.denoiser(canvas, torch.full((len(canvas), 1), self.t)).float()

    def soft_embed(self, logits):
        return torch.zeros(*logits.shape[:2], 1)


def exact_denoiser(seed, canvas_length, vocab_size=3):
    source = torch.Generator().manual_seed(seed)
    probability = torch.rand(vocab_size**canvas_length, generator=source).pow(3)
    return ExactDenoiser(probability, vocab_size=vocab_size, canvas_length=canvas_length)


def draws_for(source, shape, vocab_size):
    return Draws(
        uniforms=torch.rand(shape, generator=source, dtype=torch.float64),
        renoise=torch.randint(vocab_size, shape, generator=source),
        vocab_size=vocab_size,
    )


def sampler(rule, max_steps):
    return SamplerSettings(
        max_steps=max_steps, temperature=ConstantTemperature(value=1.0), acceptance=rule, stop=NeverStop()
    )


def shares(canvases, exact):
    """How often each canvas of the toy language is among these."""
    return (canvases[:, None] == exact.canvases).all(-1).double().mean(0)


@pytest.mark.parametrize("max_steps", [1, 2, 5])
@pytest.mark.parametrize("sampled", [2, 4])
def test_a_step_has_the_probabilities_of_the_reverse_process(max_steps, sampled):
    vocab_size = 6
    corruption = UniformCorruption(vocab_size=vocab_size)
    shown, clean = torch.tensor([[4]]), torch.tensor([[sampled]])
    for step in range(max_steps):
        t, s = (torch.tensor([[1 - n / max_steps]], dtype=torch.float64) for n in (step, step + 1))
        seen = proposal(
            shape=(1, COINS),
            canvas=shown.expand(1, COINS),
            sampled=clean.expand(1, COINS),
            noise=torch.full((1, COINS), vocab_size),
            coins=(torch.arange(COINS, dtype=torch.float64)[None] + 0.5) / COINS,
            vocab_size=vocab_size,
            step=step,
            max_steps=max_steps,
        )
        counts = ExactPosterior().advance(seen)[0][0].bincount(minlength=vocab_size + 1) / COINS
        probabilities = counts[:vocab_size] + counts[vocab_size] / vocab_size
        expected = corruption.posterior(shown, clean, s, t)[0, 0].float()
        torch.testing.assert_close(probabilities, expected, atol=3 / COINS, rtol=0)


def test_the_last_step_takes_every_sample():
    seen = proposal(step=7, max_steps=8)
    canvas, accepted = ExactPosterior().advance(seen)
    assert accepted.all()
    assert canvas.equal(seen.sampled)


def test_where_positions_are_independent_the_steps_draw_from_the_language_itself():
    """With one position nothing is lost by predicting positions one by one, so any number of steps is exact."""
    exact, source = exact_denoiser(0, 1, vocab_size=5), torch.Generator().manual_seed(0)
    network, shape = AtLevel(exact), (20_000, 1)
    for max_steps in (1, 3):
        settings = sampler(ExactPosterior(), max_steps)
        state = start_state(torch.randint(5, shape, generator=source), settings)
        for step in range(max_steps):
            network.t = 1 - step / max_steps
            state = denoise_step(state, network, settings, draws_for(source, shape, 5)).state
        torch.testing.assert_close(shares(state.canvas, exact), exact.probability, atol=0.015, rtol=0)


@pytest.mark.parametrize("step", [1, 3])
def test_a_corrected_position_is_right_given_the_others_whatever_it_showed(step):
    """One step of Gibbs sampling: only the token of the position that is not drawn anew must have been right."""
    exact, source = exact_denoiser(1, 2), torch.Generator().manual_seed(step)
    rule = GibbsCorrector(every=2, share=1.0)
    keep = rule.keep_probability(step, 6)
    network = AtLevel(exact)
    network.t = 1 - keep
    noise = UniformCorruption(vocab_size=3)
    t = torch.full((30_000, 1), network.t)
    clean = exact.canvases[torch.multinomial(exact.probability, 30_000, replacement=True, generator=source)]
    right = noise.corrupt(clean, t, source)
    wrong = right.clone()
    wrong[:, 0] = 0
    settings = sampler(rule, 6)
    others = Pins(mask=torch.tensor([False, True]).expand(30_000, 2), tokens=wrong)
    state = replace(start_state(wrong, settings, others), step=step)
    corrected = denoise_step(state, network, settings, draws_for(source, (30_000, 2), 3)).state.canvas
    expected = torch.einsum("n,bnv,bnw->vw", exact.probability, *marginals(noise, exact, network.t)).flatten()
    assert (shares(wrong, exact) - expected).abs().max() > 0.1
    torch.testing.assert_close(shares(corrected, exact), expected, atol=0.015, rtol=0)


def marginals(noise, exact, t):
    """Probabilities of each token at both positions of each canvas after noise, [1, N, V] twice."""
    both = noise.marginal(exact.canvases, torch.full((len(exact.canvases), 1), t, dtype=torch.float64))
    return both[None, :, 0], both[None, :, 1]


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 5), st.integers(1, 60))
def test_correcting_steps_lie_between_steps_to_less_noise_which_are_all_of_the_posterior(every, max_steps):
    rule = GibbsCorrector(every=every)
    levels = [rule.keep_probability(step, max_steps) for step in range(max_steps)]
    corrections = [level for level in levels if level is not None]
    assert levels[0] is levels[-1] is None
    assert corrections == sorted(corrections)
    assert all(0 < level < 1 for level in corrections)
    assert len(corrections) == (max_steps - 1) // every
    posterior = ExactPosterior()
    taken, total = 0, max_steps - len(corrections)
    for step, level in enumerate(levels):
        if level is not None:
            assert level == taken / total
            continue
        seen = proposal(step, step=step, max_steps=max_steps)
        expected = posterior.advance(replace(seen, step=taken, max_steps=total))[0]
        assert rule.advance(seen)[0].equal(expected)
        taken += 1
    assert taken == total


def test_a_correcting_step_leaves_most_positions_as_they_are():
    seen = proposal(shape=(8, 500), step=5, max_steps=8)
    rule = GibbsCorrector(every=2, share=0.2)
    keep = rule.keep_probability(5, 8)
    canvas, accepted = rule.advance(seen)
    assert keep == 3 / 5
    assert float(accepted.double().mean()) == pytest.approx(0.2 * keep, abs=0.02)
    assert float((canvas == seen.canvas).double().mean()) == pytest.approx(0.8, abs=0.04)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GibbsCorrector(every=1), "one of 1 steps is to correct; give 2 or more"),
        (lambda: GibbsCorrector(share=0.0), "share of corrected positions is 0"),
        (lambda: GibbsCorrector(share=1.5), "share of corrected positions is 1.5"),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(SettingError, match=message):
        make()
