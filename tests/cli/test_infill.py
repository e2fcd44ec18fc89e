import pytest

import gesso
from tests.cli.terminal import Terminal


def test_a_hole_is_filled_and_the_whole_text_printed(gesso_command, folder, lm):
    ran = gesso_command("infill", "Once ___ the end.", "-m", folder, "--seed", 3, "--max-hole-tokens", 4)
    filling = lm.infill("Once ", " the end.", seed=3, max_hole_tokens=4)
    assert (ran.status, ran.out) == (0, f"Once {filling.text} the end.\n")
    assert ran.err == f"gesso: {len(filling.token_ids)} tokens, {filling.nats_per_token:.2f} nats per token, seed 3\n"


def test_prefix_and_suffix_do_the_same(gesso_command, folder):
    words = ["-m", folder, "--seed", 3, "--max-hole-tokens", 4, "-q"]
    marked = gesso_command("infill", "Once ______ the end.", *words)
    given = gesso_command("infill", "--prefix", "Once ", "--suffix", " the end.", *words)
    assert marked.out == given.out
    assert given.err == ""


def test_json_tells_the_filling_apart(gesso_command, folder, lm):
    words = ["--seed", 3, "--max-hole-tokens", 2, "--steps", 2, "--temperature", 0, "--json"]
    given = gesso_command("infill", "Once___ end.", "-m", folder, *words).object
    filling = lm.infill("Once", " end.", seed=3, max_hole_tokens=2, steps=2, temperature=0.0)
    assert given == {
        "text": f"Once{filling.text} end.",
        "prefix": "Once",
        "filling": filling.text,
        "suffix": " end.",
        "token_ids": list(filling.token_ids),
        "nats_per_token": pytest.approx(filling.nats_per_token, abs=1e-4),
        "seed": 3,
        "model": str(folder),
    }


def test_on_a_terminal_the_filling_stands_out(gesso_command, folder, lm, monkeypatch):
    terminal, written = Terminal(), []
    monkeypatch.setattr(terminal, "write", lambda text: written.append(text) or len(text))
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    gesso_command("infill", "[b]Once[/b] ___ end.", "-m", folder, "--seed", 3, "--max-hole-tokens", 1)
    filling = lm.infill("[b]Once[/b] ", " end.", seed=3, max_hole_tokens=1).text
    before, after = "".join(written).split(filling)
    assert before.startswith("[b]Once[/b] \x1b[")
    assert after.endswith("\x1b[0m end.\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["Once upon"], "the text has 0 holes; mark one, as ___"),
        (["a ___ b ___ c"], "the text has 2 holes; mark one, as ___"),
        (["a ___ b", "--prefix", "c"], "a text with a hole is given, and --prefix or --suffix too"),
        ([], "prefix and suffix are both empty"),
        (["___"], "prefix and suffix are both empty"),
        (["a ___ b", "--max-hole-tokens", "0"], "max_hole_tokens is 0"),
        (["kite " * 245 + "___ b"], "together they exceed the context of 256: shorten the text"),
    ],
)
def test_bad_input_is_one_line_with_value_and_remedy(words, message, gesso_command, folder):
    ran = gesso_command("infill", *words, "-m", folder)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("gesso: ")
    assert message in ran.err
    assert ran.err.count("\n") == 1


def test_an_adapter_changes_the_filling(gesso_command, folder, adapter):
    words = ["A ___ in the sun.", "-m", folder, "--seed", 0, "--max-hole-tokens", 6, "--json"]
    settings = {"seed": 0, "max_hole_tokens": 6}
    plain, adapted = (
        gesso_command("infill", *words).object,
        gesso_command("infill", *words, "--adapter", adapter).object,
    )
    assert adapted["token_ids"] != plain["token_ids"]
    wanted = gesso.load(folder, adapter=adapter).infill("A ", " in the sun.", **settings)
    assert adapted["token_ids"] == list(wanted.token_ids)
