import pytest
import torch

from gesso.kernels import shared_memory
from gesso.kernels.shared_memory import H100_BYTES, first_that_fits, shared_bytes


@pytest.mark.parametrize(("room", "chosen"), [(400, 300), (300, 300), (299, 200), (100, 100), (10, 100)])
def test_the_first_tile_that_fits_is_chosen_or_else_the_last(monkeypatch, room, chosen):
    monkeypatch.setattr(shared_memory, "shared_bytes", lambda device: room)
    assert first_that_fits([300, 200, 100], lambda tile: tile, torch.device("cpu")) == chosen


def test_the_interpreter_has_the_room_of_an_h100():
    assert shared_bytes(torch.device("cpu")) == H100_BYTES
