"""A compiled network computes what the plain one does, and compiles once for all its layers."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import torch
from torch._dynamo.utils import counters

from tests.tiny_model import tiny_network

kinds = ("sliding_attention", "full_attention")
network = tiny_network(2, layer_types=kinds * 3, vocab_size=130)
twin = tiny_network(2, layer_types=kinds * 3, vocab_size=130)
network.compile_denoising()
cold, numbers = torch.tensor([0.7]), torch.rand(1, 16, generator=torch.Generator().manual_seed(0)).double()
with torch.no_grad():
    for length in (3, 9, 30):
        text, canvas = torch.arange(length)[None], torch.arange(40, 56)[None]
        readings = []
        for one in (network, twin):
            cache = one.new_cache(batch=1, max_len=length)
            one.encode(text, cache)
            hidden = one.denoise_hidden(canvas, cache, None)
            readings.append((hidden, one.read_head(hidden, cold, numbers)))
        (ours, reading), (theirs, expected) = readings
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)
        assert reading.argmax.equal(expected.argmax)
        assert reading.sampled.equal(expected.sampled)
        torch.testing.assert_close(reading.entropy, expected.entropy, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(reading.soft_embedding, expected.soft_embedding, rtol=1e-3, atol=1e-3)
print("graphs", counters["stats"]["unique_graphs"])
"""


@pytest.mark.slow
def test_a_compiled_network_is_the_plain_one_with_two_graphs_for_each_kind_of_layer_and_one_for_the_head():
    # In a process of its own, where no checks of types and shapes are between the compiler and the network.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    ran = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split("\n")[0] == "graphs 5"
