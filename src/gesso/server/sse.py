"""Server-sent events: one answer in many pieces."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

PING = b": ping\n\n"
"""A comment, which clients skip: it keeps a silent connection open."""

DONE = b"data: [DONE]\n\n"
"""How OpenAI's streams end."""


def event(data: Mapping[str, Any], *, name: str | None = None) -> bytes:
    """Write an event. All of it is ASCII, for readers that split lines at more than line feeds."""
    head = "" if name is None else f"event: {name}\n"
    return f"{head}data: {json.dumps(data, allow_nan=False, separators=(',', ':'))}\n\n".encode("ascii")


class EventStream(StreamingResponse):
    """An answer that is a stream of events."""

    def __init__(
        self, events: AsyncGenerator[bytes, None], *, ping_interval_s: float, on_end: Callable[[], None]
    ) -> None:
        """Nothing is sent before the response is called.

        Args:
            events: What is sent; closed if the client goes away.
            ping_interval_s: A silence of this length is broken by a ping.
            on_end: Called at the end, whatever that is, even if it comes before the first event.
        """
        headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
        super().__init__(with_pings(events, ping_interval_s), media_type="text/event-stream", headers=headers)
        self._on_end = on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._on_end()


async def with_pings(events: AsyncGenerator[bytes, None], interval_s: float) -> AsyncGenerator[bytes, None]:
    """Pass events on, with a ping whenever none came for a while. Closes `events` at its own end, whatever that is."""
    upcoming: asyncio.Task[bytes] | None = None
    try:
        while True:
            upcoming = upcoming or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait({upcoming}, timeout=interval_s)
            if not done:
                yield PING
                continue
            try:
                item = upcoming.result()
            except StopAsyncIteration:
                return
            finally:
                upcoming = None
            yield item
    finally:
        if upcoming is not None:
            upcoming.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                await upcoming
        await events.aclose()
