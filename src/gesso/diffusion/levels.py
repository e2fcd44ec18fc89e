"""How training draws the noise levels of a batch of canvases.

Whatever the rule, a level is drawn for every position, [B, C]; most rules give one level to a whole canvas.
"""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from gesso.errors import SettingError

DrawnLevels = Float[Tensor, "B C"]
"""A noise level in [0, 1] for each canvas position."""


@runtime_checkable
class LevelSampler(Protocol):
    """A distribution of noise levels over batches of canvases."""

    def draw(self, batch: int, canvas: int, generator: torch.Generator) -> DrawnLevels:
        """Draw the levels of `batch` canvases of `canvas` positions, on the generator's device."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class UniformLevels:
    """One level for a whole canvas, uniform on [low, high].

    Attributes:
        low: lowest level.
        high: highest level.
        stratified: give each row its own stratum of the range, in random order: every row is still uniform, and a
            batch covers the range evenly, which lowers the variance of the loss.
    """

    low: float = 0.0
    high: float = 1.0
    stratified: bool = True

    def __post_init__(self) -> None:
        _check_range(self.low, self.high)

    def draw(self, batch: int, canvas: int, generator: torch.Generator) -> DrawnLevels:
        """Draw one level for each canvas."""
        device = generator.device
        uniform = torch.rand(batch, generator=generator, device=device)
        if self.stratified:
            uniform = (torch.randperm(batch, generator=generator, device=device) + uniform) / batch
        return (self.low + (self.high - self.low) * uniform)[:, None].expand(batch, canvas).contiguous()


@dataclass(frozen=True, kw_only=True, slots=True)
class PerTokenLevels:
    """A level for each position by itself, uniform on [low, high] ("diffusion forcing", Chen et al. 2024).

    The canvases of a sampler look like this: some positions settled, others still noise.
    """

    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        _check_range(self.low, self.high)

    def draw(self, batch: int, canvas: int, generator: torch.Generator) -> DrawnLevels:
        """Draw an independent level for each position."""
        uniform = torch.rand(batch, canvas, generator=generator, device=generator.device)
        return self.low + (self.high - self.low) * uniform


@dataclass(frozen=True, kw_only=True, slots=True)
class SpanLevels:
    """One contiguous span of pure noise (t = 1) in a canvas that is clean otherwise: the task of infilling.

    Attributes:
        min_fraction: shortest span, as a fraction of the canvas; a span has at least one position.
        max_fraction: longest span, as a fraction of the canvas.
        max_rest: outside the span a canvas has one level, uniform on [0, max_rest]; 0 leaves it clean.
    """

    min_fraction: float = 0.05
    max_fraction: float = 0.75
    max_rest: float = 0.0

    def __post_init__(self) -> None:
        _check_range(self.min_fraction, self.max_fraction, "min_fraction", "max_fraction")
        if not 0 <= self.max_rest <= 1:
            raise SettingError(f"max_rest is {self.max_rest:g}; give a level from 0 (clean) to 1 (pure noise)")

    def draw(self, batch: int, canvas: int, generator: torch.Generator) -> DrawnLevels:
        """Draw a span and a level around it for each canvas; the length and then the place are uniform."""
        size, place, rest = torch.rand(3, batch, 1, generator=generator, device=generator.device)
        shortest, longest = max(1, round(self.min_fraction * canvas)), max(1, round(self.max_fraction * canvas))
        length = shortest + (size * (longest - shortest + 1)).long()
        start = (place * (canvas - length + 1)).long()
        position = torch.arange(canvas, device=generator.device)
        in_span = (position >= start) & (position < start + length)
        return torch.where(in_span, torch.ones_like(rest), self.max_rest * rest)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mixture:
    """Chooses one of several rules for each canvas.

    To see the difficult levels more often, for instance, mix `UniformLevels()` with `UniformLevels(low=0.6)`.

    Attributes:
        parts: pairs of weight and rule; the weights need not sum to one.
    """

    parts: tuple[tuple[float, LevelSampler], ...]

    def __post_init__(self) -> None:
        weights = [weight for weight, _ in self.parts]
        if not weights or not all(0 <= weight < math.inf for weight in weights) or sum(weights) == 0:
            raise SettingError(f"the mixture's weights are {weights}; give at least one, none negative, not all zero")

    def draw(self, batch: int, canvas: int, generator: torch.Generator) -> DrawnLevels:
        """Draw the levels of every rule for the whole batch, and for each canvas keeps those of one."""
        weights = torch.tensor([weight for weight, _ in self.parts], device=generator.device)
        chosen = torch.multinomial(weights, batch, replacement=True, generator=generator)
        drawn = torch.stack([rule.draw(batch, canvas, generator) for _, rule in self.parts])
        return drawn[chosen, torch.arange(batch, device=generator.device)]


def _check_range(low: float, high: float, low_name: str = "low", high_name: str = "high") -> None:
    if not 0 <= low <= high <= 1:
        raise SettingError(
            f"{low_name} is {low:g} and {high_name} is {high:g}; they must satisfy 0 <= {low_name} <= {high_name} <= 1"
        )
