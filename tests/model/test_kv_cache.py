import pytest
import torch

from gesso.errors import InputError
from gesso.model.kv_cache import GrowingCache, KVCache


def marked(config, layer, batch, count, value):
    """Keys that carry a number, and values that carry its negative."""
    heads, width = config.heads(layer)
    keys = torch.full((batch, heads, count, width), float(value))
    return keys, -keys


@pytest.fixture
def config(twin):
    return twin(0).config


@pytest.fixture
def cache(config):
    return KVCache(config, batch=2, max_len=6, dtype=torch.float32, device="cpu")


@pytest.mark.parametrize("seed", range(4))
def test_the_growing_cache_is_the_twin_of_the_fixed_one(twin, seed):
    network, config = twin(seed).network, twin(seed).config
    fixed, growing = network.new_cache(batch=2, max_len=80), GrowingCache(config, batch=2)
    generator = torch.Generator().manual_seed(seed)
    for length in (1, 2 * config.sliding_window, 5):
        text = torch.randint(config.vocab_size, (2, length), generator=generator)
        canvas = torch.randint(config.vocab_size, (2, config.canvas_length), generator=generator)
        torch.testing.assert_close(network.encode(text, fixed), network.encode(text, growing), rtol=0, atol=1e-5)
        torch.testing.assert_close(network.denoise(canvas, fixed), network.denoise(canvas, growing), rtol=0, atol=1e-5)
    assert fixed.lengths == growing.lengths == [6 + 2 * config.sliding_window] * 2


def test_each_row_is_written_behind_its_own_length(config, cache):
    cache.append(0, *marked(config, 0, 2, 3, 1))
    cache.advance([3, 1])
    cache.append(0, *marked(config, 0, 2, 2, 2))
    cache.advance([2, 2])
    keys, values = cache.read(0, 0, 5)
    assert keys[:, 0, :, 0].tolist() == [[1, 1, 1, 2, 2], [1, 2, 2, 0, 0]]
    assert torch.equal(values, -keys)
    assert cache.lengths == [5, 3]


def test_reading_a_part_gives_absolute_positions(config, cache):
    cache.append(0, *marked(config, 0, 2, 2, 1))
    cache.advance([2, 2])
    cache.append(0, *marked(config, 0, 2, 2, 2))
    assert cache.read(0, 1, 3)[0][0, 0, :, 0].tolist() == [1, 2]


def test_a_full_cache_says_how_large_it_must_be_and_stays_as_it_was(twin):
    network = twin(0).network
    cache = network.new_cache(batch=2, max_len=6)
    network.encode(torch.zeros(2, 4, dtype=torch.long), cache, lengths=[4, 2])
    before = [part.clone() for part in cache.read(0, 0, 6)]
    with pytest.raises(InputError, match="holds 6 positions and 7 are needed"):
        network.encode(torch.zeros(2, 3, dtype=torch.long), cache)
    assert cache.lengths == [4, 2]
    assert all(torch.equal(old, new) for old, new in zip(before, cache.read(0, 0, 6), strict=True))


@pytest.mark.parametrize(("batch", "max_len"), [(0, 4), (1, -1)])
def test_a_cache_needs_a_row_and_no_negative_room(twin, batch, max_len):
    with pytest.raises(InputError, match=f"{batch} rows and {max_len} positions"):
        twin(0).network.new_cache(batch=batch, max_len=max_len)


def test_size_counts_keys_and_values_of_every_layer(config, cache):
    layers = range(config.num_layers)
    assert cache.size_bytes() == sum(2 * 4 * 2 * 6 * heads * width for heads, width in map(config.heads, layers))


def test_rows_of_a_growing_cache_advance_together(config):
    with pytest.raises(InputError, match=r"\[3, 1\]"):
        GrowingCache(config, batch=2).advance([3, 1])


def test_an_empty_growing_cache_cannot_be_read(config):
    with pytest.raises(InputError, match="layer 1 of the cache is empty"):
        GrowingCache(config, batch=2).read(1, 0, 1)


def test_repeated_rows_hold_the_same_text(twin):
    network, config = twin(1).network, twin(1).config
    cache = GrowingCache(config, batch=2)
    text = torch.randint(config.vocab_size, (2, 20), generator=torch.Generator().manual_seed(0))
    canvas = torch.randint(config.vocab_size, (2, config.canvas_length), generator=torch.Generator().manual_seed(1))
    network.encode(text, cache)
    once = network.denoise(canvas, cache)
    rows = torch.tensor([1, 0, 1])
    again = network.denoise(canvas[rows], cache.repeat_rows(rows))
    torch.testing.assert_close(again, once[rows], rtol=0, atol=1e-5)


def test_gradients_reach_the_encoded_text_through_a_growing_cache(twin):
    network, config = twin(0).network, twin(0).config
    cache = GrowingCache(config, batch=1)
    weight = network.layers[0].encode_scalar
    weight.requires_grad_(True)
    try:
        network.encode(torch.arange(5)[None], cache)
        network.denoise(torch.arange(config.canvas_length)[None], cache).square().sum().backward()
        assert weight.grad.abs().item() > 0
    finally:
        weight.requires_grad_(False)
        weight.grad = None
