"""A server under test, and one request to it: any that speaks OpenAI's chat completions as a stream.

The clock is looked at in the thread that reads the answer, line by line: nothing waits between the socket and it.
"""

import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gesso.errors import GessoError, SettingError

Clock = Callable[[], float]


class TargetError(GessoError):
    """The server under test cannot be reached, or does not speak the language."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What a request came to. Times are seconds from the request.

    Attributes:
        first_draft_s: When the first draft came; None without drafts.
        first_text_s: When the first text came; None if there was none.
        total_s: When the answer had ended.
        prompt_tokens: Tokens of the prompt, if the server says.
        output_tokens: Tokens of the answer, if the server says.
        steps: Denoising steps of each canvas, if the server says.
        error: Why there is no answer, or only a part.
    """

    total_s: float
    first_draft_s: float | None = None
    first_text_s: float | None = None
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    steps: tuple[int, ...] | None = None
    error: str | None = None

    @property
    def tokens_per_s(self) -> float | None:
        """Tokens of the answer by its whole time."""
        return None if self.output_tokens is None else self.output_tokens / self.total_s


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where a server is, and how one gets in.

    Attributes:
        url: Its address, such as http://127.0.0.1:8000; with /v1 behind it or without.
        api_key: Sent as a bearer token; None sends none.
        timeout_s: Longest silence.
    """

    url: str
    api_key: str | None = None
    timeout_s: float = 600.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        try:
            is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:  # a port that is none
            is_address = False
        if not is_address:
            raise SettingError(f"the url is {self.url!r}; give one such as http://127.0.0.1:8000")
        if not self.timeout_s > 0:
            raise SettingError(f"timeout_s is {self.timeout_s:g}; give seconds above 0")

    def models(self) -> list[str]:
        """Names of the models that are served.

        Raises:
            TargetError: There is no server, or it does not tell.
        """
        try:
            with closing(self._connect()) as connection:
                connection.request("GET", self._path("models"), headers=self._headers())
                answer = connection.getresponse()
                told = _object(answer.read())
        except (OSError, http.client.HTTPException) as error:
            raise TargetError(f"{self.url} cannot be reached ({_reason(error)}); start a server there") from error
        if answer.status != 200:
            raise TargetError(f"{self.url} does not name its models ({_refusal(answer.status, told)})")
        return [str(model["id"]) for model in told.get("data", []) if isinstance(model, dict) and "id" in model]

    def ask(self, body: Mapping[str, Any], clock: Clock = time.perf_counter) -> Reply:
        """Have a conversation answered, and look at the clock. What goes wrong is told in the reply.

        Args:
            body: Of the request; the streaming is added.
            clock: Gives seconds.
        """
        streamed = {**body, "stream": True, "stream_options": {"include_usage": True}}
        began_at = clock()
        seen: dict[str, Any] = {}
        try:
            with closing(self._connect()) as connection:
                connection.request("POST", self._path("chat/completions"), json.dumps(streamed), self._headers())
                answer = connection.getresponse()
                if answer.status != 200:
                    seen["error"] = _refusal(answer.status, _object(answer.read()))
                else:
                    _read(_chunks(answer), seen, lambda: clock() - began_at)
        except (OSError, http.client.HTTPException) as error:
            seen["error"] = _reason(error)
        return Reply(total_s=clock() - began_at, **seen)

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, parts.port, timeout=self.timeout_s, context=context)
        return http.client.HTTPConnection(host, parts.port, timeout=self.timeout_s)

    def _path(self, name: str) -> str:
        return urlsplit(self.url).path.rstrip("/").removesuffix("/v1") + f"/v1/{name}"

    def _headers(self) -> dict[str, str]:
        key = {} if self.api_key is None else {"Authorization": f"Bearer {self.api_key}"}
        return {"Content-Type": "application/json", **key}


def _chunks(answer: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    """The JSON objects of a stream, up to its end mark; comments and other fields are passed over."""
    while line := answer.readline():
        name, _, value = line.partition(b":")
        if name == b"data":
            if value.strip() == b"[DONE]":
                return
            yield _object(value)
    raise http.client.IncompleteRead(b"")


def _read(chunks: Iterator[dict[str, Any]], seen: dict[str, Any], elapsed: Callable[[], float]) -> None:
    """Note in `seen` when what came, and what was told at the end."""
    for chunk in chunks:
        if "error" in chunk:
            seen["error"] = _message(chunk)
            return
        if "diffusion" in chunk and "first_draft_s" not in seen:
            seen["first_draft_s"] = elapsed()
        if "first_text_s" not in seen and any(_has_text(choice) for choice in chunk.get("choices") or ()):
            seen["first_text_s"] = elapsed()
        if usage := chunk.get("usage"):
            seen["prompt_tokens"] = usage.get("prompt_tokens")
            seen["output_tokens"] = usage.get("completion_tokens")
            steps = (usage.get("diffusion") or {}).get("steps")
            seen["steps"] = None if steps is None else tuple(step for text in steps for step in text)


def _has_text(choice: Mapping[str, Any]) -> bool:
    delta = choice.get("delta") or {}
    return any(delta.get(name) for name in ("content", "reasoning_content", "tool_calls"))


def _object(text: bytes) -> dict[str, Any]:
    """A JSON object; an empty one if it is none."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _refusal(status: int, told: Mapping[str, Any]) -> str:
    return f"status {status}: {_message(told)}"


def _message(told: Mapping[str, Any]) -> str:
    error = told.get("error")
    message = error.get("message") if isinstance(error, dict) else error
    return " ".join(str(message or "no reason is given").split())


def _reason(error: Exception) -> str:
    return "the stream broke off" if isinstance(error, http.client.IncompleteRead) else str(error) or repr(error)
