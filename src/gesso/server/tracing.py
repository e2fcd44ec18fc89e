"""Where the time of a request went, told to a collector of OpenTelemetry if one is named.

A request is a span, and has spans of its own: `queue`, the wait for a turn; for each canvas `encode`, the text before
it, and `canvas`, its steps. A caller's trace goes on in them (W3C trace context). Text is in none of them.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from gesso import __version__
from gesso.errors import SettingError


class Tracing:
    """Makes spans, or nothing at all.

    Args:
        tracer: OpenTelemetry's; None makes no spans.
        provider: What it belongs to; shut down at the end.
    """

    def __init__(self, tracer: Any = None, provider: Any = None) -> None:
        self._tracer = tracer
        self._provider = provider
        # Spans are dated by the calendar, and measured by a clock that nobody sets back.
        self._epoch_ns = time.time_ns() - time.monotonic_ns()

    @contextmanager
    def request(self, method: str, headers: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Be in the span of a request; what is put into the dictionary becomes its attributes, `http.route` its name.

        Args:
            method: The request's method.
            headers: The request's headers, which may name the trace that it belongs to.
        """
        facts: dict[str, Any] = {}
        if self._tracer is None:
            yield facts
            return
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        above = TraceContextTextMapPropagator().extract(headers)
        with self._tracer.start_as_current_span(method, context=above, kind=SpanKind.SERVER) as span:
            try:
                yield facts
            finally:
                span.update_name(f"{method} {facts.get('http.route', '')}".strip())
                span.set_attributes({"http.request.method": method, **facts})
                if facts.get("http.response.status_code", 0) >= 500:
                    span.set_status(Status(StatusCode.ERROR))

    def record(self, name: str, began_at: float, ended_at: float, **attributes: str | int | bool) -> None:
        """Tell of a part of the current request that is over.

        Args:
            name: What it was.
            began_at: In seconds of `time.monotonic`.
            ended_at: Likewise.
            attributes: What else is known of it; names get `gesso.` in front.
        """
        if self._tracer is None:
            return
        named = {f"gesso.{key}": value for key, value in attributes.items()}
        span = self._tracer.start_span(name, attributes=named, start_time=self._nanoseconds(began_at))
        span.end(end_time=self._nanoseconds(max(began_at, ended_at)))

    def close(self) -> None:
        """Send what has not been sent."""
        if self._provider is not None:
            self._provider.shutdown()

    def _nanoseconds(self, seconds: float) -> int:
        return self._epoch_ns + round(seconds * 1e9)


def tracing_to(endpoint: str | None) -> Tracing:
    """Make spans and send them to a collector over HTTP; None makes none.

    What else there is to choose stands in OpenTelemetry's own environment variables, such as OTEL_SERVICE_NAME,
    OTEL_TRACES_SAMPLER and OTEL_EXPORTER_OTLP_HEADERS.

    Args:
        endpoint: Address of the collector, such as http://localhost:4318.

    Raises:
        SettingError: OpenTelemetry is not installed.
    """
    if endpoint is None:
        return Tracing()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise SettingError(
            f"otlp_endpoint is {endpoint!r}, and OpenTelemetry is not installed; pip install 'gesso[telemetry]', or "
            "leave it out"
        ) from error
    name = os.environ.get("OTEL_SERVICE_NAME") or "gesso"
    provider = TracerProvider(resource=Resource.create({"service.name": name, "service.version": __version__}))
    address = endpoint.rstrip("/").removesuffix("/v1/traces") + "/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=address)))
    return Tracing(provider.get_tracer("gesso", __version__), provider)
