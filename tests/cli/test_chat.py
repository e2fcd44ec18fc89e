import io
import json
import time
from dataclasses import replace

import pytest

import gesso
from gesso.cli.chat_settings import OWN, SETTINGS
from gesso.cli.session import Session
from gesso.errors import InputError, OutputError, PromptError, SettingError
from gesso.lm.about import About
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
    denoise, steps = type(lm.network).denoise_hidden, []

    def interrupted(*arguments):
        steps.append(arguments)
        if len(steps) == 5:
            raise KeyboardInterrupt
        return denoise(*arguments)

    committed = lm.generate([Message("user", "Hi")], seed=3, max_new_tokens=16).message
    monkeypatch.setattr("gesso.model.network.Network.denoise_hidden", interrupted)
    session = person(settings={"seed": 3, "max_new_tokens": 32})
    assert session.take("Hi")
    assert session.history == [Message("user", "Hi"), Message("model", committed.content)]
    captured = capsys.readouterr()
    assert captured.out == committed.content + "\n"
    assert captured.err.endswith("stopped by Ctrl-C\n")


def test_ctrl_c_before_anything_is_committed_forgets_the_turn(person, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("gesso.model.network.Network.denoise_hidden", interrupted)
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


def test_every_setting_of_an_answer_can_be_set_and_taken_back(person, capsys):
    given = {
        "max_new_tokens": 8,
        "steps": 3,
        "seed": 5,
        "temperature": 0.5,
        "entropy_bound": 0.2,
        "reach": 4,
        "confidence": 0.1,
        "stability": 2,
        "sampler": "entropy-bound",
        "mode": "verified",
        "patience": 3,
        "slide": 0,
        "top_k": 9,
        "top_p": 0.9,
        "min_p": 0.05,
        "repetition_penalty": 1.2,
        "stop": "the end",
    }
    session = person(settings={})
    for name, value in given.items():
        session.take(f"/set {name} {value}")
    assert session.settings == given
    capsys.readouterr()
    session.take("/set")
    told = dict(line.split(maxsplit=1) for line in capsys.readouterr().err.splitlines())
    assert told == {name: str(given.get(name, setting.unset)) for name, setting in SETTINGS.items()}
    assert told["t_max"] == OWN
    for name in given:
        session.take(f"/set {name.replace('_', '-')}")
    assert set(session.settings.values()) == {None}
    session.take("/set t_max 0.9")
    session.take("/set t_min 0.3")
    assert (session.settings["t_max"], session.settings["t_min"]) == (0.9, 0.3)


def test_settings_of_an_answer_do_what_they_do_in_python(person, lm, capsys):
    session = person(settings={"seed": 3, "max_new_tokens": 16})
    for line in ("/set choice red fox | blue boat", "/set mode verified"):
        session.take(line)
    session.take("Hi")
    chosen = lm.generate(session.history[:1], seed=3, max_new_tokens=16, choice=["red fox", "blue boat"]).message
    assert capsys.readouterr().out == chosen.content + "\n"
    assert chosen.content in ("red fox", "blue boat")
    session.take("/reset")
    session.take("/set choice")
    session.take('/set json_schema {"enum": [7, 8]}')
    session.take("Hi")
    assert json.loads(capsys.readouterr().out) in (7, 8)
    session.take("/set json_schema")
    session.take("/set regex [xy]{3}")
    session.take("Hi")
    assert set(capsys.readouterr().out.strip()) <= {"x", "y"}
    session.take("/set regex")
    session.take("/set thinking on")
    assert session.settings["thinking"] is True
    session.take("/set thinking maybe")
    assert "/set thinking is followed by 'maybe'; give on or off" in capsys.readouterr().err


def test_a_model_that_knows_single_questions_is_asked_each_by_itself_unless_told_otherwise(person, lm, capsys):
    single = replace(lm, about=About(description="tells jokes", examples=("A joke!",), single_turn=True))
    session = Session(single, system="Be kind.", settings={"seed": 3, "max_new_tokens": 16}, interactive=True)
    session.greet()
    greeting = capsys.readouterr().err
    assert all(words in greeting for words in ("tells jokes", "answered by itself", "try: A joke!"))
    opening, asked = Message("system", "Be kind."), [Message("user", one) for one in ("Hi", "And now?")]
    for question in asked:
        session.take(question.content)
        alone = lm.generate([opening, question], seed=3, max_new_tokens=16).message
        assert capsys.readouterr().out == alone.content + "\n"
    assert session.history[3] == asked[1], "the whole conversation can be saved"
    session.take("/history")
    assert "each question is answered by itself" in capsys.readouterr().err
    session.take("/history on")
    said = [*session.history, Message("user", "Why?")]
    capsys.readouterr()
    session.take("Why?")
    assert capsys.readouterr().out == lm.generate(said, seed=3, max_new_tokens=16).message.content + "\n"
    session.take("/history maybe")
    assert "/history is followed by 'maybe'; give on or off" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["--history", "--no-history"])
