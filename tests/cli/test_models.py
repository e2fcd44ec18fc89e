import pytest

from tests.checkpoint.test_hub_cache import HUB_ID, NEW, OLD, OTHER_ID, cache, put  # noqa: F401, a fixture among them


@pytest.fixture(autouse=True)
def no_other_downloads(cache):  # noqa: F811
    """Those of the person who runs the tests are out of reach."""


@pytest.fixture
def downloads(cache):  # noqa: F811
    """A model of Gesso's kind in two revisions, and one of another kind."""
    put(cache, HUB_ID, OLD, "old")
    put(cache, HUB_ID, NEW, "main")
    put(cache, OTHER_ID, OLD, "main", kind="bert")


def names(ran):
    return [model["name"] for model in ran.object["models"]]


def test_without_downloads_there_is_the_bundled_model(gesso_command):
    ran = gesso_command("models", "list")
    assert ran.out.startswith("bundled ")
    assert (ran.status, ran.err) == (0, "")


def test_models_that_gesso_runs_are_listed_and_others_when_asked_for(gesso_command, downloads):
    ran = gesso_command("models", "list")
    assert [line.split()[0] for line in ran.out.splitlines()] == ["bundled", HUB_ID]
    assert ran.err == "gesso: 1 more in the cache that Gesso cannot run; --all lists them\n"
    every = gesso_command("models", "list", "--all")
    assert "not for Gesso" in every.out.splitlines()[-1]
    assert every.err == ""
    assert names(gesso_command("models", "list", "--json")) == ["bundled", HUB_ID]
    assert names(gesso_command("models", "list", "--all", "--json")) == ["bundled", HUB_ID, OTHER_ID]


def test_a_download_without_weights_is_not_whole(gesso_command, cache, downloads):  # noqa: F811
    for weights in cache.rglob("model.safetensors"):
        weights.unlink()
    assert names(gesso_command("models", "list", "--json")) == ["bundled"]


def test_the_files_of_a_model_are_shown(gesso_command, downloads, cache, folder):  # noqa: F811
    ran = gesso_command("models", "show", HUB_ID)
    assert f"revision {NEW[:12]}  (main)" in ran.out
    assert ran.out.count("3 kB  model.safetensors") == 2
    facts = gesso_command("models", "show", HUB_ID, "--json").object
    assert {revision["commit"] for revision in facts["revisions"]} == {OLD, NEW}
    assert facts["size_bytes"] > 6000
    assert facts["usable"]
    bundled = gesso_command("models", "show", "--json").object
    assert "config.json" in [file["name"] for file in bundled["revisions"][0]["files"]]
    assert gesso_command("models", "show", folder, "--json").object["revisions"][0]["folder"] == str(folder)


def test_a_model_that_is_here_is_pulled_without_the_hub(gesso_command, downloads, cache):  # noqa: F811
    folder = str(cache / "models--painter--canvas-1B" / "snapshots" / NEW)
    assert gesso_command("models", "pull", HUB_ID).out == folder + "\n"
    assert gesso_command("models", "pull", HUB_ID, "--json").object == {"name": HUB_ID, "folder": folder}
    old = gesso_command("models", "pull", HUB_ID, "--revision", "old")
    assert old.out.strip().endswith(OLD)


def test_a_model_is_removed_whole_or_by_revision(gesso_command, downloads, cache):  # noqa: F811
    old = gesso_command("models", "remove", HUB_ID, "--revision", "old", "--yes", "--json")
    assert old.object == {"name": HUB_ID, "removed": [OLD]}
    assert [path.name for path in (cache / "models--painter--canvas-1B" / "snapshots").iterdir()] == [NEW]
    ran = gesso_command("models", "remove", HUB_ID, "-y")
    assert (ran.status, ran.err) == (0, f"gesso: {HUB_ID} is deleted\n")
    assert not (cache / "models--painter--canvas-1B").exists()
    assert (cache / "models--someone--bert").exists()


def test_a_person_is_asked_before_anything_is_deleted(gesso_command, downloads, cache, monkeypatch):  # noqa: F811
    asked = gesso_command("models", "remove", HUB_ID)
    assert (asked.status, "give --yes" in asked.err) == (2, True)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    answers = iter([False, True])
    questions = []
    monkeypatch.setattr("typer.confirm", lambda text, err: questions.append(text) or next(answers))
    assert gesso_command("models", "remove", HUB_ID).status == 130
    assert (cache / "models--painter--canvas-1B").exists()
    assert gesso_command("models", "remove", HUB_ID).status == 0
    assert not (cache / "models--painter--canvas-1B").exists()
    assert questions[0].startswith(f"Delete {HUB_ID}, 6.")


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["show", "no/such"], 1, "no/such is not in the cache"),
        (["remove", "no/such", "-y"], 1, "no/such is not in the cache"),
        (
            ["remove", HUB_ID, "-y", "--revision", "new"],
            1,
            "no revision 'new' of painter/canvas-1B; it has main, 89abcdef0123",
        ),
        (["remove", "bundled", "-y"], 2, "part of the package"),
        (["pull", "no/such"], 1, "the hub must not be asked (offline)"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(gesso_command, downloads, words, status, said):
    ran = gesso_command("models", *words)
    assert (ran.status, ran.err.count("\n")) == (status, 1)
    assert said in ran.err


def test_a_folder_is_not_ours_to_delete(gesso_command, folder):
    ran = gesso_command("models", "remove", folder, "--yes")
    assert (ran.status, folder.is_dir()) == (2, True)
    assert "is a folder and no download" in ran.err


def test_a_group_without_a_command_prints_its_help(gesso_command):
    ran = gesso_command("models")
    assert (ran.status, ran.err) == (0, "")
    assert "list" in ran.out
