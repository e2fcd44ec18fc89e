"""`gesso models`: which models are on this computer, and more of them or fewer."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gesso.cli import options
from gesso.cli.output import as_json, as_size, remark, write_line
from gesso.errors import InputError, ModelNotFoundError

if TYPE_CHECKING:
    from gesso.checkpoint.hub_cache import CachedModel, CachedRevision

_COMMIT_DIGITS = 12

models = typer.Typer(
    name="models",
    help="Models on this computer: the bundled one, and those downloaded from the Hugging Face hub.",
    epilog="gesso models COMMAND --help tells more, with examples.",
    no_args_is_help=True,
)

HubId = Annotated[str, typer.Argument(metavar="MODEL", help="A Hugging Face hub id.")]


@models.command(name="list")
def list_models(
    every: Annotated[bool, typer.Option("--all", help="Also models that Gesso cannot run.")] = False,
    json: options.Json = False,
) -> None:
    """List the models that can be used without a download: name, size, day of the download.

    Examples:
        gesso models list
        gesso models list --all --json
    """
    from gesso.checkpoint.hub_cache import cached_models

    found = cached_models()
    shown = [_bundled_facts(), *(_facts(model) for model in found if every or model.is_usable)]
    if json:
        write_line(as_json({"models": shown}))
        return
    width = max(len(model["name"]) for model in shown)
    for model in shown:
        when = model["downloaded"] or "part of the package"
        note = "" if model["usable"] else "  not for Gesso, or not whole"
        write_line(f"{model['name']:<{width}}  {as_size(model['size_bytes']):>9}  {when}{note}")
    if others := len(found) + 1 - len(shown):
        remark(f"{others} more in the cache that Gesso cannot run; --all lists them")


@models.command()
def pull(model: HubId, revision: options.Revision = None, json: options.Json = False) -> None:
    """Download a model, or what is missing of it, and print the folder that it lies in.

    Examples:
        gesso models pull google/diffusiongemma-26B-A4B-it
    """
    from gesso.checkpoint.hub import resolve

    folder = resolve(model, revision=revision)
    write_line(as_json({"name": model, "folder": str(folder)}) if json else str(folder))


@models.command()
def show(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="'bundled', a folder, or a hub id.")] = "bundled",
    json: options.Json = False,
) -> None:
    """Show where a model lies and which files it has; nothing is downloaded.

    What the model is, its shape and its settings, tells `gesso info`.

    Examples:
        gesso models show
        gesso models show google/diffusiongemma-26B-A4B-it --json
    """
    facts = _facts_of(model)
    if json:
        write_line(as_json(facts))
        return
    write_line(f"{facts['name']}  {as_size(facts['size_bytes'])}")
    for revision in facts["revisions"]:
        names = f"  ({', '.join(revision['names'])})" if revision["names"] else ""
        at = f"  revision {revision['commit'][:_COMMIT_DIGITS]}{names}" if revision["commit"] else ""
        write_line(f"{revision['folder']}{at}")
        for file in revision["files"]:
            write_line(f"  {as_size(file['size_bytes']):>9}  {file['name']}")


@models.command()
def remove(
    model: HubId,
    revision: Annotated[
        str | None, typer.Option("--revision", help="Branch, tag or commit; without it all revisions are deleted.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: options.Json = False,
) -> None:
    """Delete a downloaded model from the disk.

    Examples:
        gesso models remove google/diffusiongemma-26B-A4B-it
        gesso models remove google/diffusiongemma-26B-A4B-it --revision old --yes
    """
    from gesso.checkpoint.hub import BUNDLED
    from gesso.checkpoint.hub_cache import cached_model
    from gesso.checkpoint.hub_cache import remove as delete

    if model == BUNDLED:
        raise InputError("the bundled model is part of the package; uninstall gesso to remove it")
    if Path(model).expanduser().is_dir():
        raise InputError(f"{model} is a folder and no download; delete it yourself")
    cached = cached_model(model)
    chosen = cached.revisions if revision is None else (_revision(cached, revision),)
    size_bytes = cached.size_bytes if len(chosen) == len(cached.revisions) else chosen[0].size_bytes
    if not yes:
        _ask(f"Delete {model}{'' if revision is None else f' at {revision}'}, {as_size(size_bytes)}?")
    delete(cached, chosen)
    if json:
        write_line(as_json({"name": model, "removed": [one.commit for one in chosen]}))
    else:
        remark(f"{model} is deleted" if len(chosen) == len(cached.revisions) else f"{model} at {revision} is deleted")


def _ask(question: str) -> None:
    """Go on only if somebody says yes."""
    if not sys.stdin.isatty():
        raise InputError("nobody can be asked here whether to delete; give --yes")
    if not typer.confirm(question, err=True):
        raise typer.Abort


def _revision(model: "CachedModel", wanted: str) -> "CachedRevision":
    for revision in model.revisions:
        if wanted in revision.names or (len(wanted) >= 6 and revision.commit.startswith(wanted)):
            return revision
    known = ", ".join(name for one in model.revisions for name in (*one.names, one.commit[:_COMMIT_DIGITS]))
    raise ModelNotFoundError(f"the cache has no revision {wanted!r} of {model.name}; it has {known}")


def _facts_of(name: str) -> dict[str, Any]:
    from gesso.checkpoint.hub import BUNDLED
    from gesso.checkpoint.hub_cache import cached_model

    if name == BUNDLED:
        return _bundled_facts()
    folder = Path(name).expanduser()
    if name and folder.is_dir():
        return _folder_facts(name, folder)
    return _facts(cached_model(name))


def _bundled_facts() -> dict[str, Any]:
    from gesso.checkpoint.hub import BUNDLED, resolve

    return _folder_facts(BUNDLED, resolve(BUNDLED))


def _folder_facts(name: str, folder: Path) -> dict[str, Any]:
    files = sorted((path.name, path.stat().st_size) for path in folder.iterdir() if path.is_file())
    size_bytes = sum(size for _, size in files)
    revision = {"commit": None, "names": [], "folder": str(folder), "size_bytes": size_bytes, "files": _files(files)}
    return {"name": name, "size_bytes": size_bytes, "downloaded": None, "usable": True, "revisions": [revision]}


def _facts(model: "CachedModel") -> dict[str, Any]:
    latest = max(revision.modified_at for revision in model.revisions) if model.revisions else None
    return {
        "name": model.name,
        "size_bytes": model.size_bytes,
        "downloaded": None if latest is None else time.strftime("%Y-%m-%d", time.localtime(latest)),
        "usable": model.is_usable,
        "revisions": [
            {
                "commit": revision.commit,
                "names": list(revision.names),
                "folder": str(revision.folder),
                "size_bytes": revision.size_bytes,
                "files": _files(revision.files),
            }
            for revision in model.revisions
        ],
    }


def _files(files: Any) -> list[dict[str, Any]]:
    return [{"name": name, "size_bytes": size} for name, size in files]
