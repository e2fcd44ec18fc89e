import time
from dataclasses import replace

import pytest

from gesso.server.settings import ServerSettings
from tests.engine.doubles import ScriptedNetwork
from tests.server.conftest import chat, events, wait_until
from tests.tiny_model import CONFIG

URL = "/v1/chat/completions"


class SlowNetwork(ScriptedNetwork):
    """Takes its time over every step, and never comes to an end of its own."""

    def denoise(self, *arguments, **settings):
        time.sleep(0.02)
        return super().denoise(*arguments, **settings)


class BrokenNetwork(ScriptedNetwork):
    """Writes one canvas, and then what is not numbers."""

    def denoise(self, canvas, cache, conditioning=None, **settings):
        logits = super().denoise(canvas, cache, conditioning, **settings)
        return logits if cache.lengths[0] == self.prompt_length else logits * float("nan")


def writing(lm, network_class, num_canvases=4):
    return replace(lm, network=network_class([[40] * 16] * num_canvases, CONFIG))


def test_an_answer_that_takes_too_long_is_given_up_and_the_text_left_off(client_of, lm):
    client = client_of(writing(lm, SlowNetwork), request_timeout_s=0.05)
    answer = client.post(URL, json=chat(max_tokens=64))
    assert answer.status_code == 504
    assert answer.json()["error"]["code"] == "timeout"
    assert answer.headers["x-should-retry"] == "false"
    wait_until(lambda: client.get("/ready").json()["running"] == 0)
    assert "gesso_texts_left_off_total 1.0" in client.get("/metrics").text


def test_a_stream_that_takes_too_long_ends_with_an_error_and_without_the_end_mark(client_of, lm):
    body = client_of(writing(lm, SlowNetwork), request_timeout_s=0.05).post(URL, json=chat(stream=True, max_tokens=64))
    assert events(body.text)[-1]["error"]["code"] == "timeout"
    assert "[DONE]" not in body.text


@pytest.mark.parametrize("path", [URL, "/v1/responses", "/v1/messages", "/v1/completions"])
def test_a_network_that_breaks_is_an_error_in_the_middle_of_the_stream(client_of, lm, path):
    asked = {
        URL: chat(),
        "/v1/responses": {"input": "x"},
        "/v1/messages": chat(max_tokens=64),
        "/v1/completions": {"prompt": "x"},
    }[path]
    client = client_of(writing(lm, BrokenNetwork))
    *_, last = events(client.post(path, json={**asked, "stream": True}).text)
    error = last if path == "/v1/responses" else last["error"]
    assert "not numbers" in error["message"]
    whole = client.post(path, json=asked)
    assert whole.status_code == 500
    assert "not numbers" in whole.json()["error"]["message"]


def test_a_hole_that_takes_too_long_is_given_up(client_of, lm, monkeypatch):
    client = client_of(lm, request_timeout_s=0.05)
    monkeypatch.setattr("gesso.lm.language_model.infill", lambda *_, **__: time.sleep(0.3))
    assert client.post("/infill", json={"prefix": "a", "suffix": "b"}).status_code == 504


def test_a_model_is_named_by_the_end_of_its_path(client_of, lm):
    assert client_of(replace(lm, name="org/fox/")).app.state.service.name == "fox"


def test_more_texts_than_may_wait_are_refused_with_a_time_to_come_again(client_of, lm):
    client = client_of(writing(lm, SlowNetwork), max_running=1, max_queued_requests=1)
    answer = client.post(URL, json=chat(n=3, max_tokens=64))
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "queue_full"
    assert int(answer.headers["retry-after"]) >= 1
    assert client.post(URL, json=chat(n=2, max_tokens=16)).status_code == 200


def test_the_settings_of_the_queue_reach_it(client_of, lm):
    client = client_of(writing(lm, SlowNetwork), max_running=1, max_queued_tokens=10)
    assert "10 tokens may wait" in client.post(URL, json=chat(n=2)).json()["error"]["message"]
    assert ServerSettings().max_running > 1
