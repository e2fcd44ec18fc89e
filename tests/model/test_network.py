"""Laws of the two modes that hold without looking at any other implementation."""

import itertools
from random import Random

import pytest
import torch

from gesso.errors import InputError
from gesso.model.kv_cache import GrowingCache

SEEDS = range(6)


def ids(config, batch, length, seed=0):
    return torch.randint(config.vocab_size, (batch, length), generator=torch.Generator().manual_seed(seed))


def assert_equal_up_to_rounding(ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=0, atol=3e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_encoding_in_pieces_equals_encoding_whole(twin, seed):
    network, config = twin(seed).network, twin(seed).config
    text, canvas = ids(config, 2, 45, seed), ids(config, 2, config.canvas_length, seed + 100)
    whole, pieces = network.new_cache(batch=2, max_len=45), network.new_cache(batch=2, max_len=45)
    hidden = network.encode(text, whole)
    cuts = [0, *sorted(Random(seed).sample(range(1, 45), k=4)), 45]
    parts = [network.encode(text[:, start:stop], pieces) for start, stop in itertools.pairwise(cuts)]
    assert_equal_up_to_rounding(torch.cat(parts, dim=1), hidden)
    assert_equal_up_to_rounding(network.denoise(canvas, pieces), network.denoise(canvas, whole))


@pytest.mark.parametrize("seed", SEEDS)
def test_denoising_never_writes_the_cache(twin, seed):
    network, config = twin(seed).network, twin(seed).config
    cache = network.new_cache(batch=2, max_len=40)
    network.encode(ids(config, 2, 21), cache, lengths=[21, 9])
    before = [part.clone() for layer in range(config.num_layers) for part in cache.read(layer, 0, 40)]
    network.denoise(ids(config, 2, config.canvas_length), cache)
    after = [part for layer in range(config.num_layers) for part in cache.read(layer, 0, 40)]
    assert all(map(torch.equal, before, after))
    assert cache.lengths == [21, 9]


@pytest.mark.parametrize("contexts", [[7, 7], [0, 30], [1, 19], [30, 30]])
@pytest.mark.parametrize("seed", SEEDS)
def test_denoising_in_the_middle_of_a_text_sees_nothing_that_comes_after(twin, seed, contexts):
    network, config = twin(seed).network, twin(seed).config
    text, canvas = ids(config, 2, 30, seed), ids(config, 2, config.canvas_length, seed + 1)
    whole = GrowingCache(config, batch=2)
    network.encode(text, whole)
    logits = network.denoise(canvas, whole, context=torch.tensor(contexts))
    for row, context in enumerate(contexts):
        only = network.new_cache(batch=1, max_len=30)
        if context:
            network.encode(text[row : row + 1, :context], only)
        assert_equal_up_to_rounding(logits[row : row + 1], network.denoise(canvas[row : row + 1], only))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_row_does_not_depend_on_the_rows_beside_it_nor_on_what_fills_it_up(twin, seed):
    network, config = twin(seed).network, twin(seed).config
    lengths = [13, 29, 1]
    text, canvas = ids(config, 3, 29, seed), ids(config, 3, config.canvas_length, seed + 1)
    cache = network.new_cache(batch=3, max_len=29)
    hidden = network.encode(text, cache, lengths=lengths)
    logits = network.denoise(canvas, cache)
    for row, length in enumerate(lengths):
        alone = network.new_cache(batch=1, max_len=29)
        assert_equal_up_to_rounding(hidden[row, :length], network.encode(text[row : row + 1, :length], alone)[0])
        assert_equal_up_to_rounding(logits[row], network.denoise(canvas[row : row + 1], alone)[0])


def test_text_is_read_left_to_right(twin):
    network, config = twin(0).network, twin(0).config
    text = ids(config, 1, 12)
    changed = text.clone()
    changed[0, 7] = (changed[0, 7] + 1) % config.vocab_size
    first, second = (network.encode(t, network.new_cache(batch=1, max_len=12))[0] for t in (text, changed))
    assert_equal_up_to_rounding(first[:7], second[:7])
    assert not torch.isclose(first[7:], second[7:], atol=1e-3).all(dim=-1).any()


def test_every_canvas_position_sees_every_other_even_beyond_the_window(twin):
    network = twin(0, sliding_window=2, layer_types=("sliding_attention", "full_attention")).network
    canvas = ids(network.config, 1, 16)
    cache = network.new_cache(batch=1, max_len=0)
    before = network.denoise(canvas, cache)
    for position in range(16):
        changed = canvas.clone()
        changed[0, position] = (changed[0, position] + 1) % network.config.vocab_size
        moved = (network.denoise(changed, cache) - before).abs().amax(dim=-1)
        assert moved.min() > 1e-5


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_logits_are_float32_and_within_the_softcap(twin, dtype):
    config = twin(0).config
    network = type(twin(0).network)(config)
    network.load_state_dict(twin(0).network.state_dict())
    network.embed_tokens.weight.data *= 50
    network.to(dtype)
    cache = network.new_cache(batch=1, max_len=0)
    logits = network.denoise(ids(config, 1, config.canvas_length), cache)
    assert logits.dtype == torch.float32
    assert 0.9 * config.final_logit_softcapping < logits.abs().max() <= config.final_logit_softcapping


@pytest.mark.parametrize("lengths", [[4, 5], [4, -1], [4], [4, 4, 4]])
def test_lengths_that_do_not_fit_the_tokens_are_refused(twin, lengths):
    network = twin(0).network
    cache = network.new_cache(batch=2, max_len=16)
    with pytest.raises(InputError, match="give 2 lengths of at most 4"):
        network.encode(ids(network.config, 2, 4), cache, lengths=lengths)
    assert cache.lengths == [0, 0]


def test_a_cache_of_other_rows_is_refused(twin):
    network, config = twin(0).network, twin(0).config
    cache = network.new_cache(batch=3, max_len=4)
    with pytest.raises(InputError, match="the cache has 3 rows and the tokens 2"):
        network.encode(ids(config, 2, 4), cache)
    with pytest.raises(InputError, match="the cache has 3 rows and the tokens 1"):
        network.denoise(ids(config, 1, config.canvas_length), cache)
