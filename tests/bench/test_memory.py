import sys

import pytest
import torch

from gesso.bench.memory import forget_peak, held_bytes, peak_bytes

CPU = torch.device("cpu")
SIZE = 64_000_000


def test_a_peak_is_seen_though_the_memory_is_given_back():
    before = peak_bytes(CPU)
    block = bytearray(b"a") * SIZE
    del block
    assert peak_bytes(CPU) >= before
    assert peak_bytes(CPU) >= SIZE


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forgets a peak")
def test_a_forgotten_peak_is_gone():
    block = bytearray(b"a") * SIZE
    high = peak_bytes(CPU)
    del block
    forget_peak(CPU)
    assert held_bytes() <= peak_bytes(CPU) < high
