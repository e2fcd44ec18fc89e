from importlib import resources
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import errors

from gesso.checkpoint.hub import resolve
from gesso.errors import InputError, ModelNotFoundError

HUB_ID = "painter/canvas-1B"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache of downloads, an empty current folder, and no way to a network."""
    cache = tmp_path / "cache"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return cache


def put_in_cache(cache, revision="main"):
    repository = cache / "models--painter--canvas-1B"
    snapshot = repository / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (repository / "refs").mkdir()
    (repository / "refs" / revision).write_text(COMMIT)
    return snapshot


@pytest.mark.parametrize("given", [str, Path])
def test_a_folder_is_itself(tmp_path, given):
    assert resolve(given(tmp_path)) == tmp_path


def test_a_folder_that_exists_is_never_taken_for_a_hub_id(cache):
    put_in_cache(cache)
    Path(HUB_ID).mkdir(parents=True)
    assert resolve(HUB_ID) == Path(HUB_ID)


def test_the_home_folder_may_be_written_short(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve("~/here") == tmp_path / "here"


@pytest.mark.parametrize("name", [None, "bundled"])
def test_the_bundled_model_lies_in_the_package(name, tmp_path, monkeypatch):
    (tmp_path / "bundled").mkdir()
    (tmp_path / "bundled" / "config.json").write_text("{}")
    monkeypatch.setattr(resources, "files", {"gesso": tmp_path}.__getitem__)
    assert resolve(name) == tmp_path / "bundled"


def test_a_package_without_its_bundled_model_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(resources, "files", {"gesso": tmp_path}.__getitem__)
    with pytest.raises(ModelNotFoundError, match=r"has no bundled model.*install gesso anew, or name a model"):
        resolve(None)


@pytest.mark.parametrize(
    "name", ["./model", "../model", "/no/such/model", "~/no-model", "a/b/c", "model/", r"C:\model"]
)
def test_what_looks_like_a_path_is_a_folder_that_does_not_exist(name):
    with pytest.raises(ModelNotFoundError, match=r"the folder .* does not exist"):
        resolve(name)


def test_a_path_object_is_never_a_hub_id():
    with pytest.raises(ModelNotFoundError, match="the folder painter/canvas-1B does not exist"):
        resolve(Path(HUB_ID))


def test_a_file_points_to_its_folder(tmp_path):
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(ModelNotFoundError, match=f"is a file; give the folder that holds the checkpoint, {tmp_path}"):
        resolve(tmp_path / "model.safetensors")


@pytest.mark.parametrize("word", ["tiny", ""])
def test_a_single_word_lists_what_can_be_given(word):
    with pytest.raises(ModelNotFoundError, match=f"no model '{word}'; give 'bundled', a folder, or a hub id such as"):
        resolve(word)


@pytest.mark.parametrize("model", [None, "bundled", "."])
def test_a_revision_of_something_local_is_not_ignored(model):
    with pytest.raises(InputError, match="revision 'v2' is given but"):
        resolve(model, revision="v2")


@pytest.mark.parametrize("offline", [True, False])
def test_an_earlier_download_is_found_without_a_network(cache, offline):
    snapshot = put_in_cache(cache)
    assert resolve(HUB_ID, offline=offline) == snapshot


def test_a_revision_in_the_cache_is_found(cache):
    snapshot = put_in_cache(cache, revision="v2")
    assert resolve(HUB_ID, revision="v2") == snapshot
    with pytest.raises(ModelNotFoundError, match="no whole copy of painter/canvas-1B at revision v3 in the cache"):
        resolve(HUB_ID, revision="v3")


@pytest.mark.parametrize("offline", [True, False])
def test_without_a_network_or_a_copy_both_are_named(offline):
    with pytest.raises(
        ModelNotFoundError, match=r"no folder painter/canvas-1B.* must not be asked \(offline\); connect and"
    ):
        resolve(HUB_ID, offline=offline)


@pytest.mark.parametrize(("weights", "spared"), [(True, []), (False, ["*.safetensors", "*.safetensors.index.json"])])
def test_only_weights_tables_and_templates_are_ever_asked_for(tmp_path, monkeypatch, weights, spared):
    asked = {}

    def download(repository, **options):
        asked.update(options, repository=repository)
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert resolve(HUB_ID, revision="v2", offline=True, weights=weights) == tmp_path
    assert asked == {
        "repository": HUB_ID,
        "revision": "v2",
        "local_files_only": True,
        "allow_patterns": ["*.json", "*.jinja", "*.safetensors"],
        "ignore_patterns": ["*/*", *spared],
    }


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (errors.GatedRepoError, "is gated; accept its terms at https://.*hf auth"),
        (errors.RepositoryNotFoundError, "no such repository, or it is private"),
        (errors.RevisionNotFoundError, "but no revision 'v9'"),
        (errors.LocalEntryNotFoundError, "no whole copy .* in the cache, and the hub must not be asked"),
        (errors.HfHubHTTPError, "cannot be downloaded .*; try again later"),
        (OSError, r"cannot be downloaded \(the first line\)"),
    ],
)
def test_every_failure_of_the_hub_is_one_line_with_a_remedy(monkeypatch, error, message):
    def download(repository, **options):
        raise error.__new__(error, "the first line\nand another")  # errors of HTTP are made with a whole response

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    with pytest.raises(ModelNotFoundError, match=message) as caught:
        resolve(HUB_ID, revision="v9")
    assert "\n" not in str(caught.value)


def test_a_network_that_is_down_is_told_from_one_that_is_forbidden(monkeypatch):
    def download(repository, **options):
        raise errors.LocalEntryNotFoundError("no connection")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    with pytest.raises(ModelNotFoundError, match="and the hub cannot be reached; connect and try again"):
        resolve(HUB_ID)


def test_a_name_that_can_be_neither_folder_nor_hub_id_says_both():
    with pytest.raises(ModelNotFoundError, match=r"no folder painter/can--vas.*cannot be a hub id"):
        resolve("painter/can--vas")
