from random import Random

import pytest
import torch

from gesso.engine.kv_pool import KVPool
from gesso.model.kv_cache import Cache, KVCache
from tests.tiny_model import CONFIG

PAGE = 4


@pytest.fixture
def pool():
    return KVPool(CONFIG, num_pages=12, page_length=PAGE, dtype=torch.float32, device=torch.device("cpu"))


def random_keys(layer, batch, count, generator):
    heads, width = CONFIG.heads(layer)
    keys = torch.randn(batch, heads, count, width, generator=generator)
    return keys, -keys


def test_rows_of_a_pool_are_a_cache_for_the_network(pool):
    assert isinstance(pool.rows([[0]], [0], [3]), Cache)


@pytest.mark.parametrize("seed", range(6))
def test_pages_in_any_order_hold_what_a_cache_in_one_piece_holds(pool, seed):
    rng, generator = Random(seed), torch.Generator().manual_seed(seed)
    numbers = rng.sample(range(12), 12)
    tables, lengths = [numbers[:3], numbers[3:7], numbers[7:]], [0, 0, 0]
    plain = KVCache(CONFIG, batch=3, max_len=20, dtype=torch.float32, device="cpu")
    for _ in range(3):
        counts = [rng.randint(0, len(table) * PAGE - length) for table, length in zip(tables, lengths, strict=True)]
        cache = pool.rows(tables, lengths, counts)
        for layer in range(CONFIG.num_layers):
            keys, values = random_keys(layer, 3, max(counts), generator)
            cache.append(layer, keys, values)
            for row, count in enumerate(counts):  # the plain cache has no room for what fills rows up
                length = lengths[row]
                plain._keys[layer][row, :, length : length + count] = keys[row, :, :count]
                plain._values[layer][row, :, length : length + count] = values[row, :, :count]
        cache.advance(counts)
        plain.advance(counts)
        lengths = plain.lengths
        assert cache.lengths == lengths
        for layer in range(CONFIG.num_layers):
            start, stop = sorted(rng.sample(range(max(lengths) + 1), 2)) if max(lengths) else (0, 0)
            for ours, theirs in zip(
                pool.rows(tables, lengths).read(layer, start, stop), plain.read(layer, start, stop), strict=True
            ):
                assert torch.equal(ours, theirs)


def test_behind_the_end_of_a_row_there_are_zeros_whatever_the_page_held_before(pool):
    for layer in range(CONFIG.num_layers):
        pool.keys[layer][:, : 12 * PAGE].fill_(torch.nan)
    keys, _ = pool.rows([[3], [5, 6]], [0, 0], [2, 7]).read(0, 0, 7)
    assert keys[0, :, :2].isnan().all()
    assert keys[0, :, 2:].eq(0).all()
    assert keys[1].isnan().all()


def test_two_rows_may_share_a_page(pool):
    generator = torch.Generator().manual_seed(0)
    keys, values = random_keys(0, 1, PAGE, generator)
    pool.rows([[7]], [0], [PAGE]).append(0, keys, values)
    read, _ = pool.rows([[7, 1], [7, 2]], [PAGE, PAGE]).read(0, 0, PAGE)
    assert torch.equal(read, keys.expand_as(read))


def test_size_counts_keys_and_values_of_every_page(pool):
    per_position = sum(2 * 4 * heads * width for heads, width in map(CONFIG.heads, range(CONFIG.num_layers)))
    assert pool.size_bytes() == (12 * PAGE + 1) * per_position


def test_slots_tell_where_in_the_pool_each_position_lies(pool):
    generator, cache = torch.Generator().manual_seed(0), pool.rows([[3, 1], [5]], [0, 0], [7, 2])
    keys, values = random_keys(0, 2, 7, generator)
    cache.append(0, keys, values)
    cache.advance([7, 2])
    pool_keys, pool_values, slots = cache.slotted(0)
    for row, length in enumerate(cache.lengths):
        assert torch.equal(pool_keys[0][:, slots[row, :length]], keys[row, :, :length])
        assert torch.equal(pool_values[0][:, slots[row, :length]], values[row, :, :length])


def test_texts_that_only_the_device_knows_are_read_as_those_that_the_host_knows_and_blank_behind_them(pool):
    for buffer in (*pool.keys, *pool.values):
        buffer.uniform_()
        buffer[:, -1] = 0
    tables, lengths = [[3], [5, 6, 11]], [2, 9]
    known = pool.rows(tables, lengths)
    mapped = pool.mapped(torch.tensor([[3, 7, 7, 7], [5, 6, 11, 0]]), torch.tensor(lengths))
    assert mapped.lengths == [16, 16]
    for layer in range(CONFIG.num_layers):
        for ours, theirs in zip(mapped.read(layer, 0, 16), known.read(layer, 0, 9), strict=True):
            assert torch.equal(ours[:, :, :9], theirs)
            assert not ours[:, :, 9:].any()
