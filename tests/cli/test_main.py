import os
import pty
import re
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

import gesso
from gesso.cli.main import main
from gesso.errors import ConfigError, GessoError, InputError
from tests.cli.terminal import Terminal
from tests.tiny_model import save_tiny_model, tiny_network

GESSO = [sys.executable, "-m", "gesso"]


@pytest.fixture(scope="module")
def endless(tmp_path_factory):
    """A model with room for a text that takes far longer than these tests."""
    network = tiny_network(max_position_embeddings=100_000)
    return save_tiny_model(tmp_path_factory.mktemp("endless") / "model", network, max_new_tokens=50_000)


def test_the_version_is_that_of_the_package(gesso_command):
    ran = gesso_command("--version")
    assert (ran.status, ran.out, ran.err) == (0, f"gesso {gesso.__version__}\n", "")


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_names_every_command(words, gesso_command):
    ran = gesso_command(*words)
    assert ran.status == 0
    assert all(command in ran.out for command in ("generate", "chat", "infill", "info", "doctor"))


@pytest.mark.parametrize("command", ["generate", "chat", "infill", "info", "doctor"])
def test_the_help_of_every_command_has_examples(command, gesso_command):
    ran = gesso_command(command, "--help")
    assert ran.status == 0
    assert f"gesso {command}" in ran.out.split("Examples:")[1]


@pytest.mark.parametrize("words", [["paint"], ["generate", "--stepz", "3"], ["info", "a", "b"]])
def test_words_that_nobody_knows_are_refused_in_one_line(words, gesso_command):
    ran = gesso_command(*words)
    assert ran.status == 2
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("gesso: ")
    assert words[-1] in ran.err or words[1] in ran.err


@pytest.mark.parametrize(
    ("error", "status"),
    [(InputError("x is 3; give 4"), 2), (ConfigError("file\nbroken"), 1), (GessoError("[bold]no[/] \\ markup"), 1)],
)
def test_an_error_is_one_line_and_its_kind_the_status(error, status, gesso_command, monkeypatch):
    monkeypatch.setattr("gesso.checkpoint.hub.resolve", lambda *_, **__: (_ for _ in ()).throw(error))
    ran = gesso_command("info")
    assert ran.status == status
    assert ran.err == f"gesso: {' '.join(str(error).splitlines())}\n"


def test_an_error_of_ours_is_not_hidden(monkeypatch):
    monkeypatch.setattr("gesso.checkpoint.hub.resolve", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["info"])


def test_help_and_refusals_need_no_torch():
    script = (
        "import sys; from gesso.cli.main import main\n"
        "statuses = [main([w]) for w in ('--version', '--help')] + [main(['generate', ''])]\n"
        "heavy = {'torch', 'tokenizers', 'numpy', 'jinja2'} & set(sys.modules)\n"
        "sys.exit(f'{statuses} {heavy}' if statuses != [0, 0, 2] or heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_completion_offers_the_commands():
    asked = {"_GESSO_COMPLETE": "complete_bash", "COMP_WORDS": "gesso in", "COMP_CWORD": "1"}
    done = subprocess.run([*GESSO], env=os.environ | asked, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["infill", "info"]


@pytest.mark.parametrize(
    ("pressed", "status", "said"),
    [(signal.SIGINT, 130, "stopped by Ctrl-C\n"), pytest.param(signal.SIGTERM, 143, "", marks=pytest.mark.slow)],
)
def test_a_running_command_that_is_stopped_keeps_its_text(pressed, status, said, endless):
    words = ["generate", "Once", "-m", str(endless), "--seed", "3"]
    with subprocess.Popen([*GESSO, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        first = process.stdout.read(20)
        process.send_signal(pressed)
        rest, remark = process.communicate(timeout=60)
    assert process.returncode == status
    assert len(first) == 20
    assert (first + rest).endswith(b"\n")
    assert remark.decode().endswith(said)
    assert remark.count(b"\n") <= 1


COMMANDS = [["generate", "Once", "-q"], ["infill", "Once ___ end.", "-q", "--max-hole-tokens", "1"]]


@pytest.mark.parametrize("command", COMMANDS, ids=["generate", "infill"])
def test_a_reader_that_leaves_ends_the_command_quietly(command, folder, capsys, monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with suppress(BrokenPipeError), open(writing, "w") as left:
        monkeypatch.setattr("sys.stdout", left)
        status = main([*command, "-m", str(folder)])
    assert status == 1
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("buffering", [1, 8192])
@pytest.mark.parametrize("command", COMMANDS, ids=["generate", "infill"])
def test_a_full_disk_is_an_error_in_one_line(command, buffering, folder, capsys, monkeypatch):
    with suppress(OSError), open("/dev/full", "w", buffering=buffering) as full:
        monkeypatch.setattr("sys.stdout", full)
        status = main([*command, "-m", str(folder)])
    assert status == 1
    said = capsys.readouterr().err
    assert said == "gesso: standard output cannot be written (No space left on device); choose another place\n"


def test_watched_on_a_terminal_the_canvas_is_drawn_over_and_ctrl_c_leaves_the_text(endless):
    master, slave = pty.openpty()
    words = ["generate", "Once", "-m", str(endless), "--seed", "3", "--watch"]
    size = {"TERM": "xterm-256color", "COLUMNS": "60", "LINES": "20", "PYTHONUNBUFFERED": "1"}
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), slave)
    with subprocess.Popen([*GESSO, *words], env=os.environ | size, **streams) as process:
        os.close(slave)
        written = b""
        while not re.search(rb"canvas ([3-9]|[1-9][0-9])", written):  # not every canvas is drawn
            written += os.read(master, 4096)
        process.send_signal(signal.SIGINT)
        with suppress(OSError):  # how Linux says that the other end is closed
            while piece := os.read(master, 4096):
                written += piece
    os.close(master)
    terminal = Terminal(columns=60, lines=20)
    terminal.write(written.decode())
    text, said = "".join(terminal.rows).split("gesso: ")
    assert process.returncode == 130
    assert text.startswith("Once")
    assert "accepted" not in text
    assert said.endswith("stopped by Ctrl-C")
    assert terminal.cursor_shown
