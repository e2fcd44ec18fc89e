"""Many requests on one network: each gets an iterator of its events, and together they fill the rounds.

Nothing runs by itself. Whoever asks for an event and has none waiting runs a round, and that round serves everybody; a
server may as well call `step` in a thread of its own and hand on what `take` gives. All methods may be called from any
thread.
"""

import itertools
import math
import threading
import time
from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass

from gesso.engine.events import CanvasCommitted, Event, Finished, FinishReason
from gesso.engine.job import Job
from gesso.engine.kv_pool import KVPool
from gesso.engine.pages import Pages, page_keys
from gesso.engine.reference import state_after, step_done
from gesso.engine.request import Request, cut_at_stop
from gesso.engine.rest import Rest
from gesso.engine.runner import Outcome, Runner
from gesso.engine.scheduler import Scheduler
from gesso.errors import PromptError, QueueFullError, SettingError
from gesso.model.network import Network
from gesso.sampling.step import StepResult


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineSettings:
    """How much is done at once. None of it changes what is written.

    Attributes:
        max_rows: Most requests that run at once.
        prompt_tokens: Most tokens of prompts that are encoded between two steps of the running canvases.
        page_length: Positions of a page of the cache, and of the pieces that prompts are encoded in. Prompts share what
            they have encoded in whole pages.
        pool_tokens: Positions that all pages hold together; rounded up to whole pages.
        max_waiting: Most requests that wait before others are refused.
        share_passes: Whether the canvases of a round go through the network together. None: on an accelerator, where
            it saves reading the weights for each; not on a CPU, which a single canvas keeps busy.
        graphs: Whether the step of a round is one CUDA graph, read a round late; see docs/gpu.md for what it covers.
            None: where the network computes by kernels, for plain torch cannot be recorded. On a CPU nothing is
            recorded, and rounds go the same way.
    """

    max_rows: int = 16
    prompt_tokens: int = 1024
    page_length: int = 128
    pool_tokens: int = 32_768
    max_waiting: int = 4096
    share_passes: bool | None = None
    graphs: bool | None = None

    def __post_init__(self) -> None:
        for name in ("max_rows", "prompt_tokens", "page_length", "pool_tokens", "max_waiting"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} is {getattr(self, name)}; give at least 1")
        if self.prompt_tokens < self.page_length:
            raise SettingError(
                f"prompt_tokens is {self.prompt_tokens} and page_length {self.page_length}; prompts are encoded in "
                "whole pages, so allow at least one"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What the engine has to do.

    Attributes:
        running: Requests that run.
        waiting: Requests that wait.
        free_pages: Pages of the cache that no running request holds.
        num_pages: Pages in all.
        num_preempted: How often a running request had to give way to a more important one.
    """

    running: int
    waiting: int
    free_pages: int
    num_pages: int
    num_preempted: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PrefixCacheUse:
    """What sharing has saved so far.

    Attributes:
        looked_up: Tokens of the prompts that were let in.
        shared: Of these, tokens that were encoded already.
    """

    looked_up: int
    shared: int


class Engine:
    """Writes many texts at once.

    Args:
        network: In eval mode; its weights are not changed.
        settings: How much is done at once.
        clock: Gives seconds; deadlines are reckoned by it.

    Raises:
        SettingError: Graphs are asked for where the network cannot be recorded.
    """

    def __init__(
        self,
        network: Network,
        settings: EngineSettings | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        settings = EngineSettings() if settings is None else settings
        config = network.config
        longest = -(-config.max_position_embeddings // settings.page_length)
        num_pages = min(-(-settings.pool_tokens // settings.page_length), settings.max_rows * longest)
        share_passes = network.device.type != "cpu" if settings.share_passes is None else settings.share_passes
        can_record = network.device.type == "cuda" and network.kernels is not None
        graphs = can_record if settings.graphs is None else settings.graphs
        pool = KVPool(
            config,
            num_pages=num_pages,
            page_length=settings.page_length,
            dtype=network.dtype,
            device=network.device,
        )
        self._config = config
        self._settings = settings
        self._clock = clock
        self._lock = threading.RLock()
        self._numbers = itertools.count()
        self._deadlines: list[Job] = []  # the next one last
        self._pages = Pages(num_pages)
        self._room = num_pages * settings.page_length
        self._scheduler = Scheduler(
            self._pages,
            page_length=settings.page_length,
            canvas_length=config.canvas_length,
            max_rows=settings.max_rows,
            prompt_tokens=settings.prompt_tokens,
        )
        self._runner = Runner(network, pool, share_passes=share_passes, graphs=graphs)

    def submit(self, request: Request, *, priority: int = 0, timeout_s: float | None = None) -> "EventStream":
        """Queue a request.

        Args:
            request: What to write.
            priority: Requests of higher priority go first, and may take the place of others, which go on later.
            timeout_s: Seconds from now after which it ends with what it has; None for no limit.

        Returns:
            Its events; nothing runs before the first is asked for.

        Raises:
            PromptError, SettingError: The request does not fit the network or the pool, or the timeout is not above 0.
            QueueFullError: Too many requests wait.
        """
        request.check(self._config)
        if not self.has_room(request):
            raise PromptError(
                f"prompt and canvases take {self._positions(request)} positions and the engine's pool holds "
                f"{self._room}; shorten the prompt, ask for fewer tokens, or raise pool_tokens"
            )
        if timeout_s is not None and not timeout_s > 0:
            raise SettingError(f"timeout_s is {timeout_s:g}; give seconds above 0, or None for no limit")
        with self._lock:
            if len(self._scheduler.waiting) >= self._settings.max_waiting:
                self._end_abandoned(self._scheduler.waiting)
            if len(self._scheduler.waiting) >= self._settings.max_waiting:
                raise QueueFullError(
                    f"{len(self._scheduler.waiting)} requests wait already, and max_waiting is "
                    f"{self._settings.max_waiting}; try again later"
                )
            job = Job(
                request=request,
                number=next(self._numbers),
                priority=priority,
                deadline=math.inf if timeout_s is None else self._clock() + timeout_s,
                keys=page_keys(request.prompt_ids, self._settings.page_length),
                text=list(request.prompt_ids),
                remaining=request.max_new_tokens,
            )
            self._scheduler.add(job)
            if job.deadline < math.inf:
                insort(self._deadlines, job, key=lambda other: -other.deadline)
        return EventStream(self, job)

    def has_room(self, request: Request) -> bool:
        """Whether the pool could hold a request if it were alone; others are refused."""
        return self._positions(request) <= self._room

    def step(self) -> bool:
        """Run one round: encode some pieces of text, and take a step with the other running canvases.

        Returns:
            Whether there was anything to do. What breaks in a request is raised by its own events, not here.
        """
        with self._lock:
            self._end_what_is_due()
            try:
                plan = self._scheduler.plan()
                self._runner.encode(plan.encode)
                for piece in plan.encode:
                    self._scheduler.encoded(piece)
                for job in plan.denoise:
                    if job.generator is None:
                        job.began_at.append(self._clock())
                for job, outcome in self._runner.advance(plan.denoise):
                    self._tell(job, outcome)
            except Exception as error:
                # What breaks a shared pass, such as too little memory, breaks it for all who were in it.
                for job in list(self._scheduler.running):
                    self._end(job, error)
                return True
            except BaseException:
                # Interrupted in the middle of a step, a canvas could not be repeated by its seed any more.
                for job in list(self._scheduler.running):
                    self._end(job, "cancelled")
                raise
            return bool(plan.encode or plan.denoise)

    def load(self) -> Load:
        """How much there is to do, and how much room is left."""
        with self._lock:
            return Load(
                running=len(self._scheduler.running),
                waiting=len(self._scheduler.waiting),
                free_pages=self._pages.available,
                num_pages=self._pages.num_pages,
                num_preempted=self._scheduler.num_preempted,
            )

    @property
    def prefix_cache(self) -> PrefixCacheUse:
        """What sharing has saved; never waits for a round in progress, unlike `load`."""
        return PrefixCacheUse(looked_up=self._scheduler.num_looked_up, shared=self._scheduler.num_shared)

    def _positions(self, request: Request) -> int:
        """Positions that are encoded of a request by its end; what follows the last canvas is not."""
        return request.max_encoded(self._config.canvas_length)

    def _end_what_is_due(self) -> None:
        while self._deadlines and self._deadlines[-1].deadline <= self._clock():
            self._end(self._deadlines[-1], "deadline")
        self._end_abandoned(self._scheduler.running)
        while self._scheduler.waiting and self._scheduler.waiting[-1].is_abandoned:
            self._end(self._scheduler.waiting[-1], "cancelled")

    def _end_abandoned(self, jobs: list[Job]) -> None:
        for job in [job for job in jobs if job.is_abandoned]:
            self._end(job, "cancelled")

    def _tell(self, job: Job, outcome: Outcome) -> None:
        """Turn what a step did into events; commit the canvas if it was the last step."""
        if isinstance(outcome, list):
            self._commit(job, outcome, converged=True)
            return
        if not isinstance(outcome, StepResult):
            self._end(job, outcome)
            return
        request, state = job.request, outcome.state
        length = self._config.canvas_length
        job.events.append(step_done(request, job.canvas_index, outcome, length, job.spent, job.alternatives))
        rest = Rest.after(outcome, job.probable)
        if rest is not None:
            job.spent = state.step
            self._commit(job, rest.front, converged=True)
            job.rest = None if job.is_over else rest
            return
        if not bool(state.finished[0]) and (job.line or state.step < request.draft_settings(job.spent).max_steps):
            return
        job.spent += state.step
        draft, converged = state.draft[0].tolist(), bool(state.converged[0])
        if request.mode == "verified":
            converged = False
            if job.spent < request.sampler.max_steps:
                converged = self._runner.read(job, draft)
                if not converged:
                    return
        self._commit(job, draft, converged=converged)

    def _commit(self, job: Job, draft: list[int], *, converged: bool) -> None:
        """Make a canvas final; end the job with it, or prepare the next."""
        request = job.request
        emitted, stopped = cut_at_stop(draft, request.stop_ids, job.remaining)
        job.events.append(
            CanvasCommitted(
                canvas_index=job.canvas_index,
                token_ids=tuple(emitted),
                steps=job.spent,
                converged=converged,
                readings=job.readings,
                logprobs=job.logprobs[: len(emitted)],
            )
        )
        job.remaining -= len(emitted)
        if stopped or job.remaining == 0:
            self._end(job, "stop" if stopped else "length")
            return
        job.rule_state = state_after(request, job.rule_state, draft)
        job.commit(draft)

    def _end(self, job: Job, how: FinishReason | Exception) -> None:
        """Take a job out of the engine; its last event tells why, or its reader gets the error."""
        if job.is_over:
            return
        self._scheduler.remove(job)
        if job.deadline < math.inf:
            self._deadlines.remove(job)
        job.is_over = True
        job.end_canvas()
        if isinstance(how, Exception):
            job.error = how
        else:
            job.events.append(Finished(reason=how))


class EventStream:
    """The events of one request, in order, a Finished last. Dropped before its end, the request is cancelled.

    Attributes:
        request: What is written.
    """

    def __init__(self, engine: Engine, job: Job) -> None:
        self.request = job.request
        self._engine = engine
        self._job = job

    def __iter__(self) -> "EventStream":
        return self

    def __next__(self) -> Event:
        """Give the next event; run rounds until there is one.

        Raises:
            GenerationError: The network's output is not numbers.
        """
        while True:
            with self._engine._lock:  # let go after each round, so that other readers get their turn
                if self._job.events:
                    return self._job.events.popleft()
                if self._job.is_over:
                    self._raise_error()
                    raise StopIteration
                self._engine.step()

    def take(self) -> list[Event]:
        """Give the events that wait, and run nothing.

        Raises:
            GenerationError: As above, once no event waits any more.
        """
        with self._engine._lock:
            events = list(self._job.events)
            self._job.events.clear()
            if not events:
                self._raise_error()
            return events

    @property
    def began_at(self) -> tuple[float, ...]:
        """When each canvas was begun, with the text before it encoded, in seconds of the engine's clock."""
        return tuple(self._job.began_at)

    def cancel(self) -> None:
        """End the request here; what has been committed stays. Without effect once it is over."""
        with self._engine._lock:
            self._engine._end(self._job, "cancelled")

    def _raise_error(self) -> None:
        error, self._job.error = self._job.error, None
        if error is not None:
            raise error

    def __del__(self) -> None:
        # May run in the middle of a round; the next one clears up.
        self._job.is_abandoned = True
