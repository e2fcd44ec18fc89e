import io
import json

import pytest

from gesso.cli.session import Session
from gesso.errors import InputError, OutputError, PromptError, SettingError
from gesso.text.message import Message


@pytest.fixture
def person(lm):
    """`person(**changes)`: a conversation with somebody at the keyboard."""

    def make(**changes: object) -> Session:
        return Session(lm, **({"settings": {"seed": 3, "max_new_tokens": 16}, "interactive": True} | changes))

    return make


def test_an_answer_is_written_and_both_turns_are_remembered(person, lm, capsys):
    session = person()
    assert session.take("Hi")
    first = lm.generate([Message("user", "Hi")], seed=3, max_new_tokens=16).message
    assert capsys.readouterr().out == first.content + "\n"
    assert session.history == [Message("user", "Hi"), Message("model", first.content)]
    session.take("And now?")
    said = [*session.history[:2], Message("user", "And now?")]
    assert capsys.readouterr().out == lm.generate(said, seed=3, max_new_tokens=16).message.content + "\n"
    assert session.history[:3] == said


def test_a_system_message_stands_first_and_survives_a_reset(person, capsys):
    session = person(system="Be kind.")
    session.take("Hi")
    assert session.history[0] == Message("system", "Be kind.")
    session.take("/reset")
    assert session.history == [Message("system", "Be kind.")]
    assert "the conversation is forgotten" in capsys.readouterr().err


def test_ctrl_c_stops_an_answer_and_keeps_what_was_committed(person, lm, capsys, monkeypatch):
    denoise, steps = type(lm.network).denoise, []

    def interrupted(*arguments):
        steps.append(arguments)
        if len(steps) == 5:
            raise KeyboardInterrupt
        return denoise(*arguments)

    committed = lm.generate([Message("user", "Hi")], seed=3, max_new_tokens=16).message
    monkeypatch.setattr("gesso.model.network.Network.denoise", interrupted)
    session = person(settings={"seed": 3, "max_new_tokens": 32})
    assert session.take("Hi")
    assert session.history == [Message("user", "Hi"), Message("model", committed.content)]
    captured = capsys.readouterr()
    assert captured.out == committed.content + "\n"
    assert captured.err.endswith("stopped by Ctrl-C\n")


def test_ctrl_c_before_anything_is_committed_forgets_the_turn(person, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("gesso.model.network.Network.denoise", interrupted)
    session = person()
    assert session.take("Hi")
    assert session.history == []
    assert "the turn is forgotten" in capsys.readouterr().err
    with pytest.raises(KeyboardInterrupt):
        person(interactive=False).take("Hi")


def test_settings_are_changed_by_commands(person, capsys):
    session = person(settings={"max_new_tokens": 16})
    session.take("/steps 2")
    session.take("/seed 9")
    assert session.settings == {"max_new_tokens": 16, "steps": 2, "seed": 9}
    session.take("Hi")
    first = capsys.readouterr()
    session.take("/reset")
    session.take("Hi")
    assert capsys.readouterr().out == first.out
    assert "2 steps" in first.err
    session.take("/steps")
    session.take("/seed")
    assert session.settings == {"max_new_tokens": 16, "steps": None, "seed": None}


def test_a_conversation_is_saved_as_json(person, tmp_path, capsys):
    session = person()
    session.take("Hi")
    path = tmp_path / "talk.json"
    session.take(f"/save {path}")
    assert [Message(**turn) for turn in json.loads(path.read_text())] == session.history
    session.take(f"/save {path}")
    assert "exists already; choose another name" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("turn", "error", "words"),
    [
        ("/steps 0", SettingError, "the number of steps is 0"),
        ("/steps many", SettingError, "/steps is followed by 'many'; give a whole number or nothing"),
        ("/save", InputError, "/save needs the name of a file"),
        ("/save /no/such/folder/x", OutputError, "cannot be written"),
        ("/dance", InputError, "there is no command /dance; /help tells them all"),
        ("word " * 300, PromptError, "exceed the context of 256"),
    ],
)
def test_bad_input_is_told_to_a_person_and_ends_a_pipe(turn, error, words, person, capsys):
    session = person()
    assert session.take(turn)
    told = capsys.readouterr().err
    assert told.startswith("gesso: ")
    assert words in told
    assert session.history == []
    with pytest.raises(error, match=words):
        person(interactive=False).take(turn)


def test_help_and_quit(person, capsys):
    assert person().take("/help")
    said = capsys.readouterr().err
    assert all(name in said for name in ("/help", "/reset", "/steps", "/seed", "/save", "/quit"))
    assert not person().take("/quit")


def test_a_space_makes_a_slash_part_of_a_turn(person):
    session = person()
    session.take(" /help me")
    assert session.history[0] == Message("user", " /help me")


def test_settings_that_cannot_be_are_refused_at_once(person):
    with pytest.raises(SettingError, match="steps is 0"):
        person(settings={"steps": 0})


def test_the_greeting_is_for_people(person, capsys):
    person(interactive=False).greet()
    person(quiet=True).greet()
    assert capsys.readouterr().err == ""
    person().greet()
    assert "/help" in capsys.readouterr().err


def test_piped_turns_are_answered_line_by_line(gesso_command, folder, lm, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("Hi\n/seed 3\nHi\nagain\n/quit\nnever\n"))
    ran = gesso_command("chat", "-m", folder, "-n", 16, "--seed", 3)
    first = lm.generate([Message("user", "Hi")], seed=3, max_new_tokens=16).message.content
    assert ran.status == 0
    assert len(ran.out.splitlines()) == 3
    assert ran.out.startswith(first + "\n")
    assert ran.err == "gesso: every answer has the seed 3\n"


def test_bad_words_in_a_pipe_are_an_exit_status(gesso_command, folder, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("/dance\nHi\n"))
    ran = gesso_command("chat", "-m", folder)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == "gesso: there is no command /dance; /help tells them all\n"
