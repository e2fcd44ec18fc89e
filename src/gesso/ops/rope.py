"""Rotary position embedding: the specification.

Two kinds occur in DiffusionGemma. `default` turns every pair of components (Su et al., arXiv 2104.09864).
`proportional` turns only the first `partial` share of the pairs, at frequencies spaced as if all turned, and leaves
the rest unturned.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def rope_frequencies(head_dim: int, theta: float, partial: float) -> Float[Tensor, " H2"]:
    """Angle per position of each pair of components, in radians; zero where the pair does not turn.

    Args:
        head_dim: Head width H; pairs are (i, i + H/2).
        theta: Base of the geometric progression of wavelengths.
        partial: Share of the pairs that turn, in [0, 1]; 1 is the default kind.
    """
    num_turning = int(partial * head_dim // 2)
    exponents = torch.arange(0, 2 * num_turning, 2, dtype=torch.float32) / head_dim
    turning = 1.0 / theta**exponents
    return torch.cat([turning, torch.zeros(head_dim // 2 - num_turning)])


def rope_tables(
    positions: Int[Tensor, "B L"], frequencies: Float[Tensor, " H2"], dtype: torch.dtype
) -> tuple[Float[Tensor, "B 1 L H"], Float[Tensor, "B 1 L H"]]:
    """Cosines and sines for every position, computed in float32 and rounded to `dtype` once."""
    angles = positions[:, None, :, None].to(torch.float32) * frequencies
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos().to(dtype), angles.sin().to(dtype)


def apply_rope(
    x: Float[Tensor, "B N L H"], cos: Float[Tensor, "B 1 L H"], sin: Float[Tensor, "B 1 L H"]
) -> Float[Tensor, "B N L H"]:
    """Turn each pair (i, i + H/2) of every head by its position's angle."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin
