import pytest

from tests.cli.terminal import Terminal

TEXT = "Once upon a red kite."


def test_marked_spans_are_written_anew_and_the_whole_text_printed(gesso_command, folder, lm):
    ran = gesso_command("edit", "Once [[upon]] a [[red]] kite.", "-m", folder, "--seed", 3, "--max-span-tokens", 2)
    edited = lm.edit(TEXT, [(5, 9), (12, 15)], seed=3, max_span_tokens=2)
    assert (ran.status, ran.out) == (0, edited.text + "\n")
    first, second = edited.spans
    assert ran.err == f"gesso: 'upon' to {first.new!r}, 'red' to {second.new!r}; seed 3\n"


def test_spans_given_as_numbers_do_the_same_and_leave_brackets_alone(gesso_command, folder, lm):
    words = ["-m", folder, "--seed", 3, "--max-span-tokens", 2, "-q"]
    marked = gesso_command("edit", r"Once \[[upon\]] a [[red]] kite.", *words)
    given = gesso_command("edit", "Once [[upon]] a red kite.", "--span", "16:19", *words)
    assert marked.out == given.out
    assert given.out.startswith("Once [[upon]] a ")
    assert given.err == ""


def test_json_tells_what_became_of_each_span(gesso_command, folder, lm):
    words = ["--span", "5:9", "--seed", 3, "--max-span-tokens", 2, "--steps", 2, "--temperature", 0, "--json"]
    given = gesso_command("edit", TEXT, "-m", folder, *words).object
    edited = lm.edit(TEXT, [(5, 9)], seed=3, max_span_tokens=2, steps=2, temperature=0.0)
    (span,) = edited.spans
    assert given == {
        "text": edited.text,
        "spans": [
            {
                "start": 5,
                "stop": 9,
                "old": "upon",
                "new": span.new,
                "new_start": 5,
                "token_ids": list(span.token_ids),
                "nats_per_token": pytest.approx(span.nats_per_token, abs=1e-4),
            }
        ],
        "seed": 3,
        "model": str(folder),
    }


def test_on_a_terminal_new_text_stands_out(gesso_command, folder, lm, monkeypatch):
    terminal, written = Terminal(), []
    monkeypatch.setattr(terminal, "write", lambda text: written.append(text) or len(text))
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    gesso_command("edit", "Once [[upon]] a kite.", "-m", folder, "--seed", 3, "--max-span-tokens", 1)
    assert "".join(written).startswith("Once \x1b[")
    assert "".join(written).endswith("\x1b[0m a kite.\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["Once upon"], "the text has no span; mark what shall be written anew, as [[...]], or give --span START:END"),
        (["[[Once upon]]"], "the span is the whole text"),
        (["Once [[upon"], "is not closed; close it with ]]"),
        (["Once", "--span", "0-2"], "--span is '0-2'; give two numbers, such as 0:4"),
        (["Once", "--span", "0:9"], "the span 0:9 lies outside of the text"),
        (["Once", "--span", "0:2", "--span", "1:3"], "the spans 0:2 and 1:3 overlap"),
        (["O[[nc]]e", "--max-span-tokens", "0"], "max_span_tokens is 0"),
    ],
)
def test_bad_input_is_one_line_with_value_and_remedy(words, message, gesso_command, folder):
    ran = gesso_command("edit", *words, "-m", folder)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("gesso: ")
    assert message in ran.err
    assert ran.err.count("\n") == 1
