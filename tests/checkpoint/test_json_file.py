import pytest

from gesso.checkpoint.json_file import read_json_object, write_json_object
from gesso.errors import ConfigError


def test_what_is_written_is_read(tmp_path):
    value = {"b": [1, 2.5, None], "a": {"text": "caf\u00e9"}}
    write_json_object(tmp_path / "x.json", value)
    assert read_json_object(tmp_path / "x.json") == value


def test_equal_objects_make_equal_files(tmp_path):
    write_json_object(tmp_path / "x.json", {"a": 1, "b": 2})
    write_json_object(tmp_path / "y.json", {"b": 2, "a": 1})
    assert (tmp_path / "x.json").read_bytes() == (tmp_path / "y.json").read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "has no x.json; give a folder that holds a checkpoint"),
        (b"", "x.json is not JSON"),
        (b'{"a": 1', "x.json is not JSON .*line 1 column 8"),
        (b"\xff\xfe\x00", "x.json cannot be read"),
        (b"[1, 2]", "x.json holds a JSON list where an object belongs"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(tmp_path, content, message):
    if content is not None:
        (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        read_json_object(tmp_path / "x.json")


def test_a_folder_in_the_place_of_a_file_cannot_be_read(tmp_path):
    (tmp_path / "x.json").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        read_json_object(tmp_path / "x.json")
