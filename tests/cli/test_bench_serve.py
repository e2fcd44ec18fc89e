import json

import pytest

from tests.bench.conftest import scripted  # noqa: F401, the server of the room below
from tests.server.conftest import live  # noqa: F401

QUICK = ("--concurrency", "1,2", "--requests", 2, "--max-tokens", 8, "--seed", 1)
REPLY = [{"choices": [{"delta": {"content": "a"}}]}, b"data: [DONE]"]


def test_a_server_of_gesso_is_measured_level_by_level(gesso_command, live, lm, tmp_path):  # noqa: F811
    out = tmp_path / "figures.json"
    ran = gesso_command("bench", "serve", live(lm), *QUICK, "--drafts", "--steps", 3, "-o", out, "--warmup", 0)
    assert ran.status == 0
    lines = ran.err.splitlines()
    assert [line.split()[2] for line in lines[:2]] == ["1", "2"]
    assert "first text" in lines[2]
    record = json.loads(out.read_text())
    assert record.keys() == {"settings", "results", "date", "machine", "versions", "commit"}
    assert record["settings"]["model"] == "model"
    assert record["settings"]["diffusion"] == {"steps": 3, "stream_drafts": True, "draft_interval": 0}
    assert [level["concurrency"] for level in record["results"]] == [1, 2]
    for level in record["results"]:
        assert (level["num_requests"], level["num_failed"]) == (2, 0)
        assert 1 <= level["steps_per_canvas"] <= 3
        assert level["tokens_per_s"] > 0
        assert level["each"]["first_draft_s"]["p50"] <= level["each"]["total_s"]["p50"]


def test_another_server_is_measured_by_what_it_tells(gesso_command, scripted, tmp_path):  # noqa: F811
    server = scripted(REPLY)
    (tmp_path / "prompts.txt").write_text("one\n\ntwo\n")
    words = [
        "--model",
        "m",
        "--api-key",
        "k",
        "--prompts",
        tmp_path / "prompts.txt",
        "--timeout-s",
        5,
        "--quiet",
    ]
    ran = gesso_command("bench", "serve", server.url, *QUICK, *words)
    assert (ran.status, ran.err) == (0, "")
    record = json.loads(ran.out)
    assert record["results"][0]["tokens_per_s"] is None
    assert "diffusion" not in record["settings"]
    asked = [(body["messages"][0]["content"], body["seed"], body["max_tokens"]) for _, _, body in server.asked]
    assert asked[0] == ("one", 1, 8)  # the warmup
    assert sorted(asked[1:]) == sorted(2 * [("one", 1, 8), ("two", 2, 8)])
    assert all(headers["Authorization"] == "Bearer k" for _, headers, _ in server.asked)


def test_a_key_may_stand_in_the_environment(gesso_command, scripted, monkeypatch):  # noqa: F811
    server = scripted(REPLY)
    monkeypatch.setenv("GESSO_API_KEY", "e")
    gesso_command("bench", "serve", server.url, "-m", "m", *QUICK)
    assert server.asked[0][1]["Authorization"] == "Bearer e"


def test_requests_that_fail_are_counted_and_said_and_if_all_do_the_work_has_failed(gesso_command, scripted):  # noqa: F811
    server = scripted([b'{"error": {"message": "no room"}}'], 503)
    ran = gesso_command("bench", "serve", server.url, "-m", "m", *QUICK)
    assert ran.status == 1
    assert ran.err.splitlines()[0] == "gesso: 2 of 2 requests failed at concurrency 1: status 503: no room"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["http://127.0.0.1:9"], 1, "http://127.0.0.1:9 cannot be reached"),
        (["localhost"], 2, "the url is 'localhost'"),
        (["--concurrency", "1,x"], 2, "--concurrency is '1,x'"),
        (["--concurrency", "0"], 2, "give numbers from 1 up"),
        (["--requests", "0"], 2, "num_requests is 0"),
        (["--prompts", "none.txt"], 2, "none.txt cannot be read"),
        (["--output", "no/such/folder.json"], 1, "does not exist"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(gesso_command, words, status, said):
    ran = gesso_command("bench", "serve", *words)
    assert (ran.status, ran.err.count("\n")) == (status, 1)
    assert said in ran.err


def test_a_file_without_prompts_is_refused(gesso_command, tmp_path):
    (tmp_path / "empty").write_text("\n\n")
    assert "holds none" in gesso_command("bench", "serve", "--prompts", tmp_path / "empty").err


def test_a_server_without_models_needs_a_name(gesso_command, scripted):  # noqa: F811
    assert "give --model" in gesso_command("bench", "serve", scripted([b'{"data": []}']).url).err
