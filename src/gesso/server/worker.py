"""Work that takes long, on a thread of its own, so that the event loop never waits for it.

A job is an iterator. The worker draws an item from each of several jobs in turn and hands the items to the event loop.
Where the jobs are texts, their iterators share an engine: one of them runs a round, and the others find their events
waiting. A ticket is the loop's side of a job. An item that is None only gives the others their turn.
"""

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from gesso.errors import GenerationError
from gesso.server.refusal import Refusal

LONGEST_RETRY_S = 60
"""A client that is refused is never told to wait longer than this."""

_SMOOTHING = 0.2  # weight of the latest job in the mean duration


@runtime_checkable
class Skippable(Protocol):
    """An item that a slow reader may miss once a later one is there."""

    is_skippable: bool


Item = TypeVar("Item", bound=Skippable)


Start = Callable[[], Iterator[Skippable | None]]
"""Makes a job's iterator."""


class QueueFullRefusal(Refusal):
    """As many texts wait as may wait."""

    def __init__(self, what: str, retry_after_s: int) -> None:
        super().__init__(
            f"the queue is full ({what}); try again in {retry_after_s} s",
            status=429,
            code="queue_full",
            headers={"retry-after": str(retry_after_s)},
        )


class Ticket(Generic[Item]):
    """What becomes of some jobs that were handed in together: an asynchronous iterator of (job, item).

    It belongs to the event loop that it was made in.

    Attributes:
        num_jobs: How many jobs.
        asked_at: When they were handed in, in seconds of `time.monotonic`.
        began_at: When the first of them was begun; None before.
    """

    def __init__(self, num_jobs: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._items: deque[tuple[int, Item]] = deque()
        self.num_jobs = self._remaining = num_jobs
        self._error: Exception | None = None
        self._changed = asyncio.Event()
        self._cancelled = threading.Event()
        self.asked_at = time.monotonic()
        self.began_at: float | None = None

    @property
    def is_cancelled(self) -> bool:
        """Nobody wants the rest."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Want no more; the jobs end after the step that they are in."""
        self._cancelled.set()

    def __aiter__(self) -> "Ticket[Item]":
        return self

    async def __anext__(self) -> tuple[int, Item]:
        while not self._items:
            if self._error is not None:
                raise self._error
            if not self._remaining:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._items.popleft()

    def deliver(self, job: int, item: Item) -> None:
        """Hand an item over; called by the worker's thread."""
        self._call(self._put, job, item)

    def end(self, error: Exception | None) -> None:
        """Say that a job ended, or failed; called by the worker's thread."""
        self._call(self._end, error)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        if not self._loop.is_closed():  # a loop that was torn down has no readers
            self._loop.call_soon_threadsafe(function, *arguments)

    def _put(self, job: int, item: Item) -> None:
        if self._items and self._items[-1][0] == job and self._items[-1][1].is_skippable:
            self._items.pop()
        self._items.append((job, item))
        self._changed.set()

    def _end(self, error: Exception | None) -> None:
        self._remaining -= 1
        if error is not None:
            self._error = self._error or error
            self.cancel()
        self._changed.set()


class _Job:
    """One iterator, and where its items go."""

    def __init__(self, start: Start, tokens: int, ticket: Ticket[Any], index: int) -> None:
        self.start = start
        self.tokens = tokens
        self.ticket = ticket
        self.index = index
        self.items: Iterator[Skippable | None] | None = None
        self.began_at = 0.0
        self.error: Exception | None = None

    def advance(self) -> bool:
        """Take a step; False if it was the last."""
        if self.ticket.is_cancelled:
            self.close()
            return False
        try:
            if self.items is None:
                self.began_at = time.monotonic()
                self.ticket.began_at = self.ticket.began_at or self.began_at
                self.items = self.start()
            if (item := next(self.items)) is not None:
                self.ticket.deliver(self.index, item)
        except StopIteration:
            return False
        except Exception as error:
            self.error = error
            return False
        return True

    def close(self) -> None:
        """Let the iterator put its things in order."""
        if (close := getattr(self.items, "close", None)) is not None:
            close()


class Worker:
    """A thread that advances several jobs in turn, and a queue in front of it."""

    def __init__(self, *, name: str, max_running: int, max_queued: int, max_queued_tokens: int | None = None) -> None:
        """Starts the thread.

        Args:
            name: Of the thread.
            max_running: Jobs that are advanced in turn.
            max_queued: Jobs that may wait until one of these ends.
            max_queued_tokens: What those that wait may come to; None for anything.
        """
        self._max_running = max_running
        self._max_queued = max_queued
        self._max_queued_tokens = max_queued_tokens
        self._waiting: deque[_Job] = deque()
        self._running: deque[_Job] = deque()
        self._num_running = 0
        self._mean_seconds = 1.0
        self._is_closing = False
        self._condition = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Jobs can be handed in."""
        return self._thread.is_alive() and not self._is_closing

    @property
    def num_running(self) -> int:
        """Jobs that are advanced now."""
        return self._num_running

    @property
    def num_waiting(self) -> int:
        """Jobs in the queue."""
        return len(self._waiting)

    @property
    def waiting_tokens(self) -> int:
        """What the jobs in the queue come to."""
        with self._condition:
            return sum(job.tokens for job in self._waiting)

    def submit(self, starts: Sequence[tuple[Start, int]]) -> Ticket[Any]:
        """Hand in some jobs, all or none.

        Args:
            starts: For each job what makes its iterator, on the worker's thread, and what it comes to in tokens.

        Raises:
            QueueFullRefusal: They would have to wait, and too many wait already.
            Refusal: The worker has ended.
        """
        ticket: Ticket[Any] = Ticket(len(starts))
        jobs = [_Job(start, tokens, ticket, index) for index, (start, tokens) in enumerate(starts)]
        with self._condition:
            if not self.is_alive:
                raise Refusal(
                    "the server is shutting down or has failed; try again later",
                    status=503,
                    code="unavailable",
                    headers={"retry-after": "5"},
                )
            self._forget_cancelled()
            self._check_queue(jobs)
            self._waiting += jobs
            self._condition.notify()
        return ticket

    def close(self) -> None:
        """Refuse new jobs, end all others after their step, and wait for the thread."""
        with self._condition:
            self._is_closing = True
            self._condition.notify()
        self._thread.join()

    def _forget_cancelled(self) -> None:
        gone = [job for job in self._waiting if job.ticket.is_cancelled]
        for job in gone:
            self._waiting.remove(job)
            job.ticket.end(None)

    def _check_queue(self, jobs: Sequence[_Job]) -> None:
        free = max(0, self._max_running - self._num_running)
        queued = [*self._waiting, *jobs][free:]
        if not queued:
            return
        retry_after_s = min(LONGEST_RETRY_S, math.ceil(self._mean_seconds * (1 + len(queued) / self._max_running)))
        if len(queued) > self._max_queued:
            raise QueueFullRefusal(f"{self._max_queued} requests may wait", retry_after_s)
        tokens = sum(job.tokens for job in queued)
        if self._max_queued_tokens is not None and tokens > self._max_queued_tokens:
            raise QueueFullRefusal(f"requests of {self._max_queued_tokens} tokens may wait", retry_after_s)

    def _run(self) -> None:
        try:
            while self._take_in():
                job = self._running[0]  # it stays there, so that it is told if the thread dies of it
                if job.advance():
                    self._running.rotate(-1)
                    continue
                self._running.popleft()
                self._num_running = len(self._running)
                if job.began_at:
                    self._mean_seconds += _SMOOTHING * (time.monotonic() - job.began_at - self._mean_seconds)
                job.ticket.end(job.error)
        finally:
            self._abandon()

    def _take_in(self) -> bool:
        """Let waiting jobs join; sleep while there are none at all. False if it is time to end."""
        with self._condition:
            while not (self._is_closing or self._waiting or self._running):
                self._condition.wait()
            while self._waiting and len(self._running) < self._max_running:
                self._running.append(self._waiting.popleft())
            self._num_running = len(self._running)
            return not self._is_closing

    def _abandon(self) -> None:
        with self._condition:
            self._is_closing = True
            jobs = [*self._running, *self._waiting]
            self._running.clear()
            self._waiting.clear()
            self._num_running = 0
        for job in jobs:
            job.close()
            job.ticket.end(GenerationError("the server ended before the text was finished; ask again later"))
