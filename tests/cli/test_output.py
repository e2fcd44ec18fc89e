import sys

import pytest

from gesso.cli.output import as_json, check_writable, open_output, remark
from gesso.errors import OutputError


def test_a_remark_is_one_line_and_no_markup(capsys):
    remark("[bold]no[/bold]\nmarkup :smile: ")
    assert capsys.readouterr().err == "gesso: [bold]no[/bold] markup :smile: \n"


def test_json_is_one_line_with_characters_as_they_are():
    assert as_json({"text": "caf\u00e9\n\u6f22", "n": 1}) == '{"text": "caf\u00e9\\n\u6f22", "n": 1}'


def test_a_file_keeps_what_was_written_before_an_error(tmp_path):
    path = tmp_path / "story.txt"

    def interrupted() -> None:
        with open_output(path) as file:
            file.write("Once\r\n\u6f22")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == "Once\r\n\u6f22".encode()


def test_without_a_file_it_is_standard_output():
    with open_output(None) as stream:
        assert stream is sys.stdout


def test_a_file_that_cannot_be_written_is_refused_with_its_reason(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="is a folder; name a file in it"):
        check_writable(tmp_path / "folder")
    with pytest.raises(OutputError, match="none does not exist; make it, or choose another"):
        check_writable(tmp_path / "none" / "file")
    with pytest.raises(OutputError, match=r"cannot be written .*No such file"), open_output(tmp_path / "none" / "file"):
        pass


def test_a_place_where_one_may_not_write_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)  # the tests may run as root, who may write anywhere
    with pytest.raises(OutputError, match="permission denied; choose a place that you may write to"):
        check_writable(tmp_path / "file")


def test_a_place_that_can_be_written_is_accepted(tmp_path):
    check_writable(None)
    check_writable(tmp_path / "new")
    (tmp_path / "old").write_text("old")
    check_writable(tmp_path / "old")
    assert (tmp_path / "old").read_text() == "old"
