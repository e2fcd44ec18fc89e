"""Every answer that is not the text that was asked for, in the shapes that clients know.

OpenAI's clients read `{"error": {"message", "type", "param", "code"}}`, Anthropic's
`{"type": "error", "error": {"type", "message"}}`. A message names the value that was wrong and the remedy.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from gesso.errors import GessoError, InputError
from gesso.server.json_response import AsciiJSONResponse

_log = logging.getLogger("gesso.server")

ANTHROPIC_PATHS = ("/v1/messages",)
"""Paths below these answer in Anthropic's shape."""

CLIENT_CLOSED = 499
"""Status of a request whose client went away; nobody reads it but the log."""

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
}


class Refusal(GessoError):
    """The server will not or cannot do what was asked.

    Attributes:
        status: HTTP status.
        param: The field that was wrong, such as "messages.0.content".
        code: A word for programs.
        headers: Headers of the answer.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code
        self.headers = dict(headers or {})

    def body(self, path: str) -> dict[str, Any]:
        """The answer to a request for `path`."""
        kind = _TYPES.get(self.status) or ("invalid_request_error" if self.status < 500 else None)
        if path.startswith(ANTHROPIC_PATHS):
            return {"type": "error", "error": {"type": kind or "api_error", "message": str(self)}}
        error = {"message": str(self), "type": kind or "server_error", "param": self.param, "code": self.code}
        return {"error": error}


def as_refusal(error: Exception) -> Refusal:
    """Say in the terms of HTTP what went wrong. What only we can mend is logged, and its details stay here."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, InputError):
        return Refusal(str(error))
    if isinstance(error, GessoError):
        return Refusal(str(error), status=500, code="generation_failed")
    _log.error("a request failed", exc_info=error)
    return Refusal("the server failed; its log tells more", status=500, code="internal_error")


def install(app: FastAPI) -> None:
    """Answer every error in the shape that the path's clients know."""
    app.add_exception_handler(GessoError, _answer)
    app.add_exception_handler(Exception, _answer)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(HTTPException, _answer_http)


async def _answer(request: Request, error: Exception) -> AsciiJSONResponse:
    refusal = as_refusal(error)
    return AsciiJSONResponse(refusal.body(request.url.path), refusal.status, refusal.headers)


async def _answer_validation(request: Request, error: Exception) -> AsciiJSONResponse:
    assert isinstance(error, RequestValidationError)
    return await _answer(request, validation_refusal(error.errors(), error.body))


async def _answer_http(request: Request, error: Exception) -> AsciiJSONResponse:
    assert isinstance(error, HTTPException)
    message = _HTTP_MESSAGES.get(error.status_code, str(error.detail))
    return await _answer(request, Refusal(message, status=error.status_code, headers=error.headers))


_HTTP_MESSAGES = {
    400: "the body is not JSON in UTF-8; send one JSON object",
    404: "there is no such path; docs/server.md lists those that there are",
    405: "this path does not know that method; docs/server.md tells which it knows",
}


def validation_refusal(errors: Sequence[Mapping[str, Any]], body: Any) -> Refusal:
    """Say what was wrong with a body: of several errors the one that lies deepest, which is the most exact."""
    error = max(errors, key=lambda error: len(error["loc"]))
    if error["type"] == "json_invalid":
        return Refusal(f"the body is not JSON ({error['ctx']['error']} at character {error['loc'][-1]})")
    if not isinstance(body, Mapping):
        return Refusal("the body is not a JSON object; send one, with the header content-type: application/json")
    param = _field(error["loc"][1:], body)
    if error["type"] == "extra_forbidden":
        return Refusal(f"{param} is not a field of this request; leave it out", param=param, code="unknown_parameter")
    if error["type"] == "missing":
        return Refusal(f"{param} is missing; give it", param=param, code="missing_parameter")
    code = error["type"] if error["type"] == "unsupported_parameter" else "invalid_value"
    if not param:  # what was wrong is how fields stand to each other
        return Refusal(error["msg"], code=code)
    return Refusal(f"{param}: {error['msg']}", param=param, code=code)


def _field(location: Sequence[int | str], body: Any) -> str:
    """Path of a field in the body, without the names of types that pydantic puts between."""
    path: list[str] = []
    for step in location:
        is_there = step in body if isinstance(body, Mapping) else isinstance(body, list) and isinstance(step, int)
        if is_there:
            path.append(str(step))
            body = body[step]
        elif step == location[-1] and isinstance(body, Mapping):
            path.append(str(step))
    return ".".join(path)
