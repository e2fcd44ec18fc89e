import json

from gesso.server.json_response import AsciiJSONResponse
from tests.server.conftest import chat


def test_whatever_json_can_hold_can_be_answered():
    content = {"text": "half \ud800 a pair, and \N{GRINNING FACE}"}
    answer = AsciiJSONResponse(content)
    assert answer.body.isascii()
    assert json.loads(answer.body) == content


def test_half_a_surrogate_pair_is_no_text_and_is_refused_as_that(client):
    header = {"content-type": "application/json"}
    odd = json.dumps(chat("\ud800"))
    for path in ("/v1/chat/completions", "/apply-template"):
        answer = client.post(path, content=odd, headers=header)
        assert answer.status_code in (200, 400), "never 500"
    assert "surrogate" in client.post("/v1/chat/completions", content=odd, headers=header).json()["error"]["message"]
    labelled = json.dumps({"input": "x", "max_output_tokens": 1, "metadata": {"a": "\ud800"}})
    assert client.post("/v1/responses", content=labelled, headers=header).json()["metadata"] == {"a": "\ud800"}
