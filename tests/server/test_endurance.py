"""Clients that are many, slow, rude or gone: the server answers or refuses, and nobody else is harmed."""

import asyncio
import gc
import random
import socket
from collections import Counter
from dataclasses import replace

import httpx
import pytest

from tests.engine.doubles import ScriptedNetwork
from tests.server.conftest import chat, wait_until
from tests.server.test_listen import POST, raw
from tests.server.test_service import SlowNetwork, writing

URL = "/v1/chat/completions"
DRAFTS = {"stream": True, "diffusion": {"stream_drafts": True, "draft_interval": 0}}


def idle(address):
    return httpx.get(f"{address}/ready").json() == {"status": "ready", "running": 0, "waiting": 0}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"messages": [{"role": "user", "content": "\xff\xfe"}]}', 400),
        (b'{"messages": [{"role": "user", "content": "\\ud800"}]}', 400),
        (b"\x00" * 100, 400),
        (b"[" * 100_000, 400),
        (b'{"max_tokens": ' + b"9" * 5_000 + b"}", 400),
    ],
)
def test_bytes_that_are_no_text_are_refused(client, body, status):
    answer = client.post(URL, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["message"]


def test_headers_and_paths_of_any_bytes_are_answered(live, lm):
    address = live(lm)
    odd = bytes(byte for byte in range(0x80, 0x100))
    for head in (
        b"GET /\xff\xfe%ff%00 HTTP/1.1\r\nhost: localhost\r\n",
        b"GET /health HTTP/1.1\r\nhost: localhost\r\nx: " + odd,
    ):
        answered = raw(address, head.rstrip(b"\r\n") + b"\r\nconnection: close\r\n\r\n")
        assert answered.split()[1] in (b"200", b"400", b"403", b"404")
    assert httpx.get(f"{address}/health").status_code == 200


def test_a_reader_that_stops_reading_holds_up_nobody(live, lm):
    address = live(replace(writing(lm, SlowNetwork), max_new_tokens=64))
    host, port = address.removeprefix("http://").split(":")
    body = b'{"messages": [{"role": "user", "content": "hi"}], "stream": true, "diffusion": {"stream_drafts": true}}'
    with socket.create_connection((host, int(port)), timeout=20) as stuck:
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        stuck.sendall(POST + b"content-length: %d\r\n\r\n" % len(body) + body)
        assert stuck.recv(1)
        answer = httpx.post(f"{address}{URL}", json=chat(max_tokens=32), timeout=60)
        assert answer.json()["usage"]["completion_tokens"] == 32
        received = b""
        while b"[DONE]" not in received:  # what was not read in time is still there
            received += stuck.recv(65_536)
    wait_until(lambda: idle(address))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_dies_is_told_to_all_and_the_server_calls_itself_unhealthy(live, lm):
    class Deadly(ScriptedNetwork):
        def denoise(self, *arguments, **settings):
            raise KeyboardInterrupt

    address = live(writing(lm, Deadly))
    answer = httpx.post(f"{address}{URL}", json=chat(), timeout=60)
    assert answer.status_code == 500
    assert "server ended" in answer.json()["error"]["message"]
    assert httpx.get(f"{address}/health").status_code == 503
    later = httpx.post(f"{address}{URL}", json=chat(), timeout=60)
    assert (later.status_code, later.json()["error"]["code"]) == (503, "unavailable")
    assert httpx.post(f"{address}/tokenize", json={"content": "x"}).status_code == 200


@pytest.mark.slow
def test_a_client_may_go_away_at_any_moment(live, lm):
    address = live(lm, max_running=2)
    asked = chat(seed=1, max_tokens=48, **DRAFTS)
    with httpx.Client(timeout=60) as client:
        whole = list(client.post(f"{address}{URL}", json=asked).iter_lines())
        for moment in range(len(whole)):
            with client.stream("POST", f"{address}{URL}", json=asked) as answer:
                for _, _ in zip(range(moment), answer.iter_lines(), strict=False):
                    pass
        wait_until(lambda: idle(address))
        again = client.post(f"{address}{URL}", json=asked).text
    said = [line for line in again.splitlines() if '"content"' in line]
    assert len(said) == len([line for line in whole if '"content"' in line])


@pytest.mark.slow
@pytest.mark.parametrize("room", [1_000, 20])
def test_a_thousand_requests_are_answered_or_refused_whoever_goes_away_and_memory_is_flat(live, lm, room):
    address = live(lm, max_running=4, max_queued_requests=room, max_queued_tokens=10_000_000)
    rng = random.Random(0)

    async def ask(client, seed):
        asked = chat(max_tokens=1, seed=seed, stream=True, diffusion={"steps": 1})
        patience = rng.choice([None, None, 0, 1, 4])  # lines after which the client goes away
        async with client.stream("POST", f"{address}{URL}", json=asked) as answer:
            if answer.status_code == 429:
                assert "retry-after" in answer.headers
                return "refused"
            read = 0
            async for line in answer.aiter_lines():
                if read == patience:
                    return "gone"
                if line == "data: [DONE]":
                    return "answered"
                read += 1
        raise AssertionError("a stream ended without its end mark")

    async def ask_all(num):
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(timeout=600, limits=limits) as client:
            return Counter(await asyncio.gather(*(ask(client, seed) for seed in range(num))))

    def num_kept():
        gc.collect()
        return len(gc.get_objects())

    asyncio.run(ask_all(50))
    wait_until(lambda: idle(address))
    before = num_kept()
    counts = asyncio.run(ask_all(1_000))
    assert counts.total() == 1_000
    assert counts["gone"] > 20
    assert counts["answered"] > 20
    # With little room, how many find some depends on how fast those before them are done.
    assert (counts["refused"] > 0) == (room < 100)
    wait_until(lambda: idle(address))
    assert num_kept() - before < 1_000, "less than one object is left of each request"
