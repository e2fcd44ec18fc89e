"""How a server is run: where it listens, whom it lets in, and how much it takes on."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from gesso.errors import SettingError

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Addresses that only this computer reaches."""

LOG_FORMATS = ("text", "json")


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerSettings:
    """Everything about a server but its model. The command line has a flag for each.

    Attributes:
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        served_name: What clients call the model; None for the name it was loaded as.
        api_keys: A request must carry one of these; none lets everybody in.
        cors_origins: Pages of these origins may call the server; "*" lets all.
        tls_certificate: PEM file of the certificate chain; with it the server speaks HTTPS.
        tls_key: PEM file of the certificate's private key.
        max_running: Texts that are written at a time.
        max_queued_requests: Texts that may wait for their turn; one more is refused with status 429.
        max_queued_tokens: Tokens, of prompts and asked for, that may wait for their turn.
        max_body_bytes: Largest body of a request.
        max_prompt_tokens: Longest prompt; None for what the model's context holds.
        request_timeout_s: Longest time from a request to the end of its answer.
        body_timeout_s: Longest time that a request's body may take to arrive.
        drain_timeout_s: When asked to end, how long texts in progress may take to finish.
        ping_interval_s: A stream that is silent for this long gets a comment, so that proxies keep it open.
        log_format: "text" or "json": one line for each request.
        otlp_endpoint: Collector of OpenTelemetry that is told where the time goes; None tells nobody.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    served_name: str | None = None
    api_keys: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    max_running: int = 8
    max_queued_requests: int = 64
    max_queued_tokens: int = 200_000
    max_body_bytes: int = 2_000_000
    max_prompt_tokens: int | None = None
    request_timeout_s: float = 600.0
    body_timeout_s: float = 30.0
    drain_timeout_s: float = 30.0
    ping_interval_s: float = 10.0
    log_format: str = "text"
    otlp_endpoint: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise SettingError(f"port is {self.port}; give one from 1 to 65535, or 0 for a free one")
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise SettingError(f"{name} is {value}; give {least} or more")
        for name in (field.name for field in fields(self) if field.name.endswith("_s")):
            if not getattr(self, name) > 0:
                raise SettingError(f"{name} is {getattr(self, name)}; give seconds above 0")
        if any(not key.strip() or not key.isascii() for key in self.api_keys):
            raise SettingError("an API key is empty or not ASCII; give keys of printable ASCII characters")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise SettingError("of the TLS certificate and its key only one is given; give both, or neither")
        for path in (self.tls_certificate, self.tls_key):
            if path is not None and not path.is_file():
                raise SettingError(f"the TLS file {path} does not exist; correct the path")
        if self.log_format not in LOG_FORMATS:
            raise SettingError(f"log_format is {self.log_format!r}; use one of {', '.join(LOG_FORMATS)}")

        if self.otlp_endpoint is not None and not self.otlp_endpoint.startswith(("http://", "https://")):
            raise SettingError(f"otlp_endpoint is {self.otlp_endpoint!r}; give one such as http://localhost:4318")

    @property
    def is_local(self) -> bool:
        """Only this computer can reach the server."""
        return self.host in LOOPBACK


_LEAST = {
    "max_running": 1,
    "max_queued_requests": 0,
    "max_queued_tokens": 0,
    "max_body_bytes": 1,
    "max_prompt_tokens": 1,
}


def read_api_keys(keys: Sequence[str], path: Path | None) -> tuple[str, ...]:
    """Keys that are given, and those of a file: one a line, empty lines and lines that begin with # left out.

    Raises:
        SettingError: The file cannot be read, or holds no key.
    """
    if path is None:
        return tuple(keys)
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"the file of API keys {path} cannot be read ({error}); correct the path") from error
    found = [line for line in lines if line and not line.startswith("#")]
    if not found:
        raise SettingError(f"the file of API keys {path} holds none; write one a line, or leave the file out")
    return (*keys, *found)
