import pytest
import torch


@pytest.fixture
def canvas(twin):
    config = twin(0).config
    return torch.randint(config.vocab_size, (2, config.canvas_length), generator=torch.Generator().manual_seed(0))


def test_no_prediction_is_a_signal_of_zeros_bit_for_bit(twin, canvas):
    network = twin(0).network
    cache = network.new_cache(batch=2, max_len=0)
    zeros = torch.zeros(*canvas.shape, network.config.hidden_size)
    assert torch.equal(network.denoise(canvas, cache, None), network.denoise(canvas, cache, zeros))


def test_logits_of_zero_are_a_prediction_and_not_the_absence_of_one(twin, canvas):
    network = twin(0).network
    cache = network.new_cache(batch=2, max_len=0)
    uniform = network.soft_embed(torch.zeros(*canvas.shape, network.config.vocab_size))
    assert (network.denoise(canvas, cache, uniform) - network.denoise(canvas, cache)).abs().max() > 1e-2


def test_without_a_prediction_the_canvas_embeddings_are_only_normalised(twin):
    module = twin(0).network.self_conditioning
    embedded = 5 * torch.randn(2, 4, twin(0).config.hidden_size, generator=torch.Generator().manual_seed(0))
    out = module(embedded, None)
    torch.testing.assert_close(out.square().mean(dim=-1), torch.ones(2, 4))
    torch.testing.assert_close(torch.cosine_similarity(out, embedded, dim=-1), torch.ones(2, 4))


def test_a_prediction_moves_its_own_position_only(twin):
    module = twin(0).network.self_conditioning
    embedded, conditioning = torch.randn(
        2, 1, 4, twin(0).config.hidden_size, generator=torch.Generator().manual_seed(0)
    )
    changed = conditioning.clone()
    changed[0, 2] = 0
    moved = (module(embedded, conditioning) - module(embedded, changed)).abs().amax(dim=-1)[0]
    assert (moved > 0).tolist() == [False, False, True, False]
