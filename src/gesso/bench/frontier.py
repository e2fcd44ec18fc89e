"""Speed against quality: ways of writing with the same weights, over the time and the passes that a story takes."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

from gesso.bench.summary import Row
from gesso.bench.turns import Measurement
from gesso.engine.request import Mode
from gesso.errors import SettingError
from gesso.evals.estimate import mean
from gesso.evals.measure import ItemsDone, Point, Report
from gesso.evals.task import Item
from gesso.evals.world_tasks import Stories
from gesso.lm.language_model import LanguageModel
from gesso.worlds.stories import WHOLE_WORLD, World

QUALITIES = ("ok", "consistent", "complete", "sentences")
"""What the checker of the story world says that is kept; see `Stories`."""

COSTS = ("seconds", "passes", "steps", "tokens_per_second")

Clock = Callable[[], float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """A way of writing.

    Attributes:
        mode: How canvases are written.
        steps: Most denoising steps of a canvas; None for a mode without.
        best_of: So many texts are drafted, and the likeliest is taken.
    """

    mode: Mode
    steps: int | None
    best_of: int = 1

    @property
    def name(self) -> str:
        """In words, such as "verified, 48 steps, best of 2"."""
        steps = "" if self.steps is None else f", {self.steps} steps"
        return self.mode + steps + self._best

    @property
    def curve(self) -> str:
        """The name of those ways that differ only in their steps."""
        return self.mode + self._best

    @property
    def settings(self) -> dict[str, Any]:
        """Keywords of `LanguageModel.generate`."""
        return {"mode": self.mode, "best_of": self.best_of} | ({} if self.steps is None else {"steps": self.steps})

    @property
    def _best(self) -> str:
        return "" if self.best_of == 1 else f", best of {self.best_of}"


def all_ways(modes: Sequence[Mode], steps: Sequence[int], best_of: Sequence[int] = (1,)) -> tuple[Way, ...]:
    """Every mode by every number of steps, where it has steps, by every number of drafts.

    Raises:
        SettingError: There is none, one is named twice, or a number is below 1.
    """
    for what, values in (("modes", modes), ("numbers of steps", steps), ("numbers of drafts", best_of)):
        if not values or len(set(values)) != len(values):
            raise SettingError(f"the {what} are {list(values)}; give at least one, each once")
    if min(*steps, *best_of) < 1:
        raise SettingError(f"steps are {list(steps)} and best_of {list(best_of)}; give numbers from 1 up")
    return tuple(
        Way(mode=mode, steps=count, best_of=drafts)
        for mode, drafts in product(modes, best_of)
        for count in ((None,) if mode == "autoregressive" else steps)
    )


def measure_frontier(
    lm: LanguageModel,
    ways: Sequence[Way],
    *,
    items: int,
    seed: int = 0,
    world: World = WHOLE_WORLD,
    clock: Clock = time.perf_counter,
) -> Measurement[list[Row]]:
    """Have the same stories written in every way, one at a time and in turns, and judged.

    Passes are denoising steps, readings, and a commit for each canvas; where the best of several is taken, those of
    the best times their number.

    Args:
        lm: The model.
        ways: How it writes.
        items: Stories that are asked for.
        seed: Of the requests, and of the first story; counted up from there.
        world: The world of which stories are told.
        clock: Gives seconds.

    Yields:
        How many stories are written.

    Returns:
        A row for each way: means of what the checker says, and of what a story costs, each with its error.

    Raises:
        SettingError: There is nothing to write.
    """
    if items < 1:
        raise SettingError(f"the number of stories is {items}; ask for 1 or more")
    task = Stories(name="stories", kind="request", world=world)
    asked = list(islice(task.items(random.Random(seed)), items))
    lm.generate(asked[0].prompt, seed=seed)  # the first text of a process is slower than the others
    found: dict[Way, list[Mapping[str, float]]] = {way: [] for way in ways}
    for number, item in enumerate(asked):
        for place, way in enumerate(ways, start=1):
            found[way].append(_write(lm, item, way, seed + number, clock))
            yield ItemsDone(done=number * len(ways) + place, total=items * len(ways))
    return [
        {"way": way.name, **_facts(way)}
        | {name: mean([verdict[name] for verdict in verdicts]) for name in (*QUALITIES, *COSTS)}
        for way, verdicts in found.items()
    ]


def as_reports(ways: Sequence[Way], rows: Sequence[Row]) -> dict[str, Report]:
    """The rows as curves over steps, one for each mode and number of drafts."""
    curves: dict[str, list[Point]] = {}
    for way, row in zip(ways, rows, strict=True):
        figures = {name: row[name] for name in (*QUALITIES, *COSTS)}
        curves.setdefault(way.curve, []).append(Point(figures=figures, at=way.steps))
    return {name: Report(name=name, points=tuple(points), axis="max_steps") for name, points in curves.items()}


def _facts(way: Way) -> dict[str, Any]:
    return {"mode": way.mode, "max_steps": way.steps, "best_of": way.best_of}


def _write(lm: LanguageModel, item: Item, way: Way, seed: int, clock: Clock) -> dict[str, float]:
    """Write one story, and say how good it is and what it took."""
    started = clock()
    text = lm.generate(item.prompt, seed=seed, **way.settings)
    seconds = clock() - started
    passes = way.best_of * (sum(text.steps) + sum(text.readings) + len(text.steps))
    answer = text.text if text.message is None else text.message.content
    return dict(item.judge(answer)) | {
        "seconds": seconds,
        "passes": float(passes),
        "steps": sum(text.steps) / len(text.steps),
        "tokens_per_second": len(text.token_ids) / seconds,
    }
