import json

import pytest

from gesso.checkpoint.hub_cache import cached_model, cached_models, remove
from gesso.errors import ModelNotFoundError, OutputError

HUB_ID, COPY_ID, OTHER_ID = "painter/canvas-1B", "copyist/canvas-1B", "someone/bert"
OLD, NEW = "0123456789abcdef0123456789abcdef01234567", "89abcdef0123456789abcdef0123456789abcdef"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of downloads, and no way to a network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path / "cache"


def put(cache, hub_id, commit, name, kind="diffusion_gemma"):
    """Put what a download leaves: two files, which share nothing with other revisions."""
    repository = cache / f"models--{hub_id.replace('/', '--')}"
    for folder in ("blobs", "refs", f"snapshots/{commit}"):
        (repository / folder).mkdir(parents=True, exist_ok=True)
    (repository / "refs" / name).write_text(commit)
    for file, content in (("config.json", json.dumps({"model_type": kind})), ("model.safetensors", "x" * 3000)):
        blob = repository / "blobs" / f"{commit}-{file}"
        blob.write_text(content)
        (repository / "snapshots" / commit / file).symlink_to(blob)


def test_where_nothing_was_downloaded_there_is_nothing(cache):
    assert cached_models() == []
    cache.write_text("a file where the folder should be")
    assert cached_models() == []


def test_models_are_found_with_their_revisions_and_files(cache):
    put(cache, OTHER_ID, OLD, "main", kind="bert")
    put(cache, HUB_ID, OLD, "main")
    (found, other) = cached_models()
    assert [found.name, other.name] == [HUB_ID, OTHER_ID]
    (revision,) = found.revisions
    assert (revision.commit, revision.names) == (OLD, ("main",))
    assert revision.folder == cache / "models--painter--canvas-1B" / "snapshots" / OLD
    assert dict(revision.files) == {"config.json": 33, "model.safetensors": 3000}
    assert found.size_bytes == revision.size_bytes == 3033
    assert (found.is_usable, other.is_usable) == (True, False)
    assert cached_model(HUB_ID) == found
    with pytest.raises(ModelNotFoundError, match="no/such is not in the cache"):
        cached_model("no/such")


@pytest.mark.parametrize("broken", ["config.json", "model.safetensors"])
def test_what_is_not_whole_cannot_be_used(cache, broken):
    put(cache, HUB_ID, OLD, "main")
    next(cache.rglob(f"snapshots/*/{broken}")).unlink()
    assert not cached_model(HUB_ID).is_usable


def test_a_revision_is_removed_and_with_the_last_the_model(cache):
    put(cache, HUB_ID, OLD, "old")
    put(cache, HUB_ID, NEW, "main")
    model = cached_model(HUB_ID)
    old, new = sorted(model.revisions, key=lambda revision: revision.commit)
    remove(model, [old])
    assert cached_model(HUB_ID).revisions == (new,)
    assert not old.folder.exists()
    remove(model, [new])
    assert cached_models() == []
    assert not (cache / "models--painter--canvas-1B").exists()


def test_a_copied_repository_with_the_same_commits_stays(cache):
    put(cache, HUB_ID, OLD, "main")
    put(cache, COPY_ID, OLD, "main")
    for name, left in ((HUB_ID, [COPY_ID]), (COPY_ID, [])):
        model = cached_model(name)
        remove(model, model.revisions)
        assert [one.name for one in cached_models()] == left


def test_what_could_not_be_deleted_is_said(cache, monkeypatch):
    put(cache, HUB_ID, OLD, "main")
    model = cached_model(HUB_ID)
    monkeypatch.setattr("huggingface_hub.DeleteCacheStrategy.execute", lambda _: None)
    with pytest.raises(OutputError, match="cannot be deleted"):
        remove(model, model.revisions)
