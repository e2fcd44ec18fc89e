"""The whole network by kernels and by plain torch."""

import pytest
import torch

import gesso
from gesso.engine.kv_pool import KVPool
from gesso.errors import InputError
from gesso.ops.gpu_kernels import choose_kernels
from tests.tiny_model import CONFIG, save_tiny_model, tiny_network

pytest.importorskip("triton", reason="triton is not installed, so there are no kernels to test")


@pytest.fixture
def networks(device):
    plain, fast = (tiny_network(vocab_size=300).to(device) for _ in range(2))
    fast.use_kernels(choose_kernels("triton", device))
    return plain, fast


def tokens(*shape, device):
    return torch.randint(300, shape, generator=torch.Generator().manual_seed(0)).to(device)


@torch.no_grad()
def test_text_and_canvases_of_rows_of_different_length_are_read_alike(networks, device):
    text, canvas = tokens(2, 9, device=device), tokens(2, CONFIG.canvas_length, device=device)
    logits = []
    for network in networks:
        cache = network.new_cache(batch=2, max_len=32)
        network.encode(text, cache, lengths=[9, 4])
        first = network.denoise(canvas, cache)
        logits.append(network.denoise(canvas, cache, network.soft_embed(first / 0.8)))
    torch.testing.assert_close(*logits, rtol=1e-3, atol=1e-3)


@torch.no_grad()
def test_a_canvas_without_a_text_before_it_is_read_alike(networks, device):
    canvas = tokens(1, CONFIG.canvas_length, device=device)
    logits = [network.denoise(canvas, network.new_cache(batch=1, max_len=0)) for network in networks]
    torch.testing.assert_close(*logits, rtol=1e-3, atol=1e-3)


@torch.no_grad()
def test_a_canvas_may_follow_a_part_of_the_text(networks, device):
    text, canvas = tokens(2, 9, device=device), tokens(2, CONFIG.canvas_length, device=device)
    logits = []
    for network in networks:
        cache = network.new_cache(batch=2, max_len=32)
        network.encode(text, cache)
        logits.append(network.denoise(canvas, cache, context=torch.tensor([9, 3], device=device)))
    torch.testing.assert_close(*logits, rtol=1e-3, atol=1e-3)


@torch.no_grad()
def test_pages_of_a_pool_are_read_alike(networks, device):
    text, canvas = tokens(2, 9, device=device), tokens(2, CONFIG.canvas_length, device=device)
    logits = []
    for network in networks:
        pool = KVPool(network.config, num_pages=6, page_length=4, dtype=torch.float32, device=device)
        tables = [[4, 0, 2], [5, 1]]
        network.encode(text, pool.rows(tables, [0, 0], [9, 5]), lengths=[9, 5])
        logits.append(network.denoise(canvas, pool.rows(tables, [9, 5])))
    torch.testing.assert_close(*logits, rtol=1e-3, atol=1e-3)


def test_plain_torch_can_be_returned_to(networks, device):
    fast = networks[1]
    fast.use_kernels(None)
    canvas = tokens(1, CONFIG.canvas_length, device=device)
    logits = [network.denoise(canvas, network.new_cache(batch=1, max_len=0)) for network in networks]
    assert torch.equal(*logits)


def test_a_network_in_training_is_refused(device):
    with pytest.raises(InputError, match="no gradients"):
        tiny_network().requires_grad_(True).use_kernels(choose_kernels("triton", device))


def test_training_that_begins_later_is_refused(networks, device):
    fast = networks[1].requires_grad_(True)
    with pytest.raises(InputError, match="before training"):
        fast.denoise(tokens(1, CONFIG.canvas_length, device=device), fast.new_cache(batch=1, max_len=0))


@pytest.mark.slow
def test_a_model_that_is_loaded_with_kernels_writes_the_same_text(tmp_path, device):
    folder = save_tiny_model(tmp_path)
    written = [
        gesso.load(folder, dtype=torch.float32, device=device, kernels=kernels).generate("a", seed=0, max_new_tokens=8)
        for kernels in ("plain", "triton")
    ]
    assert written[0].token_ids == written[1].token_ids
