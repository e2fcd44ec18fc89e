import asyncio
import logging

import pytest
from fastapi.testclient import TestClient

from gesso.server.access import Access
from gesso.server.metrics import Metrics
from gesso.server.tracing import Tracing
from tests.server.conftest import chat, run_async

URL = "/v1/chat/completions"


@pytest.mark.parametrize(
    "headers",
    [{"authorization": "Bearer second"}, {"x-api-key": "first"}, {"authorization": "bearer  first "}],
)
def test_a_key_lets_in(client_of, lm, headers):
    client = client_of(lm, api_keys=("first", "second"))
    assert client.get("/v1/models", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer firs"}, {"authorization": "Basic first"}, {"x-api-key": "\xe4".encode()}]
)
def test_without_a_right_key_nothing_is_told(client_of, lm, headers):
    client = client_of(lm, api_keys=("first",))
    answer = client.get("/v1/models", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "invalid_api_key"
    assert client.get("/metrics", headers=headers).status_code == 401
    messages = client.post("/v1/messages", json=chat(max_tokens=1), headers=headers)
    assert messages.json()["error"]["type"] == "authentication_error"


def test_whether_the_server_lives_anybody_may_know(client_of, lm):
    client = client_of(lm, api_keys=("first",))
    assert [client.get(path).status_code for path in ("/health", "/ready", "/version")] == [200] * 3


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000"])
def test_a_local_server_answers_to_the_names_of_its_computer(client, host):
    assert client.get("/v1/models", headers={"host": host}).status_code == 200


def test_another_name_for_this_computer_is_a_strangers_trick(client, client_of, lm):
    for host in ("evil.example", "evil.example:8000", "", "[evil]:1"):
        answer = client.get("/v1/models", headers={"host": host})
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "unknown_host"
    with_key = {"host": "evil.example", "x-api-key": "k"}
    assert client_of(lm, api_keys=("k",)).get("/v1/models", headers=with_key).status_code == 200
    assert client_of(lm, host="0.0.0.0").get("/v1/models", headers={"host": "a.example"}).status_code == 200


def test_a_request_keeps_the_id_it_came_with_if_it_is_sane(client):
    assert client.get("/health", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    for odd in ("a b", "x" * 200, "a\tb"):
        given = client.get("/health", headers={"x-request-id": odd}).headers["x-request-id"]
        assert given != odd
        assert given.isalnum()


def test_each_request_is_a_line_of_the_log_without_its_text(client, caplog):
    with caplog.at_level(logging.INFO, logger="gesso.server.access"):
        client.post(URL, json=chat("secret", max_tokens=3, seed=1), headers={"x-request-id": "r1"})
        client.get("/nowhere")
    first, second = (record.facts for record in caplog.records)
    assert first["request_id"] == "r1"
    assert (first["status"], first["path"], first["completion_tokens"]) == (200, URL, 3)
    assert first["steps"] > 0
    assert "secret" not in str(first)
    assert second["status"] == 404


def test_paths_that_do_not_exist_do_not_multiply_the_metrics(client_of, lm):
    client = client_of(lm)
    client.get("/nowhere/1")
    client.get("/nowhere/2")
    assert 'path="other",status="404"} 2.0' in client.get("/metrics").text


def access_around(app):
    settings = {
        "api_keys": (),
        "hosts": (),
        "open_paths": frozenset(),
        "max_body_bytes": 1_000,
        "metrics": Metrics(),
        "tracing": Tracing(),
    }
    return Access(app, body_timeout_s=0.05, **settings)


async def exchange(app):
    sent = []

    async def receive():
        raise AssertionError("nobody asked for the body")

    async def send(message):
        sent.append(message)

    headers = [(b"content-length", b"100")]
    await app({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive, send)
    return sent


def test_a_body_that_never_comes_is_given_up_and_the_connection_closed(client):
    async def receive():
        await asyncio.sleep(10)

    app = client.app.middleware_stack
    scope = {
        "type": "http",
        "method": "POST",
        "path": URL,
        "raw_path": URL.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost"), (b"content-length", b"100"), (b"content-type", b"application/json")],
    }
    sent = []

    async def send(message):
        sent.append(message)

    around = access_around(app)
    run_async(around(scope, receive, send))
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]


def test_an_answer_before_the_end_of_the_body_closes_the_connection():
    async def hasty(scope, receive, send):
        await send({"type": "http.response.start", "status": 413, "headers": []})

    sent = run_async(exchange(access_around(hasty)))
    assert (b"connection", b"close") in sent[0]["headers"]


def test_lifespans_pass_through(lm):
    from gesso.server.app import create_app
    from gesso.server.settings import ServerSettings

    app = create_app(lm, ServerSettings())
    with TestClient(app):
        assert app.state.service.is_ready
    assert not app.state.service.is_ready
