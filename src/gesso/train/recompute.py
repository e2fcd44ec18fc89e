"""Activation checkpointing: layers whose activations are computed twice instead of kept (arXiv 1604.06174)."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from gesso.model.attention import View
from gesso.model.kv_cache import Cache, KeysOrValues
from gesso.model.layer import Layer


class RecomputedLayer(nn.Module):
    """A layer that keeps only its input for the backward pass, which runs it once more.

    Args:
        layer: The layer; its parameters become this module's.
    """

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.layer = layer
        self.kind = layer.kind

    def forward(self, hidden: Float[Tensor, "B L D"], cache: Cache, view: View) -> Float[Tensor, "B L D"]:
        """The layer's own forward pass; it writes the cache once, however often it runs."""
        held = _WriteOnce(cache) if view.writes else cache
        return checkpoint(self.layer, hidden, held, view, use_reentrant=False, preserve_rng_state=False)


class _WriteOnce:
    """A cache seen by one layer in one pass: running the pass again finds its keys and values there already."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.lengths = cache.lengths
        self.is_written = False

    def append(self, layer: int, keys: KeysOrValues, values: KeysOrValues) -> None:
        if not self.is_written:
            self.cache.append(layer, keys, values)
        self.is_written = True

    def read(self, layer: int, start: int, stop: int) -> tuple[KeysOrValues, KeysOrValues]:
        return self.cache.read(layer, start, stop)

    def advance(self, counts: list[int]) -> None:
        self.cache.advance(counts)
