import itertools

import pytest

from gesso.bench.target import Target, TargetError
from gesso.errors import SettingError

BODY = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
DONE = b"data: [DONE]"


def text(content):
    return {"choices": [{"delta": {"content": content}}]}


def ticking():
    """A clock that goes on by a second whenever it is looked at."""
    seconds = itertools.count()
    return lambda: float(next(seconds))


def test_the_clock_is_looked_at_when_the_first_draft_and_the_first_text_come(scripted):
    usage = {"prompt_tokens": 3, "completion_tokens": 8, "diffusion": {"steps": [[4, 2]]}}
    server = scripted(
        [
            {"choices": [{"delta": {"role": "assistant", "content": ""}}]},
            b": a comment",
            {"choices": [{"delta": {}}], "diffusion": {"step": 1}},
            {"choices": [{"delta": {}}], "diffusion": {"step": 2}},
            text("Once"),
            text(" more"),
            {"choices": [], "usage": usage},
            DONE,
        ]
    )
    reply = Target(url=server.url).ask(BODY, ticking())
    assert (reply.first_draft_s, reply.first_text_s, reply.total_s) == (1.0, 2.0, 3.0)
    assert (reply.prompt_tokens, reply.output_tokens, reply.steps) == (3, 8, (4, 2))
    assert reply.tokens_per_s == 8 / 3
    assert reply.error is None


def test_what_a_server_does_not_tell_is_unknown(scripted):
    reply = Target(url=scripted([text("a"), DONE]).url).ask(BODY)
    assert (reply.first_draft_s, reply.output_tokens, reply.steps, reply.tokens_per_s) == (None, None, None, None)


def test_a_request_asks_for_a_stream_with_its_usage_and_shows_its_key(scripted):
    server = scripted([DONE])
    Target(url=f"{server.url}/v1/", api_key="k").ask(BODY)
    ((path, headers, body),) = server.asked
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == "Bearer k"
    assert body == {**BODY, "stream": True, "stream_options": {"include_usage": True}}


@pytest.mark.parametrize(
    ("lines", "status", "error"),
    [
        ([b'{"error": {"message": "too\\n many"}}'], 429, "status 429: too many"),
        ([b"<html>"], 502, "status 502: no reason is given"),
        ([text("a"), {"error": {"message": "it broke"}}], 200, "it broke"),
        ([text("a")], 200, "the stream broke off"),
    ],
)
def test_what_goes_wrong_is_told_in_the_reply(scripted, lines, status, error):
    assert Target(url=scripted(lines, status).url).ask(BODY).error == error


def test_a_server_that_is_not_there_is_told_too():
    target = Target(url="http://127.0.0.1:9")
    assert "refused" in target.ask(BODY).error
    with pytest.raises(TargetError, match="cannot be reached"):
        target.models()


def test_models_are_those_that_the_server_names(scripted):
    server = scripted([b'{"data": [{"id": "a"}, {"id": "b"}]}'])
    assert Target(url=server.url).models() == ["a", "b"]
    assert server.asked[0][0] == "/v1/models"
    with pytest.raises(TargetError, match="does not name its models"):
        Target(url=scripted([], 401).url).models()


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://a", "http://", "http://a:b", "http://a:0"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(SettingError, match="give one such as"):
        Target(url=url)


def test_a_silence_has_an_end():
    with pytest.raises(SettingError, match="timeout_s is 0"):
        Target(url="http://a", timeout_s=0.0)
