"""What can be measured of a model, and what a measurement leaves behind."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from gesso.engine.request import Mode
from gesso.errors import SettingError
from gesso.evals.estimate import Estimate
from gesso.lm.language_model import LanguageModel
from gesso.sampling.settings import SamplerSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """How much is measured, and how the model writes meanwhile.

    Attributes:
        items: Items for each seed.
        seeds: Each draws its own items and its own noise; together they are one sample of independent items.
        sampler: How canvases are denoised.
        mode: How texts are written; None for the model's own way.
    """

    items: int
    seeds: tuple[int, ...]
    sampler: SamplerSettings
    mode: Mode | None = None

    def __post_init__(self) -> None:
        if self.items < 1:
            raise SettingError(f"the number of items is {self.items}; evaluate 1 or more")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise SettingError(f"the seeds are {list(self.seeds)}; give at least one, each once")

    @property
    def total(self) -> int:
        """Items of all seeds."""
        return self.items * len(self.seeds)

    def rng(self, seed: int, name: str) -> random.Random:
        """The source of the items that a measure draws for a seed: whatever else is measured, they are the same."""
        return random.Random(f"{name}:{seed}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemsDone:
    """Progress: so many of the items of a measure are done."""

    done: int
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """Figures of a measure, or of one place on its curve.

    Attributes:
        figures: Each figure by its name.
        at: Where on the axis; None if there is no curve.
    """

    figures: Mapping[str, Estimate]
    at: float | int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What was found out.

    Attributes:
        name: Of the measure.
        points: One, or the places of a curve in ascending order.
        axis: What the curve runs over, such as "steps"; "" if there is none.
        example: A text that was judged, to look at.
    """

    name: str
    points: tuple[Point, ...]
    axis: str = ""
    example: str = ""

    def as_json(self) -> dict[str, Any]:
        """The report as a JSON object; a curve is a list under "curve", each point with its place on the axis."""
        rows = [{name: figure.as_json() for name, figure in point.figures.items()} for point in self.points]
        if self.axis:
            curve = [{self.axis: point.at} | row for point, row in zip(self.points, rows, strict=True)]
            return {"axis": self.axis, "curve": curve, "example": self.example}
        return rows[0] | {"example": self.example}


@runtime_checkable
class Measure(Protocol):
    """Something that can be measured of a model."""

    @property
    def name(self) -> str:
        """What reports and progress call it."""
        ...

    @property
    def uses_sampler(self) -> bool:
        """Whether steps and temperature matter, so that a frontier over them has a meaning."""
        ...

    def measure(self, lm: LanguageModel, sample: Sample) -> Iterator[ItemsDone | Report]:
        """Measure a model.

        Args:
            lm: The model.
            sample: How many items, by which seeds, written how.

        Yields:
            Progress, and in the end one Report.
        """
        ...
