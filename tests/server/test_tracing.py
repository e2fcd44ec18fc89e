import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from fastapi.testclient import TestClient

from gesso.server.app import create_app
from gesso.server.settings import ServerSettings
from gesso.server.tracing import Tracing, tracing_to
from tests.server.conftest import chat
from tests.server.test_service import BrokenNetwork, writing

URL = "/v1/chat/completions"
SDK = "the package opentelemetry-sdk, which gesso[telemetry] brings, is not installed"


@pytest.fixture
def traced(lm):
    """`traced(lm)`: a client of an application, and the spans that it has made."""
    sdk = pytest.importorskip("opentelemetry.sdk.trace", reason=SDK)
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    memory, provider = InMemorySpanExporter(), sdk.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))

    def make(lm):
        app = create_app(lm, ServerSettings(), tracing=Tracing(provider.get_tracer("test"), provider))
        return TestClient(app, base_url="http://localhost"), memory

    return make


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_is_a_span_and_its_wait_its_prompt_and_its_canvases_are_below_it(traced, lm, stream):
    client, memory = traced(lm)
    with client:
        before = time.time_ns()
        client.post(URL, json=chat(seed=1, max_tokens=32, stream=stream), headers={"x-request-id": "r1"})
        after = time.time_ns()
    *parts, whole = memory.get_finished_spans()
    assert whole.name == f"POST {URL}"
    assert whole.attributes["gesso.request_id"] == "r1"
    assert whole.attributes["http.response.status_code"] == 200
    assert whole.attributes["gen_ai.usage.output_tokens"] == 32
    assert [part.name for part in parts] == ["queue", "encode", "canvas", "encode", "canvas"]
    assert {part.parent.span_id for part in parts} == {whole.context.span_id}
    assert [part.attributes.get("gesso.canvas") for part in parts] == [None, 0, 0, 1, 1]
    assert all(part.attributes["gesso.steps"] > 0 for part in parts if part.name == "canvas")
    times = [time_ns for part in parts for time_ns in (part.start_time, part.end_time)]
    assert times == sorted(times)
    assert before <= times[0] <= times[-1] <= after


def test_each_text_of_a_request_is_told_apart(traced, lm):
    client, memory = traced(lm)
    with client:
        client.post(URL, json=chat(n=2, max_tokens=4))
    canvases = [span for span in memory.get_finished_spans() if span.name == "canvas"]
    assert sorted(span.attributes["gesso.text"] for span in canvases) == [0, 1]


def test_the_trace_of_a_caller_goes_on_here(traced, lm):
    client, memory = traced(lm)
    with client:
        client.post("/tokenize", json={"content": "x"}, headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})
        client.post("/tokenize", json={"content": "x"}, headers={"traceparent": "nonsense"})
    known, unknown = memory.get_finished_spans()
    assert f"{known.context.trace_id:x}" == "a" * 32
    assert f"{known.parent.span_id:x}" == "b" * 16
    assert unknown.parent is None


def test_an_error_of_the_server_is_one_of_the_span_and_a_refusal_is_not(traced, lm):
    client, memory = traced(writing(lm, BrokenNetwork))
    with client:
        client.post(URL, json=chat(max_tokens=64))
        client.post(URL, json=chat(top_p="x"))
    broken, refused = (span for span in memory.get_finished_spans() if span.name == f"POST {URL}")
    assert not broken.status.is_ok
    assert refused.status.is_unset
    assert refused.attributes["http.response.status_code"] == 400


def test_what_operators_ask_for_is_not_traced(traced, lm):
    client, memory = traced(lm)
    with client:
        client.get("/health")
        client.get("/metrics")
    assert memory.get_finished_spans() == ()


def test_spans_reach_a_collector(lm):
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason=SDK)
    received = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            received.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        settings = ServerSettings(otlp_endpoint=f"http://127.0.0.1:{server.server_address[1]}/")
        with TestClient(create_app(replace(lm), settings), base_url="http://localhost") as client:
            client.post("/tokenize", json={"content": "a secret"})
        server.shutdown()
        thread.join()
    assert [path for path, _ in received] == ["/v1/traces"]
    assert b"POST /tokenize" in received[0][1]
    assert b"service.name" in received[0][1]
    assert b"secret" not in received[0][1]


def test_without_a_collector_nothing_is_made():
    tracing = tracing_to(None)
    with tracing.request("POST", {}) as facts:
        facts["http.route"] = "/"
        tracing.record("canvas", 0.0, 1.0, steps=3)
    tracing.close()
