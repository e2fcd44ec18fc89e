"""From what a user calls a model to the folder that holds it."""

from importlib import resources
from pathlib import Path

from gesso.errors import InputError, ModelNotFoundError

BUNDLED = "bundled"
"""Name of the model that comes with the package."""

EXAMPLE_HUB_ID = "google/diffusiongemma-26B-A4B-it"

# Weights, tables and templates. Never a pickle and never Python, which could run code when opened.
_WANTED = ["*.json", "*.jinja", "*.safetensors"]
_UNWANTED = ["*/*"]
_WEIGHTS = ["*.safetensors", "*.safetensors.index.json"]


def resolve(
    model: str | Path | None, *, revision: str | None = None, offline: bool = False, weights: bool = True
) -> Path:
    """Find the folder of a model, downloading it from the Hugging Face hub where need be.

    Args:
        model: None or "bundled", a folder, or a hub id such as "google/diffusiongemma-26B-A4B-it". A folder that
            exists is never taken for a hub id.
        revision: Branch, tag or commit of a hub id.
        offline: Use only what an earlier download left in the cache. The environment variable `HF_HUB_OFFLINE` does
            the same.
        weights: Download the weights too. Without them a model can be described but not run; where an earlier
            download left them, they are in the folder all the same.

    Raises:
        ModelNotFoundError: There is no such folder, or the hub or its cache cannot give the model.
        InputError: A revision is given for something that is not on the hub.
    """
    if model is None or model == BUNDLED:
        _refuse_revision(revision, "the bundled model")
        return _bundled()
    folder = Path(model).expanduser()
    if model != "" and folder.is_dir():
        _refuse_revision(revision, f"the folder {folder}")
        return folder
    if folder.is_file():
        raise ModelNotFoundError(f"{model} is a file; give the folder that holds the checkpoint, {folder.parent}")
    if isinstance(model, Path) or _looks_like_path(model):
        raise ModelNotFoundError(f"the folder {model} does not exist; correct the path")
    if "/" not in model:
        raise ModelNotFoundError(
            f"there is no model {model!r}; give {BUNDLED!r}, a folder, or a hub id such as {EXAMPLE_HUB_ID!r}"
        )
    return _download(model, revision, offline, _UNWANTED if weights else _UNWANTED + _WEIGHTS)


def _refuse_revision(revision: str | None, place: str) -> None:
    if revision is not None:
        raise InputError(f"revision {revision!r} is given but {place} has none; leave it out, or give a hub id")


def _bundled() -> Path:
    folder = Path(str(resources.files("gesso") / "bundled"))
    if not (folder / "config.json").is_file():
        raise ModelNotFoundError(
            f"this installation has no bundled model in {folder}; install gesso anew, or name a model"
        )
    return folder


def _looks_like_path(model: str) -> bool:
    return model.startswith((".", "~")) or "\\" in model or model.count("/") > 1 or model.strip("/") != model


def _download(repository: str, revision: str | None, offline: bool, unwanted: list[str]) -> Path:
    # Imported here: only this path needs it, and it takes longer to import than a small model to load.
    from huggingface_hub import constants, errors, snapshot_download

    at = repository if revision is None else f"{repository} at revision {revision}"
    try:
        return Path(
            snapshot_download(
                repository,
                revision=revision,
                local_files_only=offline,
                allow_patterns=_WANTED,
                ignore_patterns=unwanted,
            )
        )
    except errors.HFValidationError as error:
        raise ModelNotFoundError(
            f"there is no folder {repository}, and it cannot be a hub id either; one looks like {EXAMPLE_HUB_ID!r}"
        ) from error
    except errors.GatedRepoError as error:
        raise ModelNotFoundError(
            f"{repository} is gated; accept its terms at https://huggingface.co/{repository} and run 'hf auth login'"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelNotFoundError(f"the hub has {repository} but no revision {revision!r}; correct it") from error
    except errors.RepositoryNotFoundError as error:
        raise ModelNotFoundError(
            f"there is no folder {repository} and the hub has no such repository, or it is private; correct the name, "
            "or run 'hf auth login'"
        ) from error
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        is_offline = offline or constants.HF_HUB_OFFLINE
        why = "the hub must not be asked (offline)" if is_offline else "the hub cannot be reached"
        raise ModelNotFoundError(
            f"there is no folder {repository}, no whole copy of {at} in the cache, and {why}; connect and try again"
        ) from error
    except Exception as error:
        # The hub's client lets errors of several HTTP and file layers through; each is a download that failed.
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise ModelNotFoundError(f"{at} cannot be downloaded ({reason}); try again later") from error
