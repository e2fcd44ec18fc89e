import json
import subprocess

from gesso.evals.record import _commit, origin, write_record


def git(folder, *words):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", folder, *identity, *words], check=True, capture_output=True)


def test_a_record_names_machine_versions_and_date():
    record = origin(packages=("rich",))
    assert record["versions"].keys() == {"python", "gesso", "torch", "rich"}
    assert record["machine"]["cpu"]
    assert record["machine"]["threads"] >= 1
    assert len(record["date"]) == len("2026-01-01")
    assert json.loads(json.dumps(record)) == record


def test_the_commit_is_that_of_the_checkout_and_says_whether_something_has_changed(tmp_path):
    module = tmp_path / "__init__.py"
    module.write_text("a = 1\n")
    git(tmp_path, "init")
    assert _commit(tmp_path) is None, "a package that is not tracked has no commit"
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "a")
    commit = _commit(tmp_path)
    assert len(commit) == 12
    module.write_text("a = 2\n")
    assert _commit(tmp_path) == f"{commit}-dirty"


def test_outside_a_checkout_there_is_no_commit(tmp_path):
    assert _commit(tmp_path / "missing") is None


def test_figures_are_kept_with_their_settings_and_their_origin(tmp_path):
    file = tmp_path / "new" / "figures.json"
    write_record(file, {"steps": 2}, [{"ms": 1.5}], packages=("rich",))
    record = json.loads(file.read_text())
    assert record == {"settings": {"steps": 2}, "results": [{"ms": 1.5}], **origin(("rich",))}
