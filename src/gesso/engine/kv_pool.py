"""Keys and values of many texts in one pool of pages, and the cache that the network sees of it."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gesso.model.config import ModelConfig
from gesso.model.kv_cache import KeysOrValues


class KVPool:
    """Buffers for all pages, made once; a page holds every layer's keys and values, those of sliding layers too.

    Attributes:
        num_pages: Pages in all.
        page_length: Positions of a page.
        device: Where the buffers live.
    """

    def __init__(
        self,
        config: ModelConfig,
        *,
        num_pages: int,
        page_length: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self.num_pages = num_pages
        self.page_length = page_length
        self.device = device
        self._blank = num_pages * page_length  # a slot behind all pages, always zero: what fills up shorter rows
        shapes = [config.heads(layer) for layer in range(config.num_layers)]
        # Nothing is read before it is written, so memory that no text has needed yet need not even be there.
        self.keys: list[Float[Tensor, "K slots H"]] = [
            torch.empty(heads, self._blank + 1, width, dtype=dtype, device=device) for heads, width in shapes
        ]
        self.values: list[Float[Tensor, "K slots H"]] = [torch.empty_like(keys) for keys in self.keys]
        for buffer in (*self.keys, *self.values):
            buffer[:, self._blank].zero_()

    def rows(
        self, tables: Sequence[Sequence[int]], lengths: Sequence[int], counts: Sequence[int] | None = None
    ) -> "PagedCache":
        """Make a cache of some texts for one pass of the network.

        Args:
            tables: The pages of each row, in the order of its text.
            lengths: Encoded positions of each row.
            counts: Positions that the pass will encode of each row; None if it only reads.
        """
        counts = [0] * len(lengths) if counts is None else list(counts)
        num_slots = max(lengths) + max(counts)
        slots = torch.full((len(tables), num_slots), self._blank, dtype=torch.int64)
        for row, (table, length, count) in enumerate(zip(tables, lengths, counts, strict=True)):
            first = torch.tensor(table, dtype=torch.int64) * self.page_length
            own = (first[:, None] + torch.arange(self.page_length)).flatten()
            slots[row, : length + count] = own[: length + count]
        return PagedCache(self, slots.to(self.device), list(lengths), counts)

    def mapped(self, pages: Int[Tensor, "B T"], lengths: Int[Tensor, " B"]) -> "PagedCache":
        """As `rows`, for a pass that only reads texts whose pages and lengths the device alone knows.

        The host needs neither: the cache is as long as the tables have room for, and blank behind the texts, so the
        network must be told the lengths as `context`.

        Args:
            pages: The pages of each row, in the order of its text; those behind it may be any.
            lengths: Encoded positions of each row.
        """
        num_slots = pages.shape[1] * self.page_length
        within = torch.arange(self.page_length, device=pages.device)
        slots = (pages[:, :, None] * self.page_length + within).flatten(1)
        is_text = torch.arange(num_slots, device=pages.device) < lengths[:, None]
        return PagedCache(self, slots.masked_fill(~is_text, self._blank), [num_slots] * len(pages), [0] * len(pages))

    def size_bytes(self) -> int:
        """Bytes of all keys and values."""
        return 2 * sum(keys.numel() * keys.element_size() for keys in self.keys)


class PagedCache:
    """Some rows of a pool, as one `gesso.model.kv_cache.Cache`; lasts for one pass.

    What is read has the layout that `KVCache` gives, so the same text leads to the same bits.
    """

    def __init__(self, pool: KVPool, slots: Tensor, lengths: list[int], counts: list[int]) -> None:
        self.lengths = lengths
        self._pool = pool
        self._slots = slots  # [B, S]: where each row's positions are
        self._counts = counts

    def append(self, layer: int, keys: KeysOrValues, values: KeysOrValues) -> None:
        """Write new positions into their pages; what fills up shorter rows is left out. Mutates the pool."""
        for row, (length, count) in enumerate(zip(self.lengths, self._counts, strict=True)):
            slots = self._slots[row, length : length + count]
            self._pool.keys[layer].index_copy_(1, slots, keys[row, :, :count])
            self._pool.values[layer].index_copy_(1, slots, values[row, :, :count])

    def read(self, layer: int, start: int, stop: int) -> tuple[KeysOrValues, KeysOrValues]:
        """Copies of keys and values at positions start..stop - 1; zero behind a row's end."""
        slots = self._slots[:, start:stop]
        return _gather(self._pool.keys[layer], slots), _gather(self._pool.values[layer], slots)

    def slotted(self, layer: int) -> tuple[KeysOrValues, KeysOrValues, Int[Tensor, "rows P"]]:
        """The whole pool, and the slot of each row's positions."""
        return self._pool.keys[layer][None], self._pool.values[layer][None], self._slots

    def advance(self, counts: list[int]) -> None:
        """Add `counts` to `lengths`."""
        self.lengths = [length + count for length, count in zip(self.lengths, counts, strict=True)]


def _gather(buffer: Float[Tensor, "K slots H"], slots: Tensor) -> KeysOrValues:
    return buffer.index_select(1, slots.flatten()).unflatten(1, tuple(slots.shape)).transpose(0, 1)
