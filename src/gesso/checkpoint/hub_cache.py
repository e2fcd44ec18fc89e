"""Models that earlier downloads from the Hugging Face hub left on this computer. Nothing here asks the hub."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gesso.checkpoint.json_file import read_json_object
from gesso.errors import ConfigError, ModelNotFoundError, OutputError
from gesso.model.config import MODEL_TYPE


@dataclass(frozen=True, kw_only=True, slots=True)
class CachedRevision:
    """One state of a repository, in whole or in part.

    Attributes:
        commit: Its hash.
        names: Branches and tags that stand for it.
        folder: Where its files lie.
        files: Name and size in bytes of each, by name.
        modified_at: When it was downloaded, in seconds since 1970.
    """

    commit: str
    names: tuple[str, ...]
    folder: Path
    files: tuple[tuple[str, int], ...]
    modified_at: float

    @property
    def size_bytes(self) -> int:
        """What its files take; those that other revisions have too are counted."""
        return sum(size for _, size in self.files)

    @property
    def is_usable(self) -> bool:
        """Its configuration is of the kind that Gesso runs, and weights are there."""
        try:
            kind = read_json_object(self.folder / "config.json").get("model_type")
        except ConfigError:
            return False
        return kind == MODEL_TYPE and any(name.endswith(".safetensors") for name, _ in self.files)


@dataclass(frozen=True, kw_only=True, slots=True)
class CachedModel:
    """A repository in the cache.

    Attributes:
        name: Its hub id.
        size_bytes: What it takes on the disk.
        revisions: Its states, the latest download first.
    """

    name: str
    size_bytes: int
    revisions: tuple[CachedRevision, ...]

    @property
    def is_usable(self) -> bool:
        """Gesso runs one of its revisions."""
        return any(revision.is_usable for revision in self.revisions)


def cached_models() -> list[CachedModel]:
    """All models in the cache, by name; also those that Gesso cannot run. What is broken there is left out."""
    cache = _scan()
    repositories = [] if cache is None else [one for one in cache.repos if one.repo_type == "model"]
    return sorted(map(_model, repositories), key=lambda model: model.name)


def cached_model(name: str) -> CachedModel:
    """The model of this hub id.

    Raises:
        ModelNotFoundError: It is not in the cache.
    """
    for model in cached_models():
        if model.name == name:
            return model
    raise ModelNotFoundError(f"{name} is not in the cache; 'gesso models list --all' names what is")


def remove(model: CachedModel, revisions: Sequence[CachedRevision]) -> None:
    """Delete revisions from the cache, and the whole model if no other is left.

    Raises:
        OutputError: Something could not be deleted.
    """
    if (cache := _scan()) is not None:
        # A copied repository has the commits of the first, and huggingface_hub would take either.
        repositories = frozenset(one for one in cache.repos if (one.repo_type, one.repo_id) == ("model", model.name))
        only = replace(cache, repos=repositories)
        only.delete_revisions(*(revision.commit for revision in revisions)).execute()
    left = {revision.commit for one in cached_models() if one.name == model.name for revision in one.revisions}
    if stays := sorted(left & {revision.commit for revision in revisions}):
        raise OutputError(f"revision {stays[0]} of {model.name} cannot be deleted; see who may write to the cache")


def _scan() -> Any:
    """What huggingface_hub knows of the cache; None if there is none."""
    from huggingface_hub import CacheNotFound, constants, scan_cache_dir

    try:
        return scan_cache_dir(constants.HF_HUB_CACHE)
    except (CacheNotFound, ValueError):  # nothing was ever downloaded, or a file lies in its place
        return None


def _model(repository: Any) -> CachedModel:
    revisions = (
        CachedRevision(
            commit=revision.commit_hash,
            names=tuple(sorted(revision.refs)),
            folder=revision.snapshot_path,
            files=tuple(sorted((_name(file, revision), file.size_on_disk) for file in revision.files)),
            modified_at=revision.last_modified,
        )
        for revision in repository.revisions
    )
    return CachedModel(
        name=repository.repo_id,
        size_bytes=repository.size_on_disk,
        revisions=tuple(sorted(revisions, key=lambda revision: (-revision.modified_at, revision.commit))),
    )


def _name(file: Any, revision: Any) -> str:
    return file.file_path.relative_to(revision.snapshot_path).as_posix()
