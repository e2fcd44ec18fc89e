"""Tensors in safetensors files: one file, or many shards with an index.

Only safetensors and JSON are ever opened; neither can run code.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from gesso.checkpoint.json_file import read_json_object
from gesso.checkpoint.names import list_few
from gesso.errors import TensorError

SINGLE_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredTensor:
    """A tensor as the header of its file describes it; its data are not read.

    Attributes:
        file: The safetensors file that holds it.
        name: Its name there.
        dtype: The format's word for its dtype, such as "BF16".
        shape: Its shape.
    """

    file: Path
    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def num_elements(self) -> int:
        """Numbers in it."""
        return math.prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """Bytes of its data."""
        bits = re.search(r"\d+", self.dtype)  # "BOOL" alone names none, and takes a byte
        return self.num_elements * (int(bits.group()) if bits else 8) // 8


class Shards:
    """The tensors of a checkpoint, known by their headers and read one at a time.

    As in Transformers, `model.safetensors` is what counts where it stands beside an index.

    Args:
        folder: The checkpoint's folder.

    Raises:
        TensorError: There are no safetensors, a shard is missing or broken, or index and shards disagree.
        ConfigError: The index is not JSON.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tensors: dict[str, StoredTensor] = {}
        """Every tensor by name, shard after shard, in the order of the data."""
        if (folder / SINGLE_FILE).is_file():
            self.tensors = _headers(folder / SINGLE_FILE)
        elif (folder / INDEX_FILE).is_file():
            for file, names in _read_index(folder).items():
                headers = _headers(file)
                _check_against_index(file, headers, names)
                self.tensors |= headers
        else:
            raise TensorError(
                f"{folder} has neither {SINGLE_FILE} nor {INDEX_FILE}; weights in other formats must be converted to "
                "safetensors first"
            )

    def read(self, name: str) -> Tensor:
        """One tensor, on the CPU, as it is stored.

        The tensor lies in the mapped file. Each call maps the file anew, so the pages that were read for one tensor are
        given back with it; a file that stays mapped would in the end count as a second copy of the model.
        """
        stored = self.tensors[name]
        try:
            with safe_open(stored.file, framework="pt") as file:
                tensor: Tensor = file.get_tensor(name)
                return tensor
        except (SafetensorError, OSError) as error:
            raise _broken(stored.file, error) from error


def _headers(file: Path) -> dict[str, StoredTensor]:
    headers = {}
    try:
        with safe_open(file, framework="pt") as opened:
            for name in opened.offset_keys():
                header = opened.get_slice(name)
                headers[name] = StoredTensor(
                    file=file, name=name, dtype=header.get_dtype(), shape=tuple(header.get_shape())
                )
    except (SafetensorError, OSError) as error:
        raise _broken(file, error) from error
    return headers


def _broken(file: Path, error: Exception) -> TensorError:
    return TensorError(f"{file} is broken or cut short ({error}); copy or download it again")


def _read_index(folder: Path) -> dict[Path, set[str]]:
    """Shards that the index names, first to last, with the names of the tensors that each should hold."""
    index = folder / INDEX_FILE
    weight_map = read_json_object(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map or not all(isinstance(f, str) for f in weight_map.values()):
        raise TensorError(f"{index} has no weight_map from tensors to files; download it again")
    shards: dict[Path, set[str]] = {}
    for file_name in sorted(set(weight_map.values())):
        # An index is data from elsewhere: it must not lead out of its folder, nor to another format.
        if Path(file_name).name != file_name or not file_name.endswith(".safetensors"):
            raise TensorError(
                f"{index} names {file_name!r}, which is no safetensors file of its folder; download it again"
            )
        shards[folder / file_name] = {name for name, file in weight_map.items() if file == file_name}
    missing = [file.name for file in shards if not file.is_file()]
    if missing:
        raise TensorError(
            f"{folder} lacks {len(missing)} of the {len(shards)} shards that {INDEX_FILE} names, such as {missing[0]}; "
            "download them"
        )
    return shards


def _check_against_index(file: Path, headers: dict[str, StoredTensor], names: set[str]) -> None:
    if lacking := names - headers.keys():
        raise TensorError(f"{file} lacks {list_few(lacking)} that {INDEX_FILE} places there; download both again")
    if surplus := headers.keys() - names:
        raise TensorError(
            f"{file} holds {list_few(surplus)} that {INDEX_FILE} does not place there; download both again"
        )
