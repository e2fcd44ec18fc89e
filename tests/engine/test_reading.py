"""A step whose network reads its own prediction is the step that is taken from logits."""

from dataclasses import dataclass, replace

import pytest
import torch

from gesso.constrain.constraint import CanvasConstraint, constrain_row
from gesso.engine.denoiser import CachedDenoiser
from gesso.sampling.denoise import first_state, next_step
from gesso.sampling.denoiser import Denoiser, Reader
from gesso.sampling.draws import canvas_generator
from gesso.sampling.pins import Pins
from gesso.sampling.settings import SamplerSettings
from tests.engine.doubles import rule_of
from tests.tiny_model import tiny_network

BATCH, CANVAS = 2, 8


@dataclass
class LogitsOnly:
    """The same denoiser without the methods of a `Reader`: the plain twin."""

    denoiser: Denoiser

    def denoise(self, canvas, conditioning):
        return self.denoiser.denoise(canvas, conditioning)

    def soft_embed(self, logits):
        return self.denoiser.soft_embed(logits)


def denoiser_after(text_length):
    network = tiny_network(3, vocab_size=97, canvas_length=CANVAS)
    # Strong feedback makes an untrained network chaotic: a difference in the last bit grows tenfold a step.
    network.self_conditioning.feed_forward.down_proj.weight.mul_(0.1)
    cache = network.new_cache(batch=BATCH, max_len=text_length)
    network.encode(torch.arange(20, 20 + text_length).expand(BATCH, -1), cache)
    return CachedDenoiser(network, cache)


def steps(denoiser, settings, pins, constraint=None):
    generators = [canvas_generator(5, row) for row in range(BATCH)]
    state = first_state(settings, generators, canvas_length=CANVAS, vocab_size=97, pins=pins, constraint=constraint)
    for _ in range(settings.max_steps):
        result = next_step(state, denoiser, settings, generators, 97)
        state = result.state
        yield result


def test_the_networks_denoisers_read_and_the_plain_twin_does_not():
    denoiser = denoiser_after(5)
    assert isinstance(denoiser, Reader)
    assert not isinstance(LogitsOnly(denoiser), Reader)


@pytest.mark.parametrize("ruled", [False, True])
@pytest.mark.parametrize("pinned", [False, True])
@pytest.mark.parametrize("temperature", [None, 0.0])
def test_every_step_is_the_same_with_and_without_logits(temperature, pinned, ruled):
    settings = SamplerSettings().with_overrides(steps=4, entropy_bound=2.0, confidence=1e-9)
    if temperature is not None:
        settings = settings.with_overrides(temperature=temperature)
    mask = torch.arange(CANVAS).expand(BATCH, CANVAS) % 3 == 0
    pins = Pins(mask=mask, tokens=torch.full((BATCH, CANVAS), 70)) if pinned else None
    denoiser = denoiser_after(5)
    rule = rule_of("[a-f].*b.*|b.+", vocab_size=97)  # token 70 is spelled b
    row = constrain_row(rule, state=0, remaining=30, canvas_length=CANVAS)
    both = CanvasConstraint.of([None, row], canvas_length=CANVAS, device=torch.device("cpu"))
    constraint = both if ruled else None
    both_ways = (steps(one, settings, pins, constraint) for one in (denoiser, LogitsOnly(denoiser)))
    for read, plain in zip(*both_ways, strict=True):
        assert read.state.canvas.equal(plain.state.canvas)
        assert read.state.draft.equal(plain.state.draft)
        assert read.sampled.equal(plain.sampled)
        assert read.accepted.equal(plain.accepted)
        torch.testing.assert_close(read.entropy, plain.entropy, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(read.state.conditioning, plain.state.conditioning, rtol=1e-3, atol=1e-3)


def test_a_step_never_asks_for_logits_unless_it_must(monkeypatch):
    denoiser = denoiser_after(5)
    monkeypatch.setattr(type(denoiser.network), "head", None)
    settings = SamplerSettings(max_steps=2)
    assert len(list(steps(denoiser, settings, None))) == 2
    rows = [constrain_row(rule_of(".+", vocab_size=97), state=0, remaining=30, canvas_length=CANVAS)] * BATCH
    constraint = CanvasConstraint.of(rows, canvas_length=CANVAS, device=torch.device("cpu"))
    assert len(list(steps(denoiser, settings, None, constraint))) == 2
    with pytest.raises(TypeError):
        next(steps(LogitsOnly(denoiser), replace(settings, max_steps=1), None))
