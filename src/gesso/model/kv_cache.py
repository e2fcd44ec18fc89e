"""Keys and values of the encoded text.

Behind one interface: `KVCache` owns buffers of a fixed size and writes into them: for generation. `GrowingCache`
concatenates, so gradients flow through it: for training, and the plain twin of the first. `Lookahead` reads another
cache and keeps what is new to itself: for text that is read before it is certain to stay.
Rows may hold different numbers of positions; `lengths` lives on the host, so no step of a loop waits for a device to
learn how long its context is.
"""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gesso.errors import InputError
from gesso.model.config import ModelConfig

KeysOrValues = Float[Tensor, "B K S H"]


@runtime_checkable
class Cache(Protocol):
    """What the network needs of a cache."""

    lengths: list[int]
    """Encoded positions of each row."""

    def append(self, layer: int, keys: KeysOrValues, values: KeysOrValues) -> None:
        """Put new positions after each row's `lengths`, without advancing them. Mutates the cache."""
        ...

    def read(self, layer: int, start: int, stop: int) -> tuple[KeysOrValues, KeysOrValues]:
        """Keys and values at absolute positions start..stop - 1 of every row. Mutates nothing."""
        ...

    def advance(self, counts: list[int]) -> None:
        """Count newly appended positions as encoded. Mutates `lengths`."""
        ...


@runtime_checkable
class SlottedCache(Cache, Protocol):
    """A cache whose rows lie scattered over one pool, for readers that can gather by themselves."""

    def slotted(self, layer: int) -> tuple[KeysOrValues, KeysOrValues, Int[Tensor, "rows P"]]:
        """The pool's keys and values, of batch dimension 1, and the slot of each row's positions. Copies nothing."""
        ...


class KVCache:
    """A cache of fixed size, written in place.

    Args:
        config: Shape of the network.
        batch: B, number of rows.
        max_len: S, positions each row can hold.
        dtype: Dtype of keys and values.
        device: Where they live.
    """

    def __init__(
        self, config: ModelConfig, *, batch: int, max_len: int, dtype: torch.dtype, device: torch.device | str
    ) -> None:
        if batch < 1 or max_len < 0:
            raise InputError(f"a cache of {batch} rows and {max_len} positions cannot be made; ask for at least 1 row")
        self.max_len = max_len
        self.lengths = [0] * batch
        shapes = [config.heads(layer) for layer in range(config.num_layers)]
        self._keys = [torch.zeros(batch, heads, max_len, width, dtype=dtype, device=device) for heads, width in shapes]
        self._values = [torch.zeros_like(keys) for keys in self._keys]

    def append(self, layer: int, keys: KeysOrValues, values: KeysOrValues) -> None:
        """Write new positions after each row's length. Mutates the buffers of this layer.

        Raises:
            InputError: A row has no room left.
        """
        count = keys.shape[2]
        if max(self.lengths) + count > self.max_len:
            raise InputError(
                f"the cache holds {self.max_len} positions and {max(self.lengths) + count} are needed; "
                "make it larger with new_cache(max_len=...)"
            )
        for row, length in enumerate(self.lengths):
            self._keys[layer][row, :, length : length + count] = keys[row]
            self._values[layer][row, :, length : length + count] = values[row]

    def read(self, layer: int, start: int, stop: int) -> tuple[KeysOrValues, KeysOrValues]:
        """Views of keys and values at positions start..stop - 1."""
        return self._keys[layer][:, :, start:stop], self._values[layer][:, :, start:stop]

    def advance(self, counts: list[int]) -> None:
        """Add `counts` to `lengths`."""
        self.lengths = [length + count for length, count in zip(self.lengths, counts, strict=True)]

    def size_bytes(self) -> int:
        """Bytes of all keys and values."""
        return 2 * sum(keys.numel() * keys.element_size() for keys in self._keys)


class GrowingCache:
    """A cache that concatenates; every row must advance by the same count."""

    def __init__(self, config: ModelConfig, *, batch: int) -> None:
        self.lengths = [0] * batch
        self._layers: list[tuple[KeysOrValues, KeysOrValues] | None] = [None] * config.num_layers

    def append(self, layer: int, keys: KeysOrValues, values: KeysOrValues) -> None:
        """Concatenate new positions. Mutates the list of tensors, never a tensor."""
        held = self._layers[layer]
        if held is not None:
            keys, values = torch.cat([held[0], keys], dim=2), torch.cat([held[1], values], dim=2)
        self._layers[layer] = (keys, values)

    def read(self, layer: int, start: int, stop: int) -> tuple[KeysOrValues, KeysOrValues]:
        """Views of keys and values at positions start..stop - 1."""
        held = self._layers[layer]
        if held is None:
            raise InputError(f"layer {layer} of the cache is empty; encode at least one token first")
        return held[0][:, :, start:stop], held[1][:, :, start:stop]

    def advance(self, counts: list[int]) -> None:
        """Add `counts`, all equal, to `lengths`."""
        if len(set(counts)) != 1:
            raise InputError(f"rows of a growing cache advance together, but were asked to advance by {counts}")
        self.lengths = [length + counts[0] for length in self.lengths]

    def repeat_rows(self, rows: Tensor) -> "GrowingCache":
        """A cache whose row i is row `rows[i]` of this one; several canvases then share one encoded context."""
        repeated = GrowingCache.__new__(GrowingCache)
        # All rows are equally long, and reading `rows` here would break a compiled training step in two.
        repeated.lengths = self.lengths[:1] * len(rows)
        repeated._layers = [None if held is None else (held[0][rows], held[1][rows]) for held in self._layers]
        return repeated


class Lookahead:
    """One row of another cache and what is encoded after it, kept apart: the other cache never changes.

    Args:
        base: The other cache.
        length: Positions of it that are seen; at most those that it has.

    Attributes:
        base: The other cache; may be exchanged for one that holds the same text.
    """

    def __init__(self, base: Cache, length: int) -> None:
        if len(base.lengths) != 1 or not 0 <= length <= base.lengths[0]:
            raise InputError(
                f"{length} positions of a cache that holds {base.lengths} cannot be looked ahead from; give one row, "
                "and at most its positions"
            )
        self.lengths = [length]
        self.base = base
        self._seen = length
        self._new: dict[int, tuple[KeysOrValues, KeysOrValues]] = {}

    def append(self, layer: int, keys: KeysOrValues, values: KeysOrValues) -> None:
        """Put new positions after what this cache holds. Mutates nothing but this cache."""
        if (held := self._new.get(layer)) is not None:
            keys, values = torch.cat([held[0], keys], dim=2), torch.cat([held[1], values], dim=2)
        self._new[layer] = (keys, values)

    def read(self, layer: int, start: int, stop: int) -> tuple[KeysOrValues, KeysOrValues]:
        """Keys and values at positions start..stop - 1, of whichever cache holds them."""
        old = self.base.read(layer, min(start, self._seen), min(stop, self._seen))
        if stop <= self._seen:
            return old
        span = slice(max(0, start - self._seen), stop - self._seen)
        keys, values = (
            torch.cat([before, new[:, :, span]], dim=2) for before, new in zip(old, self._new[layer], strict=True)
        )
        return keys, values

    def advance(self, counts: list[int]) -> None:
        """Add `counts` to `lengths`."""
        self.lengths = [length + count for length, count in zip(self.lengths, counts, strict=True)]
