import json
from types import SimpleNamespace

import pytest

from gesso.cli.measuring import follow_measurement, leave_record, numbers_of, words_of
from gesso.errors import OutputError, SettingError
from tests.cli.terminal import Terminal


def steps(total):
    for done in range(1, total + 1):
        yield SimpleNamespace(done=done, total=total)
    return "found"


def test_lists_may_have_spaces():
    assert words_of(" a, b ,,c ") == ["a", "b", "c"]
    assert numbers_of("1, 2,4", "--steps") == (1, 2, 4)
    assert numbers_of("0.5", "--rates", float) == (0.5,)


@pytest.mark.parametrize(("text", "kind"), [("1,x", int), ("0.5", int), ("", int), ("a", float), ("2,1,2", int)])
def test_what_is_no_list_of_numbers_is_named_with_its_option(text, kind):
    with pytest.raises(SettingError, match=f"--steps is '{text}'; give .*numbers with commas between"):
        numbers_of(text, "--steps", kind)


def test_a_measurement_is_followed_to_its_end():
    assert follow_measurement(steps(3), "steps", quiet=True) == "found"


def test_on_a_terminal_a_bar_tells_how_far_it_is(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert follow_measurement(steps(3), "steps", quiet=False) == "found"


def test_a_record_goes_into_a_file_or_on_standard_output(tmp_path, capsys):
    leave_record({"a": 1}, tmp_path / "record.json")
    assert json.loads((tmp_path / "record.json").read_text()) == {"a": 1}
    leave_record({"a": 2}, None)
    assert json.loads(capsys.readouterr().out) == {"a": 2}
    with pytest.raises(OutputError, match="choose another place"):
        leave_record({}, tmp_path / "no" / "record.json")
