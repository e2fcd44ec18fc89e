"""How much the engine writes when many ask: so many at once, or as they come.

Requests at once are those of users who each ask again when they have their answer. Arrivals do not wait for anybody;
the time of such a request counts from its arrival, also while the engine had no room for it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from gesso.bench.summary import Row, nearest_rank, summarize
from gesso.bench.turns import Measurement, in_turns
from gesso.bench.workload import poisson_arrivals
from gesso.engine.engine import Engine, EngineSettings, EventStream
from gesso.engine.events import CanvasCommitted, Event, Finished, StepDone
from gesso.engine.request import Request
from gesso.errors import SettingError
from gesso.lm.language_model import LanguageModel

Clock = Callable[[], float]
Sleep = Callable[[float], None]

SHARES = (0.5, 0.9)
"""Of which latencies are told what a share of the requests do not exceed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """When requests come.

    Attributes:
        concurrency: So many are under way at once; with arrivals, at most.
        arrivals_per_s: They arrive at random, so many a second on average; None: whenever another one ends.
        seed: Of the arrivals.
    """

    concurrency: int
    arrivals_per_s: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.concurrency < 1:
            raise SettingError(f"concurrency is {self.concurrency}; give 1 or more")
        self.due_at(0)  # refuses a rate that is none

    @property
    def name(self) -> str:
        """In words, such as "4 at once"."""
        return f"{self.concurrency} at once" if self.arrivals_per_s is None else f"{self.arrivals_per_s:g} a second"

    def due_at(self, count: int) -> Sequence[float]:
        """Seconds from the beginning before which each request cannot be asked."""
        if self.arrivals_per_s is None:
            return [0.0] * count
        return poisson_arrivals(self.arrivals_per_s, count, seed=self.seed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """What one request came to. Times are seconds from when it was asked, or arrived.

    Attributes:
        first_draft_s: When its first draft was there.
        first_canvas_s: When its first canvas was final.
        total_s: When it was finished.
        tokens: How many were written.
        passes: Passes of the network: denoising steps, readings, and one commit a canvas.
    """

    first_draft_s: float
    first_canvas_s: float
    total_s: float
    tokens: int
    passes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """All requests, and the seconds from the beginning until the last of them was finished."""

    served: tuple[Served, ...]
    seconds: float

    @property
    def tokens_per_s(self) -> float:
        """Tokens of all texts by the seconds of the run."""
        return sum(one.tokens for one in self.served) / self.seconds


def serve_all(
    engine: Engine,
    requests: Sequence[Request],
    traffic: Traffic,
    *,
    clock: Clock = time.perf_counter,
    sleep: Sleep = time.sleep,
) -> Run:
    """Have requests written as they come.

    Args:
        engine: Nobody else asks it anything meanwhile.
        requests: In the order of their coming.
        traffic: When they come.
        clock: Gives seconds.
        sleep: Waits for seconds, when there is nothing to do before the next arrival.

    Raises:
        PromptError, SettingError: A request does not fit.
        GenerationError: The network's output is not numbers.
    """
    due_at = traffic.due_at(len(requests))
    at_once = traffic.concurrency if traffic.arrivals_per_s is None else len(requests)
    streams: dict[int, EventStream] = {}
    asked_at: dict[int, float] = {}
    events: list[list[tuple[float, Event]]] = [[] for _ in requests]
    began_at = clock()
    while len(asked_at) < len(requests) or streams:
        now = clock() - began_at
        while len(asked_at) < len(requests) and len(streams) < at_once and due_at[len(asked_at)] <= now:
            number = len(asked_at)
            streams[number] = engine.submit(requests[number])
            asked_at[number] = now if traffic.arrivals_per_s is None else due_at[number]
        if not streams:
            sleep(due_at[len(asked_at)] - now)
            continue
        engine.step()
        now = clock() - began_at
        for number, stream in list(streams.items()):
            events[number] += [(now - asked_at[number], event) for event in stream.take()]
            if events[number] and isinstance(events[number][-1][1], Finished):
                del streams[number]
    return Run(served=tuple(map(_served, events)), seconds=clock() - began_at)


def _served(events: Sequence[tuple[float, Event]]) -> Served:
    first: dict[type, float] = {}
    for at, event in events:
        first.setdefault(type(event), at)
    canvases = [event for _, event in events if isinstance(event, CanvasCommitted)]
    return Served(
        first_draft_s=first[StepDone],
        first_canvas_s=first[CanvasCommitted],
        total_s=first[Finished],
        tokens=sum(len(canvas.token_ids) for canvas in canvases),
        passes=sum(canvas.steps + canvas.readings + 1 for canvas in canvases),
    )


def measure_throughput(
    lm: LanguageModel,
    requests: Sequence[Request],
    traffics: Sequence[Traffic],
    *,
    repeats: int,
    warmup: int = 1,
    share_passes: bool | None = None,
    clock: Clock = time.perf_counter,
    sleep: Sleep = time.sleep,
) -> Measurement[list[Row]]:
    """Have the same requests written by each traffic in turn, each time by a new engine.

    Args:
        lm: The model.
        requests: What is written.
        traffics: Whens; the engine runs as many at once as each allows.
        repeats: Runs of each that count.
        warmup: Runs of each before, which do not.
        share_passes: As in `EngineSettings`.
        clock: Gives seconds.
        sleep: Waits for seconds.

    Yields:
        How many runs are done.

    Returns:
        A row for each traffic; latencies are those of the requests of all its runs.

    Raises:
        PromptError, SettingError: A request does not fit, or a setting is out of its range.
        GenerationError: The network's output is not numbers.
    """

    def run(traffic: Traffic) -> Run:
        settings = EngineSettings(
            max_rows=traffic.concurrency, share_passes=share_passes, max_waiting=max(1, len(requests))
        )
        return serve_all(Engine(lm.network, settings), requests, traffic, clock=clock, sleep=sleep)

    runs = {traffic.name: partial(run, traffic) for traffic in traffics}
    found = yield from in_turns(runs, repeats=repeats, warmup=warmup)
    return [_row(traffic, found[traffic.name]) for traffic in traffics]


def _row(traffic: Traffic, runs: Sequence[Run]) -> Row:
    served = [one for run in runs for one in run.served]
    latencies = {
        f"{name}_p{round(100 * share)}": nearest_rank([getattr(one, f"{name}_s") for one in served], share)
        for name in ("first_draft", "first_canvas", "total")
        for share in SHARES
    }
    return {
        "traffic": traffic.name,
        "concurrency": traffic.concurrency,
        "arrivals_per_s": traffic.arrivals_per_s,
        "requests": len(runs[0].served),
        "tokens_per_s": summarize([run.tokens_per_s for run in runs]),
        "tokens_per_s_of_a_request": nearest_rank([one.tokens / one.total_s for one in served], 0.5),
        "tokens_per_forward": sum(one.tokens for one in served) / sum(one.passes for one in served),
        **{f"{name}_s": value for name, value in latencies.items()},
    }
