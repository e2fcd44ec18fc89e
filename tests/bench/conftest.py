import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.lm.conftest import folder, lm, writer  # noqa: F401, fixtures of the room below
from tests.server.conftest import live  # noqa: F401, the server next door


@pytest.fixture
def scripted() -> Iterator[Callable[..., Any]]:
    """`scripted(lines, status=200)`: a server that answers every request with these lines, and keeps the bodies."""
    with ExitStack() as stack:
        yield lambda lines, status=200: stack.enter_context(_answering(lines, status))


@contextmanager
def _answering(lines: list[Any], status: int) -> Iterator[Any]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            self.server.asked.append((self.path, dict(self.headers), json.loads(body)))
            self.answer()

        def do_GET(self):
            self.server.asked.append((self.path, dict(self.headers), None))
            self.answer()

        def answer(self):
            self.send_response(status)
            self.end_headers()
            for line in lines:
                self.wfile.write((line if isinstance(line, bytes) else b"data: " + json.dumps(line).encode()) + b"\n\n")

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked = []
        server.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
