"""The same prediction, whether a canvas has a pass of its own or its hidden states come from a pass made before."""

from dataclasses import fields

import pytest
import torch

from gesso.engine.denoiser import CachedDenoiser, HiddenDenoiser
from gesso.ops.read_head import HeadReading
from tests.tiny_model import tiny_network

CANVAS = 8


@pytest.fixture
def pair():
    network = tiny_network(3, vocab_size=97, canvas_length=CANVAS)
    cache = network.new_cache(batch=2, max_len=5)
    network.encode(torch.arange(20, 25).expand(2, -1), cache)
    canvas = torch.arange(CANVAS).expand(2, -1)
    own_pass = CachedDenoiser(network, cache)
    return canvas, own_pass, HiddenDenoiser(network, network.denoise_hidden(canvas, cache))


def test_both_predict_what_the_network_predicts(pair):
    canvas, own_pass, made_before = pair
    expected = own_pass.network.denoise(canvas, own_pass.cache)
    assert torch.equal(own_pass.denoise(canvas, None), expected)
    assert torch.equal(made_before.denoise(canvas, None), expected)


def test_what_is_fed_back_changes_a_pass_of_its_own(pair):
    canvas, own_pass, _ = pair
    fed_back = own_pass.embed(canvas)
    assert not torch.equal(own_pass.denoise(canvas, fed_back), own_pass.denoise(canvas, None))


def test_both_read_and_embed_alike(pair):
    canvas, own_pass, made_before = pair
    temperature, uniforms = torch.full((2,), 0.7), torch.rand(2, CANVAS, dtype=torch.float64)
    one, other = (denoiser.read(canvas, None, temperature, uniforms) for denoiser in (own_pass, made_before))
    for field in fields(HeadReading):
        assert torch.equal(getattr(one, field.name), getattr(other, field.name))
    logits = own_pass.denoise(canvas, None)
    assert torch.equal(own_pass.soft_embed(logits), made_before.soft_embed(logits))
    assert torch.equal(own_pass.embed(canvas), made_before.embed(canvas))
