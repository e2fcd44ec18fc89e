from pathlib import Path

import pytest

from gesso.errors import SettingError
from gesso.server.settings import ServerSettings, read_api_keys


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("port", 70_000),
        ("max_running", 0),
        ("max_queued_requests", -1),
        ("max_body_bytes", 0),
        ("max_prompt_tokens", 0),
        ("request_timeout_s", 0.0),
        ("ping_interval_s", float("nan")),
        ("log_format", "xml"),
    ],
)
def test_a_setting_out_of_its_range_is_refused_by_name_and_value(field, value):
    with pytest.raises(SettingError, match=f"{field} is .?{value}"):
        ServerSettings(**{field: value})


def test_a_certificate_without_its_key_or_without_a_file_is_refused(tmp_path: Path):
    with pytest.raises(SettingError, match="give both"):
        ServerSettings(tls_certificate=tmp_path / "a.pem")
    with pytest.raises(SettingError, match=r"a\.pem does not exist"):
        ServerSettings(tls_certificate=tmp_path / "a.pem", tls_key=tmp_path / "b.pem")


def test_only_this_computer_reaches_the_server_unless_told_otherwise():
    assert ServerSettings().is_local
    assert not ServerSettings(host="0.0.0.0").is_local


def test_keys_of_a_file_join_those_that_are_given(tmp_path: Path):
    path = tmp_path / "keys"
    path.write_text("# ours\nb\n\n c \n")
    assert read_api_keys(["a"], path) == ("a", "b", "c")
    assert read_api_keys([], None) == ()


def test_a_file_of_keys_that_is_missing_or_empty_is_refused(tmp_path: Path):
    with pytest.raises(SettingError, match="cannot be read"):
        read_api_keys([], tmp_path / "none")
    (tmp_path / "empty").write_text("# nothing\n")
    with pytest.raises(SettingError, match="holds none"):
        read_api_keys([], tmp_path / "empty")


def test_an_empty_key_would_let_everybody_in_and_is_refused():
    with pytest.raises(SettingError, match="empty"):
        ServerSettings(api_keys=("",))
