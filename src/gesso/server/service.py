"""What the endpoints share: one model, the threads that write with it, and the limits."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from fastapi import Request

from gesso import __version__
from gesso.lm.language_model import LanguageModel
from gesso.server.metrics import Metrics
from gesso.server.progress import Ended, Grown, Order, Progress, tell
from gesso.server.refusal import CLIENT_CLOSED, Refusal
from gesso.server.settings import ServerSettings
from gesso.server.tracing import Tracing
from gesso.server.worker import Ticket, Worker

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What work of one long step comes to, as the only item of its job."""

    result: Any

    is_skippable = False


class Service:
    """A model being served."""

    def __init__(self, lm: LanguageModel, settings: ServerSettings, tracing: Tracing) -> None:
        """Starts its threads."""
        # The worker advances so many texts in turn, and the engine has a row for each of them.
        self.lm = replace(lm, engine_settings=replace(lm.engine_settings, max_rows=settings.max_running))
        self.settings = settings
        self.metrics = Metrics()
        self.tracing = tracing
        self.started_at = int(time.time())
        self.name = settings.served_name or lm.name.rstrip("/").rsplit("/", maxsplit=1)[-1]
        self.writer = Worker(
            name="gesso-writer",
            max_running=settings.max_running,
            max_queued=settings.max_queued_requests,
            max_queued_tokens=settings.max_queued_tokens,
        )
        # Filling a hole, or reading a slot, is one long step: on the writer's thread every text would wait for it.
        self.aside = Worker(name="gesso-aside", max_running=1, max_queued=settings.max_queued_requests)
        self.metrics.watch("gesso_texts_running", "Texts that are written now.", lambda: self.writer.num_running)
        self.metrics.watch("gesso_texts_waiting", "Texts in the queue.", lambda: self.writer.num_waiting)
        self.metrics.watch_count(
            "gesso_prefix_cache_queries",
            "Tokens of prompts that were looked up in the prefix cache.",
            lambda: self.lm.engine.prefix_cache.looked_up,
        )
        self.metrics.watch_count(
            "gesso_prefix_cache_hits", "Of these, tokens that it held.", lambda: self.lm.engine.prefix_cache.shared
        )
        self.metrics.watch("gesso_tokens_waiting", "Tokens in the queue.", lambda: self.writer.waiting_tokens)

    @property
    def is_ready(self) -> bool:
        """Texts can be asked for."""
        return self.writer.is_alive and self.aside.is_alive

    @property
    def fingerprint(self) -> str:
        """Names what wrote a text: the program's version and the model."""
        return f"gesso-{__version__}-{self.name}"

    def close(self) -> None:
        """End all texts and the threads."""
        self.writer.close()
        self.aside.close()
        self.tracing.close()

    def check_model(self, name: str | None) -> None:
        """Refuse a model that is not served; None is the one that is.

        Raises:
            Refusal: The name is another.
        """
        if name is not None and name != self.name:
            raise Refusal(
                f"the model {name!r} is not served here; use {self.name!r}",
                status=404,
                param="model",
                code="model_not_found",
            )

    def submit(self, orders: Sequence[Order]) -> Ticket[Progress]:
        """Have texts written.

        Raises:
            QueueFullRefusal: Too many wait already.
        """
        return self.writer.submit([(partial(tell, self.lm, order), order.tokens) for order in orders])

    async def follow(self, ticket: Ticket[Progress]) -> AsyncGenerator[tuple[int, Progress], None]:
        """Hear how texts grow. When this generator is closed, they are left off.

        Yields:
            Which text, and what is told of it.

        Raises:
            Refusal: They took too long.
            GenerationError: The network's output is not numbers.
        """
        loop = asyncio.get_running_loop()
        asked_at, deadline = ticket.asked_at, loop.time() + self.settings.request_timeout_s
        has_begun, is_first, num_open = False, True, ticket.num_jobs
        try:
            while True:
                try:
                    async with asyncio.timeout_at(deadline):
                        index, item = await anext(ticket)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    raise self._too_slow() from None
                if not has_begun:
                    has_begun, began_at = True, ticket.began_at or asked_at
                    self.metrics.queue_seconds.observe(max(0.0, began_at - asked_at))
                    self.tracing.record("queue", asked_at, began_at)
                if isinstance(item, Grown):
                    self.metrics.canvases.labels(str(item.converged).lower()).inc()
                    self.metrics.steps.observe(item.steps)
                    place = {"text": index, "canvas": item.canvas}
                    self.tracing.record("encode", item.taken_up_at, item.began_at, **place)
                    steps = {"steps": item.steps, "converged": item.converged}
                    self.tracing.record("canvas", item.began_at, item.committed_at, **place, **steps)
                    if is_first:
                        self.metrics.first_commit_seconds.observe(time.monotonic() - asked_at)
                    is_first = False
                elif isinstance(item, Ended):
                    num_open -= 1
                    self.metrics.count(item.result)
                yield index, item
        finally:
            ticket.cancel()
            self.metrics.texts_left_off.inc(num_open)

    async def finish(self, ticket: Ticket[Progress], request: Request) -> list[Ended]:
        """Wait for the texts of a ticket, in the order in which they were asked for.

        Raises:
            Refusal: They took too long, or the client went away.
        """

        async def collect() -> list[Ended]:
            ended = {index: item async for index, item in self.follow(ticket) if isinstance(item, Ended)}
            return [ended[index] for index in sorted(ended)]

        try:
            return await unless_disconnected(request, collect())
        finally:
            ticket.cancel()

    async def run_aside(self, work: Callable[[], Result], tokens: int, request: Request) -> Result:
        """Have work done that is one long step, such as filling a hole, while texts are written.

        Args:
            work: Does it.
            tokens: How much it is.
            request: Whoever wants it.

        Raises:
            QueueFullRefusal: Too many wait already.
            Refusal: It took too long, or the client went away.
        """

        def job() -> Iterator[Outcome]:
            yield Outcome(result=work())

        ticket: Ticket[Outcome] = self.aside.submit([(job, tokens)])

        async def wait() -> Result:
            try:
                async with asyncio.timeout(self.settings.request_timeout_s):
                    _, outcome = await anext(ticket)
            except TimeoutError:
                raise self._too_slow() from None
            result: Result = outcome.result
            return result

        try:
            return await unless_disconnected(request, wait())
        finally:
            ticket.cancel()

    def _too_slow(self) -> Refusal:
        return Refusal(
            f"the text was not finished after {self.settings.request_timeout_s:g} s; ask for fewer tokens or steps",
            status=504,
            code="timeout",
            headers={"x-should-retry": "false"},
        )


def service_of(request: Request) -> Service:
    """The service that an endpoint belongs to."""
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


async def unless_disconnected(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """Do the work; if the client goes away before it is done, cancel it.

    Raises:
        Refusal: The client went away. Only the log hears of it.
    """
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise Refusal("the client went away", status=CLIENT_CLOSED)
    finally:
        for task in (working, gone):
            task.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
