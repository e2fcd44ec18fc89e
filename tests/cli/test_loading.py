import io
from pathlib import Path

import pytest
import torch

from gesso.errors import ModelNotFoundError
from tests.cli.test_help import BY_WORDS, options

COMMANDS = [
    *(("generate", "a"), ("chat",), ("infill", "a ___ b"), ("edit", "a [[b]]"), ("read", "a ___", "-c", "b,c")),
    *(("score", "a"), ("serve", "--port", "0"), ("bench", "latency"), ("bench", "throughput"), ("bench", "frontier")),
]
GIVEN = {
    "--dtype": ("bfloat16", torch.bfloat16),
    "--device": ("meta", "meta"),
    "--revision": ("old", "old"),
    "--adapter": ("lora", Path("lora")),
    "--quantize": ("int8", "int8"),
    "--offline": (None, True),
    "--compile": (None, True),
}


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: "-".join(word for word in words if word.isalpha()))
def test_every_option_about_the_model_reaches_its_loading(words, gesso_command, monkeypatch):
    told = {}

    def load(model, **settings):
        told.update(settings, model=model)
        raise ModelNotFoundError("that is enough")

    monkeypatch.setattr("gesso.load", load)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    command = BY_WORDS.get(words[:2]) or BY_WORDS[words[:1]]
    known = {spelling for spellings in options(command) for spelling in spellings}
    given = {name: pair for name, pair in GIVEN.items() if name in known}
    flags = [word for name, (value, _) in given.items() for word in (name, value) if word is not None]
    ran = gesso_command(*words, *(["--model"] if "--model" in known else []), "org/fox", *flags)
    assert (ran.status, ran.err) == (1, "gesso: that is enough\n")
    wanted = {name.removeprefix("--"): value for name, (_, value) in given.items()}
    assert {"dtype", "device", "revision", "offline"} <= wanted.keys()
    assert told["model"] == "org/fox"
    assert {name: told[name] for name in wanted} == wanted
