import shutil
from types import SimpleNamespace

import pytest

from gesso.errors import OutputError
from gesso.train.run_folder import check_room, check_run_folder, clear_run_folder, mark_run_folder
from tests.tiny_model import tiny_network

SELF, OTHER = {"seed": "0", "data": "a.jsonl"}, {"seed": "1", "data": "a.jsonl"}


@pytest.fixture
def kept(tmp_path):
    """The folder of a run."""
    (tmp_path / "run").mkdir()
    folder = check_run_folder(tmp_path / "run", SELF)
    mark_run_folder(folder, SELF)
    folder.log.write_text("")
    folder.data.mkdir()
    return folder


def test_a_new_or_empty_folder_may_be_used_and_nothing_is_written_yet(tmp_path):
    assert check_run_folder(tmp_path / "deep" / "run", SELF).path == tmp_path / "deep" / "run"
    assert check_run_folder(tmp_path, SELF).path == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_the_same_run_may_go_on_and_another_is_refused_by_what_differs(kept):
    assert check_run_folder(kept.path, SELF) == kept
    with pytest.raises(OutputError, match=r"holds a run with seed 0, and now it is 1; .* or --overwrite"):
        check_run_folder(kept.path, OTHER)


def test_overwriting_throws_the_run_away_and_nothing_else(kept):
    (kept.path / "notes.txt").write_text("mine")
    clear_run_folder(check_run_folder(kept.path, OTHER, overwrite=True))
    assert [file.name for file in kept.path.iterdir()] == ["notes.txt"]


def test_files_that_are_no_runs_are_never_touched(tmp_path):
    (tmp_path / "data").mkdir()
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="holds data and is no run's; choose a new or empty folder"):
            check_run_folder(tmp_path, SELF, overwrite=overwrite)


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is a file; name a folder"):
        check_run_folder(tmp_path / "file", SELF)


def test_a_place_that_may_not_be_written_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(OutputError, match="permission denied"):
        check_run_folder(tmp_path / "run", SELF)


def test_a_disk_without_room_is_refused_with_what_is_needed(kept, monkeypatch):
    network = tiny_network()
    check_room(kept, network)
    size = sum(p.nbytes for p in network.parameters())
    # Nothing of a tiny network is trained: two states and the model are its size each.
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=3 * size - 1))
    with pytest.raises(OutputError, match=rf"needs {3 * size / 1e6:.1f} MB and the disk has .* make room"):
        check_room(kept, network)
    # The state that is there will be replaced.
    (kept.path / "run_state.pt").write_bytes(b"x")
    check_room(kept, network)
    network.requires_grad_(True)
    with pytest.raises(OutputError, match=rf"needs {7 * size / 1e6:.1f} MB"):
        check_room(kept, network)
