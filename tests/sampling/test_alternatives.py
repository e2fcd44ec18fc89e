import pytest
import torch

from gesso.sampling.alternatives import Onlooker, likeliest
from gesso.sampling.denoise import denoise_canvas
from gesso.sampling.draws import canvas_generator
from gesso.sampling.pins import Pins
from gesso.sampling.settings import SamplerSettings
from tests.doubles import RestlessDenoiser

VOCAB, LENGTH = 20, 6


def run(denoiser, **more):
    return denoise_canvas(
        denoiser,
        SamplerSettings(max_steps=5),
        [canvas_generator(0, 0)],
        canvas_length=LENGTH,
        vocab_size=VOCAB,
        **more,
    )


@pytest.fixture
def denoiser():
    return RestlessDenoiser(torch.arange(LENGTH)[None], vocab_size=VOCAB)


def test_the_likeliest_tokens_come_with_the_probabilities_of_the_whole_vocabulary():
    logits = torch.randn(2, 3, VOCAB, generator=torch.Generator().manual_seed(0))
    found = likeliest(logits, 4)
    everything = logits.softmax(-1).sort(-1, descending=True)
    assert torch.equal(found.token_ids, everything.indices[..., :4])
    torch.testing.assert_close(found.probabilities, everything.values[..., :4])


def test_where_the_vocabulary_has_no_more_all_of_it_is_told():
    found = likeliest(torch.tensor([[[0.0, 1.0, float("-inf")]]]), 7)
    assert found.token_ids.tolist() == [[[1, 0, 2]]]
    assert found.probabilities.sum().item() == pytest.approx(1)
    assert found.probabilities[0, 0, 2] == 0


def test_looking_on_changes_nothing_and_the_first_alternative_is_the_draft(denoiser):
    onlooker = Onlooker(denoiser, 3)
    for alone, watched in zip(run(denoiser), run(onlooker), strict=True):
        assert torch.equal(alone.state.canvas, watched.state.canvas)
        assert torch.equal(alone.state.conditioning, watched.state.conditioning)
        assert torch.equal(onlooker.alternatives.token_ids[..., 0], watched.state.draft)


def test_a_pin_has_no_alternative(denoiser):
    onlooker = Onlooker(denoiser, 2)
    mask = torch.zeros(1, LENGTH, dtype=torch.bool)
    mask[0, 2] = True
    for _ in run(onlooker, pins=Pins(mask=mask, tokens=torch.full((1, LENGTH), 7))):
        assert onlooker.alternatives.token_ids[0, 2, 0] == 7
        assert onlooker.alternatives.probabilities[0, 2].tolist() == [1, 0]
