import random

import pytest
import torch

from gesso.errors import SettingError
from gesso.model.kv_cache import GrowingCache
from gesso.sampling.accept import TopK
from gesso.sampling.statistics import measure
from gesso.train.unroll import ContextDenoiser, Unroll
from tests.train.conftest import CANVAS, VOCAB, counting_batch


def denoiser_of(network, batch):
    cache = GrowingCache(network.config, batch=len(batch.text))
    network.encode(batch.text, cache)
    return ContextDenoiser(network=network, cache=cache.repeat_rows(batch.row), context=batch.context)


def draws_of(unroll, count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    cpu = torch.device("cpu")
    return unroll.draw(count, canvas_length=CANVAS, vocab_size=VOCAB, generator=generator, device=cpu)


def test_a_transition_samples_accepts_and_renoises(network):
    batch = counting_batch(random.Random(0))
    denoiser = denoiser_of(network, batch)
    unroll = Unroll(share=0.5, temperature=0.7, accept=TopK(per_step=3))
    (drawn,) = draws_of(unroll, len(batch.clean))
    canvas, conditioning = unroll.advance(denoiser, batch.clean, (drawn,))

    logits = denoiser.denoise(batch.clean, None) / 0.7
    statistics = measure(logits, torch.full((len(batch.clean),), 0.7), drawn.uniforms)
    certain = statistics.entropy.argsort(-1)[:, :3]
    expected = drawn.renoise.scatter(1, certain, statistics.sampled.gather(1, certain))
    assert torch.equal(canvas, expected)
    torch.testing.assert_close(conditioning, network.soft_embed(logits))
    assert not conditioning.requires_grad


def test_two_transitions_are_one_after_another_with_the_prediction_fed_back(network):
    batch = counting_batch(random.Random(1))
    denoiser = denoiser_of(network, batch)
    unroll = Unroll(share=0.5, steps=2)
    draws = next(drawn for seed in range(20) if len(drawn := draws_of(unroll, len(batch.clean), seed)) == 2)
    canvas, conditioning = unroll.advance(denoiser, batch.clean, draws)

    between, fed_back = unroll.advance(denoiser, batch.clean, draws[:1])
    logits = denoiser.denoise(between, fed_back) / unroll.temperature
    torch.testing.assert_close(conditioning, network.soft_embed(logits))
    assert canvas.shape == batch.clean.shape


def test_each_number_of_transitions_up_to_the_most_is_drawn():
    unroll = Unroll(share=0.5, steps=3)
    assert {len(draws_of(unroll, 2, seed)) for seed in range(40)} == {1, 2, 3}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"share": 0.0}, "share of unrolled canvases is 0"),
        ({"share": 1.5}, "share of unrolled canvases is 1.5"),
        ({"steps": 0}, "unroll of 0 steps"),
        ({"temperature": -1.0}, "temperature of an unroll is -1"),
    ],
)
def test_an_unroll_that_cannot_be_is_refused(changes, message):
    with pytest.raises(SettingError, match=message):
        Unroll(**({"share": 0.5} | changes))
