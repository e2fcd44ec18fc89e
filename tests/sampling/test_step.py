import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.sampling.accept import EntropyBound
from gesso.sampling.denoiser import Denoiser
from gesso.sampling.draws import canvas_generator, draw_canvas, draw_step
from gesso.sampling.pins import Pins
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.step import denoise_step, start_state
from gesso.sampling.temperature import ConstantTemperature
from tests.doubles import OracleDenoiser, RestlessDenoiser

SIZES = {"canvas_length": 10, "vocab_size": 20, "device": torch.device("cpu")}


def random_start(seed, batch=3, *, pins=None, sampler=None):
    sampler = SamplerSettings() if sampler is None else sampler
    generators = [canvas_generator(seed, row) for row in range(batch)]
    state = start_state(draw_canvas(generators, **SIZES), sampler, pins)
    target = torch.randint(20, (batch, 10), generator=torch.Generator().manual_seed(seed))
    return state, RestlessDenoiser(target, vocab_size=20), draw_step(generators, **SIZES)


def test_the_doubles_are_denoisers():
    _, network, _ = random_start(0)
    assert isinstance(network, Denoiser)
    assert isinstance(OracleDenoiser(network.target, vocab_size=20), Denoiser)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_accepted_positions_show_the_sampled_token_and_the_others_are_fresh_noise(seed):
    state, network, draws = random_start(seed)
    result = denoise_step(state, network, SamplerSettings(), draws)
    assert result.state.canvas.equal(torch.where(result.accepted, result.sampled, draws.renoise))
    assert result.accepted.equal(EntropyBound().accept(result.entropy, result.entropy))
    assert result.accepted.any(1).all()


def test_a_step_is_a_function_of_its_input():
    state, network, draws = random_start(1)
    before = state.canvas.clone()
    first, second = (denoise_step(state, network, SamplerSettings(), draws) for _ in range(2))
    assert state.canvas.equal(before)
    assert first.state.canvas.equal(second.state.canvas)
    assert first.state.conditioning.equal(second.state.conditioning)


def test_the_draft_and_what_is_fed_back_come_from_the_tempered_prediction():
    state, network, draws = random_start(2)
    result = denoise_step(state, network, SamplerSettings(), draws)
    logits = network.denoise(state.canvas, None) / 0.8
    assert result.temperature.tolist() == pytest.approx([0.8] * 3)
    assert result.state.draft.equal(logits.argmax(-1))
    torch.testing.assert_close(result.state.conditioning, network.soft_embed(logits))
    torch.testing.assert_close(result.mean_entropy, torch.distributions.Categorical(logits=logits).entropy().mean(-1))


def test_steps_are_counted_and_cool_the_canvas():
    state, network, draws = random_start(3)
    for step in range(3):
        result = denoise_step(state, network, SamplerSettings(), draws)
        assert result.temperature[0] == pytest.approx(0.4 + 0.4 * (48 - step) / 48)
        state = result.state
        assert state.step == step + 1
        assert state.steps_used.tolist() == [step + 1] * 3


def test_a_greedy_step_samples_the_most_likely_tokens_and_still_accepts_by_entropy():
    sampler = SamplerSettings(temperature=ConstantTemperature(value=0.0))
    state, network, draws = random_start(4)
    result = denoise_step(state, network, sampler, draws)
    assert result.sampled.equal(result.state.draft)
    assert not result.accepted.all()
    torch.testing.assert_close(
        result.entropy, torch.distributions.Categorical(logits=network.denoise(state.canvas, None)).entropy()
    )


def pins_for(seed, batch=3):
    source = torch.Generator().manual_seed(seed)
    return Pins(
        mask=torch.rand(batch, 10, generator=source) < torch.rand(batch, 1, generator=source),
        tokens=torch.randint(20, (batch, 10), generator=source),
    )


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000))
def test_pins_hold_in_every_canvas_draft_and_soft_embedding(seed):
    pins = pins_for(seed)
    state, network, draws = random_start(seed, pins=pins)
    assert state.canvas.equal(pins.apply(state.canvas))
    for _ in range(3):
        result = denoise_step(state, network, SamplerSettings(), draws)
        state = result.state
        for tokens in (state.canvas, state.draft, result.sampled):
            assert tokens.equal(pins.apply(tokens))
        assert result.accepted[pins.mask].all()
        embedded = network.embedding[pins.tokens] * 8**0.5
        torch.testing.assert_close(state.conditioning[pins.mask], embedded[pins.mask])


def test_pins_do_not_make_the_other_positions_look_certain():
    pins = Pins(mask=torch.arange(10).expand(3, 10) >= 2, tokens=torch.zeros(3, 10, dtype=torch.int64))
    state, network, draws = random_start(5, pins=pins)
    result = denoise_step(state, network, SamplerSettings(), draws)
    torch.testing.assert_close(result.mean_entropy, result.entropy[:, :2].mean(1))
    assert (result.mean_entropy > 0.1).all()


def test_a_canvas_of_pins_alone_is_certain():
    pins = Pins(mask=torch.ones(3, 10, dtype=torch.bool), tokens=torch.zeros(3, 10, dtype=torch.int64))
    state, network, draws = random_start(6, pins=pins)
    for step in (1, 2):
        state = denoise_step(state, network, SamplerSettings(), draws).state
        assert state.finished.tolist() == [step == 2] * 3


def test_no_pins_and_pins_nowhere_are_the_same():
    nowhere = Pins(mask=torch.zeros(3, 10, dtype=torch.bool), tokens=torch.zeros(3, 10, dtype=torch.int64))
    results = []
    for pins in (None, nowhere):
        state, network, draws = random_start(7, pins=pins)
        results.append(denoise_step(state, network, SamplerSettings(), draws))
    assert results[0].state.canvas.equal(results[1].state.canvas)
    torch.testing.assert_close(results[0].mean_entropy, results[1].mean_entropy)
