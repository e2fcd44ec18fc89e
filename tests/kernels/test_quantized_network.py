"""Weights in few bits, by kernels and by plain torch."""

import pytest
import torch

from gesso.ops.gpu_kernels import choose_kernels
from gesso.quant.network import quantize_network
from gesso.quant.scheme import SCHEMES, choose_scheme
from tests.tiny_model import CONFIG, tiny_network

pytest.importorskip("triton", reason="triton is not installed, so there are no kernels to test")


@pytest.mark.parametrize("name", SCHEMES)
@torch.no_grad()
def test_a_quantized_network_reads_a_canvas_alike(name, device):
    logits = []
    for kernels in (None, choose_kernels("triton", device)):
        network = tiny_network(vocab_size=300)
        quantize_network(network, choose_scheme(name))
        network.to(device).use_kernels(kernels)
        generator = torch.Generator().manual_seed(0)
        text, canvas = (torch.randint(300, (2, n), generator=generator).to(device) for n in (9, CONFIG.canvas_length))
        cache = network.new_cache(batch=2, max_len=16)
        network.encode(text, cache)
        logits.append(network.denoise(canvas, cache))
    torch.testing.assert_close(*logits, rtol=1e-3, atol=1e-3)
