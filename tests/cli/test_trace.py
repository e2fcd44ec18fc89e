import json
import re
from html.parser import HTMLParser

import pytest

from gesso.cli.trace import as_ascii, replay_page, write_trace

HOSTILE = '</script><script>alert(1)</script><!--<script> & "\N{LINE SEPARATOR}\N{FOX FACE}'
TRACE = {"format": "gesso-trace", "request": {"prompt": HOSTILE}, "steps": [{"text": [HOSTILE, None]}]}


class Scripts(HTMLParser):
    """The scripts of a page, as a browser tells them apart."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[dict[str, str | None], str]] = []
        self._attributes: dict[str, str | None] | None = None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag == "script":
            self._attributes = dict(attributes)

    def handle_data(self, data):
        if self._attributes is not None:
            self.found.append((self._attributes, data))
            self._attributes = None


def test_a_replay_holds_the_trace_as_data_that_no_text_can_leave():
    data, program = Scripts(replay_page(TRACE)).found
    assert data[0] == {"type": "application/json", "id": "trace"}
    assert json.loads(data[1]) == TRACE
    assert "<" not in data[1]
    assert program[0] == {"type": "module"}


def test_a_replay_allows_its_own_program_alone_and_asks_for_no_file():
    page = replay_page(TRACE)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)[1]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not re.search(r'(?:src|href)="', page)


def test_the_trace_alone_is_json(tmp_path):
    write_trace(tmp_path / "trace.json", TRACE)
    text = (tmp_path / "trace.json").read_text(encoding="utf-8")
    assert text == as_ascii(TRACE) + "\n"
    assert text.isascii()
    assert json.loads(text) == TRACE


def test_generate_writes_a_replay_beside_its_text(gesso_command, folder, lm, tmp_path):
    path = tmp_path / "replay.html"
    ran = gesso_command("generate", "Once", "-m", folder, "--seed", 3, "--trace", path)
    out = lm.generate("Once", seed=3)
    assert (ran.status, ran.out) == (0, out.text + "\n")
    trace = json.loads(Scripts(path.read_text(encoding="utf-8")).found[0][1])
    assert trace["request"] == {"prompt": "Once"}
    assert trace["model"] == str(folder)
    assert trace["result"]["text"] == out.text
    assert trace["result"]["finish_reason"] == "length"
    assert [one["canvas"] for one in trace["steps"]] == [0] * out.steps[0] + [1] * out.steps[1]


def test_generate_writes_the_trace_of_a_conversation(gesso_command, folder, tmp_path):
    path = tmp_path / "trace.json"
    gesso_command("generate", "Hi", "-m", folder, "--chat", "--system", "Be kind.", "--trace", path, "-n", 9)
    trace = json.loads(path.read_text(encoding="utf-8"))
    turns = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]
    assert trace["request"] == {"messages": turns}
    assert trace["settings"]["max_new_tokens"] == 9


def test_ctrl_c_in_the_middle_leaves_the_trace_of_what_was_done(gesso_command, folder, lm, tmp_path, monkeypatch):
    steps = []
    denoise = type(lm.network).denoise_hidden

    def interrupted(*arguments):
        steps.append(arguments)
        if len(steps) == 5:
            raise KeyboardInterrupt
        return denoise(*arguments)

    monkeypatch.setattr("gesso.model.network.Network.denoise_hidden", interrupted)
    path = tmp_path / "trace.json"
    assert gesso_command("generate", "Once", "-m", folder, "--seed", 3, "--trace", path).status == 130
    trace = json.loads(path.read_text(encoding="utf-8"))
    assert trace["result"]["finish_reason"] == "interrupted"
    assert (len(trace["steps"]), len(trace["commits"])) == (4, 1)


def test_text_and_trace_do_not_share_a_file(gesso_command, folder, tmp_path):
    path = tmp_path / "out.json"
    ran = gesso_command("generate", "Once", "-m", folder, "--trace", path, "-o", path)
    assert (ran.status, ran.out) == (2, "")
    assert "is named for the text and for the trace; give each a file of its own" in ran.err
    assert not path.exists()


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("trace.txt", 2, "the trace shall go into trace.txt; end its name with .html for a replay, or .json"),
        ("/no/such/folder/trace.html", 1, "the folder /no/such/folder does not exist; make it"),
    ],
)
def test_a_file_that_cannot_hold_the_trace_is_refused_before_any_work(path, status, message, gesso_command, folder):
    ran = gesso_command("generate", "Once", "-m", folder, "--trace", path)
    assert (ran.status, ran.out) == (status, "")
    assert message in ran.err
    assert ran.err.count("\n") == 1
