"""How much of a device's fast memory one program of a kernel may use, and which tile fits into it."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeVar

import torch

Tile = TypeVar("Tile")

H100_BYTES = 227 * 1024
"""Shared memory of a program on an H100; consumer cards have 99 KiB."""


def first_that_fits(tiles: Sequence[Tile], needs: Callable[[Tile], int], device: torch.device) -> Tile:
    """The first tile whose need of shared memory, in bytes, a device can meet; the last if it can meet none."""
    room = shared_bytes(device)
    return next((tile for tile in tiles if needs(tile) <= room), tiles[-1])


def shared_bytes(device: torch.device) -> int:
    """Shared memory of a program; on a CPU, where kernels are interpreted, as much as an H100 has."""
    return _of_gpu(device.index or 0) if device.type == "cuda" else H100_BYTES


@cache
def _of_gpu(index: int) -> int:
    from triton.runtime import driver

    return int(driver.active.utils.get_device_properties(index)["max_shared_mem"])