def test_whether_answers_know_what_was_said_before_is_an_option(word, gesso_command, folder, lm, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("Hi\nAnd now?\n"))
    ran = gesso_command("chat", "-m", folder, "-n", 16, "--seed", 3, word)
    first = lm.generate([Message("user", "Hi")], seed=3, max_new_tokens=16).message
    before = [Message("user", "Hi"), Message("model", first.content)] if word == "--history" else []
    second = lm.generate([*before, Message("user", "And now?")], seed=3, max_new_tokens=16).message
    assert ran.out == f"{first.content}\n{second.content}\n"


def test_options_of_the_command_are_settings_of_all_answers(gesso_command, folder, lm, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("Hi\n"))
    words = ["--mode", "autoregressive", "--temperature", 0, "--steps", 3, "--system", "Be kind.", "--thinking"]
    ran = gesso_command("chat", "-m", folder, "-n", 12, "--seed", 3, "--quiet", *words)
    settings = {"mode": "autoregressive", "temperature": 0.0, "steps": 3, "thinking": True, "max_new_tokens": 12}
    wanted = lm.generate([Message("system", "Be kind."), Message("user", "Hi")], seed=3, **settings).message
    assert (ran.out, ran.err) == (wanted.content + "\n", "")


def test_a_setting_that_cannot_be_leaves_the_others_as_they_were(person, capsys):
    session = person(settings={"steps": 4})
    for wrong in ("/set steps 0", "/set temperature -1", "/set sampler dance", "/steps 0"):
        session.take(wrong)
        assert capsys.readouterr().err.startswith("gesso: ")
    assert session.settings == {"steps": 4}


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
        ("/set mode sideways", SettingError, "mode is 'sideways'"),
        ("/set json_schema none.json", SettingError, "cannot be read"),
        ("/set speed 3", InputError, "there is no setting speed; there are max_new_tokens, steps"),
        ("/set temperature hot", SettingError, "/set temperature is followed by 'hot'; give a number or nothing"),
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
    assert all(name in said for name in ("/help", "/reset", "/history", "/set", "/steps", "/seed", "/save", "/quit"))
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


def test_answers_can_be_watched_at_a_pace(gesso_command, folder, lm, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("Hi\n"))
    began = time.monotonic()
    ran = gesso_command("chat", "-m", folder, "-n", 16, "--seed", 3, "--steps", 2, "--watch", "--pace", 0.5)
    assert ran.out == lm.generate([Message("user", "Hi")], seed=3, steps=2, max_new_tokens=16).message.content + "\n"
    assert "step 1/2" in ran.err
    assert time.monotonic() - began >= 0.5


def test_bad_words_in_a_pipe_are_an_exit_status(gesso_command, folder, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("/dance\nHi\n"))
    ran = gesso_command("chat", "-m", folder)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == "gesso: there is no command /dance; /help tells them all\n"


def test_an_adapter_changes_the_answers(gesso_command, folder, adapter, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("Hi\n"))
    ran = gesso_command("chat", "-m", folder, "--adapter", adapter, "-n", 16, "--seed", 3)
    adapted = gesso.load(folder, adapter=adapter)
    assert ran.out == adapted.generate([Message("user", "Hi")], seed=3, max_new_tokens=16).message.content + "\n"
