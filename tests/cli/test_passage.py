from contextlib import nullcontext

from gesso.cli.passage import spinner, write_passage
from tests.cli.terminal import Terminal

PARTS = [("[b]Once ", False), ("upon", True), (" a\x1b time", False)]


def test_a_passage_is_plain_text_where_nobody_watches(capsys):
    write_passage(PARTS)
    assert capsys.readouterr().out == "[b]Once upon a\x1b time\n"


def test_on_a_terminal_new_parts_stand_out_and_control_characters_do_nothing(monkeypatch):
    terminal, written = Terminal(), []
    monkeypatch.setattr(terminal, "write", lambda text: written.append(text) or len(text))
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    write_passage(PARTS)
    before, after = "".join(written).split("upon")
    assert before.startswith("[b]Once \x1b[")
    assert after.startswith("\x1b[0m a")
    assert not after.endswith("\x1b time\n")


def test_nothing_turns_where_nobody_watches():
    assert isinstance(spinner("Filling", quiet=True), nullcontext)
    assert isinstance(spinner("Filling", quiet=False), nullcontext)
