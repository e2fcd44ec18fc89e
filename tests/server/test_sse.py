import asyncio
import json

from gesso.server import sse
from tests.server.conftest import run_async


def test_an_event_is_one_line_of_ascii_whatever_its_text():
    written = sse.event({"text": "a\n\u2028\x85b"}, name="x")
    assert written.startswith(b"event: x\ndata: ")
    assert written.endswith(b"\n\n")
    assert written.isascii()
    assert json.loads(written.split(b"data: ")[1]) == {"text": "a\n\u2028\x85b"}
    assert len(written.decode().splitlines()) == 3


def test_a_silence_is_broken_by_pings_and_nothing_is_lost():
    async def slow():
        yield b"a"
        await asyncio.sleep(0.2)
        yield b"b"

    async def read():
        return [piece async for piece in sse.with_pings(slow(), 0.05)]

    pieces = run_async(read())
    assert sse.PING in pieces
    assert [piece for piece in pieces if piece != sse.PING] == [b"a", b"b"]


def test_a_reader_that_leaves_closes_what_it_read():
    closed = []

    async def endless():
        try:
            while True:
                await asyncio.sleep(0.01)
                yield b"x"
        finally:
            closed.append(True)

    async def read_one():
        pieces = sse.with_pings(endless(), 10.0)
        assert await anext(pieces) == b"x"
        await pieces.aclose()

    run_async(read_one())
    assert closed


def test_the_end_is_told_even_if_the_reader_left_before_the_first_event():
    ended = []

    async def never():
        yield b""

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        await asyncio.sleep(1)

    stream = sse.EventStream(never(), ping_interval_s=1.0, on_end=lambda: ended.append(True))
    run_async(stream({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send))
    assert ended
