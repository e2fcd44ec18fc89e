"""From a network in memory to a checkpoint on disk, in the published layout."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from gesso.checkpoint.generation_config import (
    GENERATION_CONFIG_FILE,
    OWN_FILE,
    default_generation_config,
    write_generation_config,
)
from gesso.checkpoint.json_file import write_json_object
from gesso.checkpoint.load import CONFIG_FILE, QUANTIZATION
from gesso.checkpoint.names import file_name, is_vision
from gesso.checkpoint.shards import INDEX_FILE, SINGLE_FILE, Shards
from gesso.errors import InputError, OutputError, TensorError
from gesso.model.network import Network
from gesso.quant.network import scheme_of
from gesso.quant.scheme import scheme_to_config

MAX_SHARD_BYTES = 5_000_000_000
"""Size of a shard where the caller does not say."""

TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja",
    "processor_config.json", "preprocessor_config.json",
)  # fmt: skip
"""What a checkpoint carries for reading and writing text, as far as it is there."""


def save_network(
    network: Network,
    folder: str | Path,
    *,
    tokenizer_files: Path | None = None,
    generation_config: Mapping[str, Any] | None = None,
    vision_tensors: Path | Mapping[str, Tensor] | None = None,
    max_shard_bytes: int = MAX_SHARD_BYTES,
    overwrite: bool = False,
) -> None:
    """Write a checkpoint that Transformers can load too, unless the network is quantized.

    The same network always makes the same bytes.

    Everything is written beside the folder first, so a new folder appears whole or not at all, and a save that fails
    leaves an old one as it was.

    Args:
        network: The network.
        folder: Where to; its parents are made.
        tokenizer_files: A folder to copy `TOKENIZER_FILES` from.
        generation_config: Content of generation_config.json and gesso.json; None for the published values.
        vision_tensors: A checkpoint's folder to copy the image encoder from bit for bit, or its tensors by name.
        max_shard_bytes: Weights larger than this become several files with an index.
        overwrite: Replace the checkpoint that is there. What a save does not write, such as a model card, stays.

    Raises:
        InputError: `max_shard_bytes` is below 1, or `vision_tensors` or `tokenizer_files` has nothing to give.
        OutputError: The folder holds a checkpoint already, cannot be written, or the disk is full.
    """
    if max_shard_bytes < 1:
        raise InputError(f"max_shard_bytes is {max_shard_bytes}; give at least 1")
    folder = Path(folder).expanduser().resolve()
    texts = _tokenizer_files(tokenizer_files)
    weights = {file_name(name): weight.detach() for name, weight in network.named_parameters()}
    weights |= _vision(vision_tensors, network)
    if generation_config is None:
        generation_config = default_generation_config(network.config)
    with _as_output_errors(folder):
        if not overwrite:
            _refuse_to_overwrite(
                folder, {CONFIG_FILE, GENERATION_CONFIG_FILE, OWN_FILE, *(file.name for file in texts)}
            )
        _make_parent_with_room(folder, sum(weight.nbytes for weight in weights.values()))
        with _draft_beside(folder) as draft:
            write_json_object(draft / CONFIG_FILE, _config(network))
            write_generation_config(draft, generation_config)
            for file in texts:
                shutil.copyfile(file, draft / file.name)
            _write_shards(weights, draft, max_shard_bytes)
            is_published_only = not (draft / OWN_FILE).exists()
            _put_in_place(draft, folder)
            if is_published_only:
                (folder / OWN_FILE).unlink(missing_ok=True)


def _config(network: Network) -> dict[str, Any]:
    scheme = scheme_of(network)
    quantization = {} if scheme is None else {QUANTIZATION: scheme_to_config(scheme)}
    return network.config.to_hf() | {"dtype": str(network.dtype).split(".")[1]} | quantization


def _refuse_to_overwrite(folder: Path, names: set[str]) -> None:
    taken = sorted(file.name for file in _files(folder) if file.name in names or _holds_weights(file))
    if taken:
        raise OutputError(f"{folder} holds {taken[0]} already; choose another folder, or allow overwriting")


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _holds_weights(file: Path) -> bool:
    return file.name.endswith((".safetensors", ".safetensors.index.json"))


def _tokenizer_files(source: Path | None) -> list[Path]:
    if source is None:
        return []
    if not (source / TOKENIZER_FILES[0]).is_file():
        raise InputError(f"{source} has no {TOKENIZER_FILES[0]}; give the folder that the tokenizer was saved in")
    return [source / name for name in TOKENIZER_FILES if (source / name).is_file()]


def _vision(source: Path | Mapping[str, Tensor] | None, network: Network) -> dict[str, Tensor]:
    if source is None:
        return {}
    if isinstance(source, Path):
        shards = Shards(source)
        found = {name: shards.read(name) for name in shards.tensors if is_vision(name)}
    else:
        found = dict(source)
    if not found or not all(map(is_vision, found)):
        raise TensorError(
            f"vision_tensors gives {len(found)} tensors that are not all of an image encoder; leave it out"
        )
    if network.config.vision is None:
        raise InputError(
            "vision_tensors is given but the network's config has no vision; set it to the encoder's config"
        )
    return found


def _make_parent_with_room(folder: Path, needed_bytes: int) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    free_bytes = shutil.disk_usage(folder.parent).free
    if needed_bytes > free_bytes:
        raise OutputError(
            f"{folder} needs {needed_bytes / 1e6:.1f} MB and the disk has {free_bytes / 1e6:.1f} MB left; "
            "make room or choose another disk"
        )


@contextmanager
def _as_output_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, SafetensorError) as error:
        # Safetensors passes the system's error on as text.
        is_full = any(os.strerror(code) in str(error) for code in (errno.ENOSPC, errno.EDQUOT))
        remedy = "make room on the disk" if is_full else "choose a folder that you may write to"
        raise OutputError(f"{folder} cannot be written ({error}); {remedy}") from error


@contextmanager
def _draft_beside(folder: Path) -> Iterator[Path]:
    """Make an empty folder on the disk of `folder`; whatever it still holds in the end is removed."""
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        draft = work / "draft"  # one level down, for mkdtemp keeps other users out
        draft.mkdir()
        yield draft
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _put_in_place(draft: Path, folder: Path) -> None:
    if not folder.exists():
        draft.rename(folder)
        return
    written = _files(draft)
    stale = [file for file in _files(folder) if _holds_weights(file) and file.name not in {w.name for w in written}]
    for file in written:
        file.replace(folder / file.name)
    for file in stale:
        file.unlink()


def _write_shards(weights: Mapping[str, Tensor], folder: Path, max_shard_bytes: int) -> None:
    shards = _split(weights, max_shard_bytes)
    if len(shards) == 1:
        _write_tensors(shards[0], folder / SINGLE_FILE)
        return
    weight_map: dict[str, str] = {}
    for number, shard in enumerate(shards, start=1):
        file = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        _write_tensors(shard, folder / file)
        weight_map |= dict.fromkeys(shard, file)
    total_size = sum(weight.nbytes for weight in weights.values())
    write_json_object(folder / INDEX_FILE, {"metadata": {"total_size": total_size}, "weight_map": weight_map})


def _split(weights: Mapping[str, Tensor], max_shard_bytes: int) -> list[dict[str, Tensor]]:
    """Fill shards in order; a tensor larger than a shard has one to itself."""
    shards: list[dict[str, Tensor]] = [{}]
    size = 0
    for name, weight in weights.items():
        if shards[-1] and size + weight.nbytes > max_shard_bytes:
            shards.append({})
            size = 0
        shards[-1][name] = weight
        size += weight.nbytes
    return shards


def _write_tensors(tensors: Mapping[str, Tensor], file: Path) -> None:
    on_host = {name: tensor.to("cpu").contiguous() for name, tensor in tensors.items()}
    # The metadata is what Transformers looks for before it takes a file for torch weights.
    save_file(on_host, file, metadata={"format": "pt"})
    # Safetensors keeps its files from other users; a checkpoint is as readable as the files around it.
    shutil.copymode(file.parent / CONFIG_FILE, file)
