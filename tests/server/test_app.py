import functools
import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gesso.server.app import create_app
from gesso.server.settings import ServerSettings
from tests.server.conftest import chat

URL = "/v1/chat/completions"
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b'{"messages": "\xff"}', "UTF-8"),
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"[" * 100_000, "not JSON"),
        (b'{"messages": [{"role": "user", "content": "x"}], "temperature": NaN}', "temperature"),
        (b'{"messages": [{"role": "user", "content": "x"}], "seed": 1' + b"0" * 400 + b"}", "seed"),
    ],
)
def test_a_body_that_is_no_request_is_refused_and_says_why(client, body, part):
    answer = client.post(URL, content=body, headers=JSON)
    assert answer.status_code == 400
    assert part in answer.json()["error"]["message"]


def test_json_must_say_that_it_is_json_so_that_pages_of_strangers_cannot_post_it(client):
    answer = client.post(URL, content=json.dumps(chat()), headers={"content-type": "text/plain"})
    assert answer.status_code == 400
    assert "content-type" in answer.json()["error"]["message"]


def test_a_body_that_is_too_large_is_refused_however_its_size_is_told(client_of, lm):
    client = client_of(lm, max_body_bytes=1_000)
    for content in (b"x" * 2_000, iter([b"x" * 900] * 3)):
        answer = client.post(URL, content=content, headers=JSON)
        assert answer.status_code == 413
        assert answer.json()["error"]["type"] == "request_too_large"
    assert client.post(URL, json=chat(max_tokens=1)).status_code == 200


def test_the_longest_prompt_is_a_setting(client_of, lm):
    answer = client_of(lm, max_prompt_tokens=12).post(URL, json=chat("word " * 20))
    assert answer.json()["error"]["code"] == "context_length_exceeded"


def test_unknown_paths_and_methods_are_refused_in_the_clients_shape(client):
    assert client.get("/v2").json()["error"]["type"] == "not_found_error"
    assert client.get(URL).status_code == 405
    assert client.get("/v1/messages").json()["type"] == "error"


def test_pages_of_other_origins_may_call_only_if_they_are_named(client_of, lm):
    preflight = {"origin": "https://a.example", "access-control-request-method": "POST"}
    assert "access-control-allow-origin" not in client_of(lm).options(URL, headers=preflight).headers
    client = client_of(lm, cors_origins=("https://a.example",), api_keys=("k",))
    assert client.options(URL, headers=preflight).headers["access-control-allow-origin"] == "https://a.example"
    refused = client.get("/v1/models", headers={"origin": "https://a.example"})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "https://a.example"


def test_the_interface_describes_itself_and_loads_nothing_from_elsewhere(client):
    described = client.get("/openapi.json").json()
    assert {*POSTS, "/v1/models", "/version", "/health", "/ready", "/metrics"} <= set(described["paths"])
    assert client.get("/docs").status_code == 404


def test_the_page_is_there_if_its_files_are_and_everybody_may_read_it(lm, tmp_path: Path):
    (tmp_path / "index.html").write_text("<title>Gesso</title>")
    (tmp_path / "page.js").write_text("1")
    with TestClient(create_app(lm, ServerSettings(api_keys=("k",)), page_folder=tmp_path)) as client:
        assert "Gesso" in client.get("/").text
        assert client.get("/page.js").status_code == 200
        assert client.get("/v1/models").status_code == 401
        assert client.get("/other.js").status_code == 401
    with TestClient(create_app(lm, ServerSettings(api_keys=("k",)), page_folder=tmp_path / "none")) as client:
        assert client.get("/", headers={"x-api-key": "k"}).status_code == 404


POSTS = [
    *("/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages", "/v1/messages/count_tokens"),
    *("/infill", "/edit", "/read", "/score", "/tokenize", "/detokenize", "/apply-template"),
]
WORDS = st.sampled_from(["", "x", "<|turn>", "user", "assistant", "tool", "text", "function", "\ud800", "\x00", "auto"])
NUMBERS = st.sampled_from([0, 1, -1, 2, 16, 2**31, 2**63, 10**30, 0.5, -0.0, 1e300])


LIKELY = {
    "messages": [{"role": "user", "content": "x"}],
    "max_tokens": 2,
    "prompt": "x",
    "input": "x",
    "content": "x",
    "text": "x",
    "template": "___",
    "choices": ["x", "y"],
    "spans": [{"start": 0, "stop": 1}],
    "samples": 2,
}


@functools.cache
def names(client):
    schemas = client.get("/openapi.json").json()["components"]["schemas"].values()
    return sorted({name for schema in schemas for name in schema.get("properties", {})})


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_body_breaks_the_server(client, data):
    name = st.sampled_from(names(client))
    leaf = st.one_of(st.none(), st.booleans(), WORDS, NUMBERS)
    value = st.recursive(leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(name, inner, max_size=3))
    kept = data.draw(st.sets(st.sampled_from(sorted(LIKELY))))
    body = {key: LIKELY[key] for key in kept} | data.draw(st.dictionaries(name, value, max_size=4))
    answer = client.post(data.draw(st.sampled_from(POSTS)), content=json.dumps(body), headers=JSON)
    assert answer.status_code in (200, 400, 404, 429), answer.text
