import torch

from gesso.engine.denoiser import CachedDenoiser
from gesso.lm.hole_denoiser import HoleDenoiser
from gesso.sampling.pins import Pins
from tests.tiny_model import CONFIG, tiny_network

LENGTH, WIDTH, VOCAB = CONFIG.canvas_length, 6, CONFIG.vocab_size


def setting():
    """A network, the cache of two rows, their canvases, and a prediction to feed back."""
    network = tiny_network()
    cache = network.new_cache(batch=2, max_len=4)
    network.encode(torch.tensor([[2, 7, 9, 40]] * 2), cache)
    generator = torch.Generator().manual_seed(0)
    canvas = torch.randint(VOCAB, (2, LENGTH), generator=generator)
    logits = torch.randn(2, LENGTH, VOCAB, generator=generator)
    return network, cache, canvas, logits


def hole_denoiser(network, cache, canvas, **more):
    return HoleDenoiser(
        network=network, cache=cache, rest=canvas[:, WIDTH:], **{"noise": torch.zeros_like(canvas, dtype=bool)} | more
    )


def test_a_hole_is_predicted_as_if_the_rest_of_the_canvas_were_pinned():
    network, cache, canvas, logits = setting()
    pins = Pins(mask=(torch.arange(LENGTH) >= WIDTH).expand(2, -1), tokens=canvas)
    conditioning = network.soft_embed(pins.apply_to_logits(logits))
    plain, fast = CachedDenoiser(network, cache), hole_denoiser(network, cache, canvas)
    for fed_back, fed_back_to_hole in ((None, None), (conditioning, network.soft_embed(logits[:, :WIDTH]))):
        found = fast.denoise(canvas[:, :WIDTH], fed_back_to_hole)
        torch.testing.assert_close(found, plain.denoise(canvas, fed_back)[:, :WIDTH], atol=1e-4, rtol=1e-4)


def test_where_noise_stays_nothing_is_fed_back():
    network, cache, canvas, logits = setting()
    noise = torch.zeros_like(canvas, dtype=torch.bool)
    noise[:, 4] = noise[:, 9] = True
    denoiser = hole_denoiser(network, cache, canvas, noise=noise)
    conditioning = network.soft_embed(logits[:, :WIDTH])
    other = conditioning.clone()
    other[:, 4] += 1
    found = denoiser.denoise(canvas[:, :WIDTH], conditioning)
    assert torch.equal(found, denoiser.denoise(canvas[:, :WIDTH], other))
    assert not torch.equal(found, hole_denoiser(network, cache, canvas).denoise(canvas[:, :WIDTH], conditioning))


def test_banned_tokens_have_no_probability():
    network, cache, canvas, _ = setting()
    found = hole_denoiser(network, cache, canvas, banned=(1, 5)).denoise(canvas[:, :WIDTH], None)
    assert found[..., [1, 5]].isneginf().all()
    assert found.softmax(-1).sum() > 0
    assert found.isfinite().sum() == found.numel() - 2 * 2 * WIDTH
