"""What happens to every request before and after its endpoint: who asks, how long it took, what the log says of it."""

import asyncio
import hmac
import logging
import re
import secrets
import time
from collections.abc import Sequence
from typing import Any

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gesso.server.json_response import AsciiJSONResponse
from gesso.server.metrics import Metrics
from gesso.server.refusal import CLIENT_CLOSED, Refusal
from gesso.server.tracing import Tracing

log = logging.getLogger("gesso.server.access")

OPEN_PATHS = ("/health", "/ready", "/version")
"""Answered without an API key, as are the files of the page."""

REQUEST_ID = "x-request-id"
_SANE_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)


class Access:
    """An ASGI application around another: keys, request ids, slow bodies, the log and the metrics of requests."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        api_keys: Sequence[str],
        open_paths: frozenset[str],
        hosts: Sequence[str],
        max_body_bytes: int,
        body_timeout_s: float,
        metrics: Metrics,
        tracing: Tracing,
    ) -> None:
        """Wrap an application.

        Args:
            app: What answers.
            api_keys: One of these is asked for; none lets everybody in.
            open_paths: Paths that anybody may read: those of the page.
            hosts: Names that requests must be addressed to; none takes any. A stranger's page can make a browser take
                the stranger's name for this computer's address, and then call a server that asks for no key.
            max_body_bytes: How large a body may be, whatever its header says.
            body_timeout_s: How long a body may take to arrive.
            metrics: Where requests are counted.
            tracing: Where requests that have a body are told.
        """
        self._app = app
        self._keys = tuple(key.encode("ascii") for key in api_keys)
        self._open_paths = open_paths | set(OPEN_PATHS)
        self._hosts = tuple(hosts)
        self._max_body_bytes = max_body_bytes
        self._body_timeout_s = body_timeout_s
        self._metrics = metrics
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._max_body_bytes, self._body_timeout_s)
        if scope["method"] != "POST":
            await self._answer(scope, exchange)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        with self._tracing.request(scope["method"], headers) as told:
            try:
                await self._answer(scope, exchange)
            finally:
                told |= exchange.attributes

    async def _answer(self, scope: Scope, exchange: "_Exchange") -> None:
        began_at = time.perf_counter()
        try:
            if (refusal := self._refusal(scope)) is None:
                await self._app(scope, exchange.receive, exchange.send)
            else:
                answer = AsciiJSONResponse(refusal.body(scope["path"]), refusal.status, refusal.headers)
                await answer(scope, exchange.receive, exchange.send)
        finally:
            seconds = time.perf_counter() - began_at
            self._metrics.requests.labels(scope["method"], exchange.path, str(exchange.status)).inc()
            self._metrics.request_seconds.observe(seconds)
            facts = {
                "request_id": exchange.request_id,
                "method": scope["method"],
                "path": scope["path"],
                "status": exchange.status,
                "seconds": round(seconds, 4),
                **scope.get("facts", {}),
            }
            log.info("request", extra={"facts": facts})

    def _refusal(self, scope: Scope) -> Refusal | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._hosts and _name(host) not in self._hosts:
            return Refusal(
                f"the request is addressed to {host!r}, and this server to {', '.join(self._hosts)}; use one of these "
                "names, or run the server with an API key",
                status=403,
                code="unknown_host",
            )
        if not self._keys or scope["path"] in self._open_paths:
            return None
        scheme, _, token = headers.get("authorization", "").partition(" ")
        given = token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        # Every key is compared, each in a time that does not depend on how much of it is right.
        if sum(hmac.compare_digest(given.encode("utf-8", "replace"), key) for key in self._keys):
            return None
        return Refusal(
            "the API key is missing or wrong; send it as 'Authorization: Bearer KEY' or 'x-api-key: KEY'",
            status=401,
            code="invalid_api_key",
            headers={"www-authenticate": "Bearer"},
        )


def _name(host: str) -> str:
    """A host without its port."""
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0].lower()


class _Exchange:
    """One request and its answer as they pass by."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, max_body_bytes: int, body_timeout_s: float) -> None:
        self.status = CLIENT_CLOSED  # until something is sent
        given = Headers(scope=scope).get(REQUEST_ID, "")
        self.request_id = given if _SANE_ID.fullmatch(given) else secrets.token_hex(8)
        self._scope = scope
        self._receive = receive
        self._send = send
        self._is_body_read = False
        self._body_bytes = 0
        self._max_body_bytes = max_body_bytes
        self._body_timeout_s = body_timeout_s
        self._deadline: float | None = None

    @property
    def path(self) -> str:
        """The endpoint's own path, so that the number of different ones stays small."""
        return getattr(self._scope.get("route"), "path", "other")

    @property
    def attributes(self) -> dict[str, Any]:
        """What a span of OpenTelemetry says, in its words."""
        facts = self._scope.get("facts", {})
        named = {
            "http.route": self.path,
            "http.response.status_code": self.status,
            "gesso.request_id": self.request_id,
            "gen_ai.usage.input_tokens": facts.get("prompt_tokens"),
            "gen_ai.usage.output_tokens": facts.get("completion_tokens"),
        }
        return {name: value for name, value in named.items() if value is not None}

    async def receive(self) -> Message:
        if self._is_body_read:
            return await self._receive()
        loop = asyncio.get_running_loop()
        self._deadline = self._deadline or loop.time() + self._body_timeout_s
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            remedy = f"the body did not arrive within {self._body_timeout_s:g} s; send it at once"
            raise HTTPException(408, remedy) from None
        self._body_bytes += len(message.get("body", b""))
        if self._body_bytes > self._max_body_bytes:
            raise HTTPException(413, f"the body is larger than {self._max_body_bytes} bytes; send less")
        self._is_body_read = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers[REQUEST_ID] = self.request_id
            if not self._is_body_read and _has_body(self._scope):
                headers["connection"] = "close"  # the rest of the body would be taken for the next request
        await self._send(message)


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
