"""The account of a checkpoint: every tensor in its files has a purpose, and every parameter a tensor."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch

from gesso.checkpoint.names import file_name, is_vision, list_few, repeated_name
from gesso.checkpoint.shards import Shards, StoredTensor
from gesso.errors import TensorError
from gesso.model.network import Network
from gesso.quant.network import code_names

USABLE_DTYPES = {"BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32, "F64": torch.float64}
"""Dtypes in which weights can be stored, by the names that safetensors has for them."""

_CODE_DTYPES = {torch.int8: "I8", torch.uint8: "U8", torch.bfloat16: "BF16"}


@dataclass(frozen=True, kw_only=True)
class LoadReport:
    """What the files of a checkpoint hold, by their headers.

    Attributes:
        used: The stored tensor of each parameter of the network, by the network's name, in the order of the files.
        repeated: Stored tensors that repeat another because their weights are tied, each with the one it repeats.
        vision: Stored tensors of the image encoder, which text does not need.
        codes: Names in the network of those that hold codes of quantized weights, or their scales.
    """

    used: Mapping[str, StoredTensor]
    repeated: tuple[tuple[StoredTensor, StoredTensor], ...]
    vision: tuple[StoredTensor, ...]
    codes: frozenset[str] = frozenset()

    @property
    def num_parameters(self) -> int:
        """Numbers stored for the text network: its parameters, unless they are quantized."""
        return sum(tensor.num_elements for tensor in self.used.values())

    @property
    def num_vision_parameters(self) -> int:
        """Parameters of the image encoder."""
        return sum(tensor.num_elements for tensor in self.vision)

    @property
    def size_bytes(self) -> int:
        """Bytes of the text network as stored."""
        return sum(tensor.size_bytes for tensor in self.used.values())

    @property
    def vision_size_bytes(self) -> int:
        """Bytes of the image encoder as stored."""
        return sum(tensor.size_bytes for tensor in self.vision)

    @property
    def dtypes(self) -> dict[str, int]:
        """How many tensors of the text network are stored in each dtype, the commonest first."""
        return dict(Counter(tensor.dtype for tensor in self.used.values()).most_common())

    @property
    def weight_dtypes(self) -> dict[str, int]:
        """The same without codes and their scales."""
        weights = (tensor.dtype for name, tensor in self.used.items() if name not in self.codes)
        return dict(Counter(weights).most_common())

    @property
    def num_files(self) -> int:
        """Safetensors files."""
        return len({tensor.file for tensor in (*self.used.values(), *self.vision)})


def account_for(network: Network, shards: Shards) -> LoadReport:
    """Give every stored tensor its purpose, or say which has none. No data are read.

    Args:
        network: What the files should fill. Only names and shapes are used; it may be on the meta device.
        shards: The files.

    Raises:
        TensorError: A tensor is missing, surplus, misshapen, or of a dtype that cannot be used.
    """
    expected = {file_name(name): name for name, _ in network.named_parameters()}
    used: dict[str, StoredTensor] = {}
    repeated, vision, surplus = [], [], []
    for name, tensor in shards.tensors.items():
        original = repeated_name(name)
        if name in expected:
            used[expected[name]] = tensor
        elif is_vision(name):
            vision.append(tensor)
        elif original in expected and original in shards.tensors:
            repeated.append((tensor, shards.tensors[original]))
        else:
            surplus.append(name)
    missing = [name for name, ours in expected.items() if ours not in used]
    if missing:
        raise TensorError(f"{shards.folder} lacks {list_few(missing)} that config.json asks for; download it again")
    if surplus:
        raise TensorError(
            f"{shards.folder} holds {list_few(surplus)} that config.json has no place for; "
            "use the config.json that belongs to these weights"
        )
    _check_shapes(network, used)
    codes = code_names(network)
    _check_dtypes([tensor for name, tensor in used.items() if name not in codes], shards)
    _check_codes(network, {name: used[name] for name in codes})
    return LoadReport(used=used, repeated=tuple(repeated), vision=tuple(vision), codes=codes)


def _check_shapes(network: Network, used: Mapping[str, StoredTensor]) -> None:
    shapes = {name: tuple(parameter.shape) for name, parameter in network.named_parameters()}
    wrong = {tensor.name: name for name, tensor in used.items() if tensor.shape != shapes[name]}
    if wrong:
        first = wrong[min(wrong)]
        raise TensorError(
            f"{list_few(wrong)} of {used[first].file.parent} have other shapes than config.json gives; the first is "
            f"{list(used[first].shape)} and should be {list(shapes[first])}"
        )


def _check_dtypes(tensors: Iterable[StoredTensor], shards: Shards) -> None:
    wrong = {tensor.name: tensor.dtype for tensor in tensors if tensor.dtype not in USABLE_DTYPES}
    if wrong:
        raise TensorError(
            f"{shards.folder} stores {list_few(wrong)} as {', '.join(sorted(set(wrong.values())))}; "
            f"weights must be {', '.join(USABLE_DTYPES)}"
        )


def _check_codes(network: Network, used: Mapping[str, StoredTensor]) -> None:
    wrong = {
        tensor.name: (tensor, expected)
        for name, tensor in used.items()
        if tensor.dtype != (expected := _CODE_DTYPES[network.get_parameter(name).dtype])
    }
    if wrong:
        tensor, expected = wrong[min(wrong)]
        raise TensorError(
            f"{list_few(wrong)} of {tensor.file.parent} are not of the dtype in which codes and scales are stored; the "
            f"first is {tensor.dtype} and should be {expected}: quantize the model again"
        )
