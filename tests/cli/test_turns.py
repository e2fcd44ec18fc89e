import io

import pytest

from gesso.cli.turns import MORE, PROMPT, piped_line, read_turns, typed_line


class Person:
    """Types lines, and presses keys that raise what they raise."""

    def __init__(self, *lines: str | type[BaseException]) -> None:
        self.lines = list(lines)
        self.prompts: list[str] = []

    def __call__(self, prompt: str) -> str:
        self.prompts.append(prompt)
        line = self.lines.pop(0) if self.lines else EOFError
        if isinstance(line, str):
            return line
        raise line


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        ("", []),
        ("Hi\n", ["Hi"]),
        ("Hi", ["Hi"]),
        ("Hi\n\nhow are you\n", ["Hi", "how are you"]),
        ("one\\\ntwo\\\nthree\nfour\n", ["one\ntwo\nthree", "four"]),
        ("one\\\n", ["one"]),
        ("\\\n\\\n", []),
        ("  spaces \n", ["  spaces "]),
        ("a\\b\n", ["a\\b"]),
    ],
)
def test_a_line_is_a_turn_and_a_backslash_at_its_end_goes_on(text, turns, monkeypatch):
    assert list(read_turns(Person(*text.splitlines()), is_typed=True)) == turns
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert list(read_turns(piped_line, is_typed=False)) == turns


def test_a_person_is_asked_and_asked_for_more():
    person = Person("one\\", "two", "three")
    assert list(read_turns(person, is_typed=True)) == ["one\ntwo", "three"]
    assert person.prompts == [PROMPT, MORE, PROMPT, PROMPT]


def test_ctrl_c_drops_what_is_being_typed_and_ctrl_d_leaves(capsys):
    person = Person("one\\", KeyboardInterrupt, KeyboardInterrupt, "two", EOFError, "never")
    assert list(read_turns(person, is_typed=True)) == ["two"]


def test_ctrl_c_while_turns_are_piped_in_ends_it():
    with pytest.raises(KeyboardInterrupt):
        list(read_turns(Person(KeyboardInterrupt), is_typed=False))


def test_the_prompt_is_no_part_of_answers_that_go_into_a_file(capsys, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *prompt: f"asked with {prompt}")
    assert typed_line("> ") == "asked with ()"
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "> ")
