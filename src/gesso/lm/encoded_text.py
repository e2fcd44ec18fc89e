"""The beginning of a text, encoded once, and what may follow it: many canvases, or many continuations to compare."""

import math
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gesso.model.kv_cache import GrowingCache
from gesso.model.network import Network
from gesso.sampling.verification import Verification


class EncodedText:
    """A text that grows at its end. Nothing is encoded twice.

    Attributes:
        network: What encodes it.
        token_ids: Its tokens.
    """

    def __init__(self, network: Network, token_ids: Sequence[int]) -> None:
        """Encode the beginning.

        Args:
            network: In eval mode.
            token_ids: At least one, the beginning of the sequence.
        """
        self.network = network
        self.token_ids: list[int] = []
        self._cache = GrowingCache(network.config, batch=1)
        self.extend(token_ids)

    @torch.no_grad()
    def extend(self, token_ids: Sequence[int]) -> None:
        """Go on with these tokens."""
        if not token_ids:
            return
        hidden = self.network.encode(torch.tensor([token_ids], device=self.network.device), self._cache)
        self._last_hidden = hidden[:, -1:]
        self.token_ids += token_ids

    def caches(self, count: int) -> GrowingCache:
        """The text as the cache of `count` rows. Encoding into it leaves the text as it is."""
        return self._cache.repeat_rows(torch.zeros(count, dtype=torch.int64, device=self.network.device))

    @torch.no_grad()
    def surprises(self, continuations: Sequence[Sequence[int]]) -> list[Float[Tensor, " _"]]:
        """Nats of each token of several continuations, read left to right, in one pass.

        The fast twin of `gesso.engine.left_to_right.surprise`, which encodes the text anew for each.

        Args:
            continuations: Each of at least one token.
        """
        return [
            -logits.log_softmax(-1).gather(1, tokens[:, None]).squeeze(1)
            for tokens, logits in self._read(continuations)
        ]

    @torch.no_grad()
    def num_holding(self, continuations: Sequence[Sequence[int]], verification: Verification) -> list[int]:
        """How many tokens of each continuation come before the first that does not hold, read in one pass.

        Args:
            continuations: Each of at least one token.
            verification: Which tokens hold.
        """
        return [
            int(verification.holds(logits, tokens).cumprod(0).sum()) for tokens, logits in self._read(continuations)
        ]

    @torch.no_grad()
    def next_tokens(
        self,
        continuation: Sequence[int],
        count: int,
        verification: Verification,
        banned: Sequence[int],
        generator: torch.Generator,
    ) -> list[int]:
        """Draw tokens that hold behind the text and a continuation, by how likely they are from left to right.

        Args:
            continuation: May be empty.
            count: How many are drawn, with repeats.
            verification: Which tokens hold.
            banned: Tokens that are not drawn.
            generator: On the CPU; advanced.
        """
        ((_, logits),) = self._read([[*continuation, 0]])
        likely = logits[-1].index_fill(0, torch.tensor(banned, dtype=torch.int64, device=logits.device), -torch.inf)
        likely = likely.log_softmax(-1)
        likely[likely - likely.amax() < math.log(verification.min_share)] = -torch.inf
        return torch.multinomial(likely.exp().cpu(), count, replacement=True, generator=generator).tolist()

    def _read(self, continuations: Sequence[Sequence[int]]) -> Iterator[tuple[Int[Tensor, " L"], Float[Tensor, "L V"]]]:
        """The tokens of each continuation, and what the causal mode predicts at their places."""
        ids = pad(continuations).to(self.network.device)
        cache = self.caches(len(continuations))
        hidden = torch.cat([self._last_hidden.expand(len(ids), -1, -1), self.network.encode(ids, cache)], dim=1)
        for row, one in enumerate(continuations):  # row by row: a large vocabulary has large logits
            yield ids[row, : len(one)], self.network.head(hidden[row : row + 1, : len(one)])[0]


def pad(texts: Sequence[Sequence[int]]) -> Int[Tensor, "B L"]:
    """One row for each text, filled up on the right: in the causal mode nothing sees what comes after it."""
    padded = torch.zeros(len(texts), max(map(len, texts), default=0), dtype=torch.int64)
    for row, text in enumerate(texts):
        padded[row, : len(text)] = torch.tensor(text)
    return padded
