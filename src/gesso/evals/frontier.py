"""Quality against effort: a measure repeated over the steps of a canvas, or over temperatures."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from gesso.errors import SettingError
from gesso.evals.measure import ItemsDone, Measure, Point, Report, Sample
from gesso.lm.language_model import LanguageModel
from gesso.sampling.settings import SamplerSettings

Axis = Literal["steps", "temperature"]

USUAL_VALUES: dict[Axis, tuple[float | int, ...]] = {
    "steps": (4, 8, 16, 32, 48),
    "temperature": (0.0, 0.2, 0.4, 0.6, 0.8, 1.0),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Frontier:
    """A measure along an axis of the sampler, all else equal: every point has the same items and the same seeds.

    Attributes:
        base: What is measured; it must give one point.
        axis: "steps", the most that a canvas may take; or "temperature", one for all steps.
        values: Places on the axis, in ascending order; empty for the usual ones.
    """

    base: Measure
    axis: Axis
    values: tuple[float | int, ...] = ()
    uses_sampler: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        if not self.base.uses_sampler:
            raise SettingError(
                f"{self.base.name} has no frontier over {self.axis}; choose it for measures that write texts"
            )
        if not self.values:
            object.__setattr__(self, "values", USUAL_VALUES[self.axis])
        if list(self.values) != sorted(set(self.values)):
            raise SettingError(f"the places over {self.axis} are {list(self.values)}; give them once, ascending")
        if self.axis == "steps" and any(value != int(value) for value in self.values):
            raise SettingError(f"the numbers of steps are {list(self.values)}; give whole numbers")

    @property
    def name(self) -> str:
        """The measure and the axis, such as "stories over steps"."""
        return f"{self.base.name} over {self.axis}"

    def measure(self, lm: LanguageModel, sample: Sample) -> Iterator[ItemsDone | Report]:
        """Repeat the measure at each place; see `Measure`.

        Raises:
            SettingError: A place is no possible setting of the sampler.
        """
        samples = [replace(sample, sampler=self._sampler_at(value, sample)) for value in self.values]
        points: list[Point] = []
        example = ""
        for value, at_value in zip(self.values, samples, strict=True):
            for event in self.base.measure(lm, at_value):
                if isinstance(event, Report):
                    points.append(replace(event.points[0], at=value))
                    example = event.example
                else:
                    earlier = len(points) * event.total
                    yield ItemsDone(done=earlier + event.done, total=len(self.values) * event.total)
        # A measure has a figure of its own called steps: those that were taken.
        axis = "max_steps" if self.axis == "steps" else self.axis
        yield Report(name=self.name, points=tuple(points), axis=axis, example=example)

    def _sampler_at(self, value: float | int, sample: Sample) -> SamplerSettings:
        if self.axis == "steps":
            return sample.sampler.with_overrides(steps=int(value))
        return sample.sampler.with_overrides(temperature=float(value))
