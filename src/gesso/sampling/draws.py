"""All randomness of the sampler: drawn here, row by row, before the step that uses it.

Each row of a batch has its own generator, so that its text does not depend on who shares the batch. The draws of a step
are small (a number and a token for each position), whatever the vocabulary.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from gesso.shapes import CanvasIds

COIN_BITS = 26
"""Bits of a uniform number, of 53, that come before those of the coin."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Draws:
    """The randomness of one step.

    Attributes:
        uniforms: one number in [0, 1) for each position, which chooses its token. In float64: 24 random bits
            are too few to choose fairly among 262144 tokens.
        renoise: the uniformly random token that each position takes if its sampled one is not accepted.
        vocab_size: how many tokens that was drawn from.
    """

    uniforms: Float64[Tensor, "B C"]
    renoise: CanvasIds
    vocab_size: int

    @property
    def coins(self) -> Float64[Tensor, "B C"]:
        """A second number in [0, 1) for each position: the lower half of the bits of the first.

        The upper half chooses the token, but for one in 2^26 at most, so the coin does not depend on it.
        """
        return (self.uniforms * 2**COIN_BITS).frac()


def canvas_generator(seed: int, canvas_index: int) -> torch.Generator:
    """Make the generator of one canvas of one request, on the CPU, so that every device gives the same draws.

    A request starts a new generator for each canvas: how many steps one canvas takes, or is given in vain because its
    end was noticed late, has no effect on the next.

    Args:
        seed: the request's seed, any integer.
        canvas_index: number of the canvas in the request, from 0.
    """
    digest = hashlib.blake2b(f"{seed}:{canvas_index}".encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little"))


def draw_canvas(
    generators: Sequence[torch.Generator], *, canvas_length: int, vocab_size: int, device: torch.device
) -> CanvasIds:
    """Draw the canvases of pure noise that denoising starts from; advances every generator."""
    return torch.stack([_tokens(generator, canvas_length, vocab_size) for generator in generators]).to(device)


def draw_step(
    generators: Sequence[torch.Generator],
    *,
    canvas_length: int,
    vocab_size: int,
    device: torch.device,
    active: Sequence[bool] | None = None,
) -> Draws:
    """Draw the randomness of one step.

    Args:
        generators: one for each row; advanced by an amount that depends on the canvas length alone.
        canvas_length: positions of a canvas.
        vocab_size: tokens to choose from.
        device: where the draws are needed.
        active: rows to draw for; the generators of the others are left alone and their draws are zeros. None: all.
    """
    uniforms = torch.zeros(len(generators), canvas_length, dtype=torch.float64)
    renoise = torch.zeros(len(generators), canvas_length, dtype=torch.int64)
    for row, generator in enumerate(generators):
        if active is None or active[row]:
            uniforms[row] = torch.rand(canvas_length, generator=generator, device=generator.device, dtype=torch.float64)
            renoise[row] = _tokens(generator, canvas_length, vocab_size)
    return Draws(uniforms=uniforms.to(device), renoise=renoise.to(device), vocab_size=vocab_size)


def _tokens(generator: torch.Generator, canvas_length: int, vocab_size: int) -> Tensor:
    return torch.randint(vocab_size, (canvas_length,), generator=generator, device=generator.device)
