"""What the help says holds: examples use options that there are, and each option is one that a test uses."""

import io
import re
import shlex
from pathlib import Path

import pytest
import typer

from gesso.cli.main import app

TESTS = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py")]


def texts_naming(word):
    """All tests that name a command."""
    return "\n".join(text for text in TESTS if f'"{word}"' in text)


def commands(command, words):
    """Every command with its words, those in groups too."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield words, command
    for name, one in (inner or {}).items():
        yield from commands(one, (*words, name))


COMMANDS = [
    pytest.param(command, words, id=" ".join(words)) for words, command in commands(typer.main.get_command(app), ())
]


BY_WORDS = {tuple(one.id.split()): one.values[0] for one in COMMANDS}
ELSEWHERE = {("train",), ("finetune",), ("eval",)}
"""Their options are settings of a run, which tests/train and tests/evals try one by one."""

FROM_THE_HUB = [
    *(
        ("generate", "a"),
        ("chat",),
        ("infill", "a ___ b"),
        ("edit", "a [[b]]"),
        ("read", "a ___", "-c", "b"),
        ("score", "a"),
    ),
    *(("info",), ("eval",), ("serve",)),
]


def options(command):
    """The spellings of each option."""
    return [
        [*parameter.opts, *parameter.secondary_opts]
        for parameter in command.params
        if any(word.startswith("-") for word in parameter.opts)
    ]


@pytest.mark.parametrize(("command", "words"), COMMANDS)
def test_a_command_has_examples_and_they_use_options_that_there_are(command, words):
    _, _, examples = command.help.partition("Examples:")
    lines = [shlex.split(line) for line in re.findall(r"gesso (.*)", examples)]
    assert any(tuple(line[: len(words)]) == words for line in lines)
    for line in lines:
        known = next(one for said, one in BY_WORDS.items() if tuple(line[: len(said)]) == said)
        spellings = {spelling for spellings in options(known) for spelling in spellings}
        assert not {word for word in line if re.match(r"--?[a-z]", word)} - spellings


@pytest.mark.parametrize(("command", "words"), COMMANDS)
def test_every_option_is_explained_and_stands_in_a_test_of_its_command(command, words):
    assert all(parameter.help for parameter in command.params)
    tests = texts_naming(words[0])
    for spellings in options(command) if words not in ELSEWHERE else ():
        said = [
            form for spelling in spellings for form in (f'"{spelling}', f" {spelling}", f'"{spelling.lstrip("-")}"')
        ]
        assert any(form in tests for form in said), spellings


@pytest.mark.parametrize("words", FROM_THE_HUB, ids=lambda words: words[0])
def test_offline_nothing_is_downloaded(words, gesso_command, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    model = ["no/such"] if words[0] in ("info", "eval", "serve") else ["--model", "no/such"]
    port = ["--port", 0] if words[0] == "serve" else []
    ran = gesso_command(*words, *model, *port, "--offline")
    assert (ran.status, ran.out) == (1, "")
    assert "the hub must not be asked (offline)" in ran.err
