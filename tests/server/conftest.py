import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from fastapi.testclient import TestClient

from gesso.lm.language_model import LanguageModel
from gesso.server import listen
from gesso.server.app import create_app
from gesso.server.settings import ServerSettings
from tests.lm.conftest import folder, lm, writer  # noqa: F401, fixtures of the room below


@pytest.fixture
def client_of() -> Iterator[Callable[..., TestClient]]:
    """`client_of(lm, max_running=1)`: a client of an application that serves a model, without a socket."""
    with ExitStack() as stack:

        def make(lm: LanguageModel, **settings: Any) -> TestClient:
            return stack.enter_context(connect(lm, **settings))

        yield make


@pytest.fixture(scope="session")
def client(lm: LanguageModel) -> Iterator[TestClient]:  # noqa: F811, the fixture
    """A client of the tiny model; for all tests that do not count what others did."""
    with connect(lm) as shared:
        yield shared


def connect(lm: LanguageModel, **settings: Any) -> TestClient:  # noqa: F811
    return TestClient(create_app(lm, ServerSettings(**settings)), base_url="http://localhost")


@pytest.fixture
def live() -> Iterator[Callable[..., str]]:
    """`live(lm)`: the address of a server with a socket of its own."""
    with ExitStack() as stack:
        yield lambda lm, **settings: stack.enter_context(running(lm, **settings))


@contextmanager
def running(lm: LanguageModel, **settings: Any) -> Iterator[str]:  # noqa: F811
    chosen = ServerSettings(port=0, **settings)
    listener = listen.bind(chosen)
    server = listen.make_server(create_app(lm, chosen), chosen)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.01)
    try:
        yield listen.url(chosen, listener)
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


def events(body: str) -> list[dict[str, Any]]:
    """The JSON objects of a stream that ends as it should."""
    lines = [line.removeprefix("data: ") for line in body.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def chat(content: str = "hi", **more: Any) -> dict[str, Any]:
    """The body of a chat request."""
    return {"messages": [{"role": "user", "content": content}], **more}


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for something that another thread does."""
    waiting = threading.Event()
    for _ in range(int(seconds / 0.01)):
        if condition():
            return
        waiting.wait(0.01)
    raise AssertionError("it did not come true in time")


def run_async(coroutine: Any) -> Any:
    """Run a coroutine to its end."""
    return asyncio.run(coroutine)
