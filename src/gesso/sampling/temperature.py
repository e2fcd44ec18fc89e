"""The temperature that logits are divided by, as a function of the step."""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from gesso.errors import SettingError


@runtime_checkable
class Temperature(Protocol):
    """Temperature of each step. At zero the most likely token is taken; see `statistics.temper`."""

    def at(self, step: int, num_steps: int) -> float:
        """Temperature of step `step`, counted from 0, of at most `num_steps`."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class LinearTemperature:
    """Falls from `start` at the first step towards `end`.

    The schedule counts the steps that remain, the current one included: `end` would be reached one step after the
    last. With the published 0.8, 0.4 and 48 steps the first step has 0.8 and the last 0.4 + 0.4 / 48.

    Attributes:
        start: temperature of the first step (`t_max` in generation_config.json).
        end: temperature that the schedule runs towards (`t_min`), at most `start`.
    """

    start: float = 0.8
    end: float = 0.4

    def __post_init__(self) -> None:
        _check(self.start, "the start temperature (t_max)")
        _check(self.end, "the end temperature (t_min)")
        if self.end > self.start:
            raise SettingError(
                f"t_min is {self.end:g} and t_max is {self.start:g}; a canvas cools, so t_min must not be above t_max"
            )

    def at(self, step: int, num_steps: int) -> float:
        """Temperature of a step, counted from 0."""
        return self.end + (self.start - self.end) * ((num_steps - step) / num_steps)


@dataclass(frozen=True, kw_only=True, slots=True)
class ConstantTemperature:
    """The same temperature at every step.

    Attributes:
        value: the temperature; 1 is the model's own distribution, 0 takes the most likely token.
    """

    value: float

    def __post_init__(self) -> None:
        _check(self.value, "the temperature")

    def at(self, step: int, num_steps: int) -> float:
        """Temperature of a step, counted from 0."""
        return self.value


def _check(value: float, name: str) -> None:
    if not 0 <= value < math.inf:
        raise SettingError(f"{name} is {value:g}; give a number from 0 (always the most likely token) up")
