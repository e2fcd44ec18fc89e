"""How much of a text is copied: its longest run of words that stands in a reference text."""

from collections.abc import Sequence

import numpy as np

_BASE = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(int(_BASE), -1, 2**64))


class Reference:
    """Texts that may have been copied from.

    A run of n words in common implies one of n - 1, so the longest is found by bisection; at each length the runs of a
    text are looked up among those of the reference by a 64-bit hash. `longest_copy_by_comparison` is the plain twin.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        """Number the words of all texts; no run goes across the border of two."""
        self._ids: dict[str, int] = {}
        border = -1
        numbers: list[int] = []
        for text in texts:
            numbers += [self._ids.setdefault(word, len(self._ids)) for word in text.split()]
            numbers.append(border)
            border -= 1
        self._hashes = _RunHashes(numbers)
        self._runs: dict[int, np.ndarray] = {}
        self._longest = max((len(text.split()) for text in texts), default=0)

    def longest_copy(self, text: str) -> int:
        """Words of the longest run that `text` shares with one of the reference texts."""
        # A word that the reference lacks has a number that nothing else has.
        words = text.split()
        numbers = [self._ids.get(word, len(self._ids) + place) for place, word in enumerate(words)]
        hashes = _RunHashes(numbers)
        low, high = 0, min(len(words), self._longest)
        while low < high:
            middle = (low + high + 1) // 2
            if _share_one(hashes.of_length(middle), self._runs_of(middle)):
                low = middle
            else:
                high = middle - 1
        return low

    def _runs_of(self, length: int) -> np.ndarray:
        if length not in self._runs:
            self._runs[length] = np.unique(self._hashes.of_length(length))
        return self._runs[length]


def _share_one(hashes: np.ndarray, ascending: np.ndarray) -> bool:
    places = np.searchsorted(ascending, hashes).clip(max=len(ascending) - 1)
    return bool((ascending[places] == hashes).any())


class _RunHashes:
    """Polynomial hashes, modulo 2^64, of all runs of a sequence of numbers."""

    def __init__(self, numbers: Sequence[int]) -> None:
        scrambled = np.asarray(numbers, dtype=np.int64).astype(np.uint64) * _BASE
        scrambled = (scrambled ^ (scrambled >> np.uint64(31))) * _BASE
        self._prefix = np.zeros(len(numbers) + 1, dtype=np.uint64)
        np.cumsum(scrambled * _powers(_BASE, len(numbers)), out=self._prefix[1:])

    def of_length(self, length: int) -> np.ndarray:
        """Hashes of the runs of this length, in their order."""
        sums = self._prefix[length:] - self._prefix[: len(self._prefix) - length]
        # Equal runs have equal hashes wherever they stand.
        return sums * _powers(_INVERSE, len(sums))


def _powers(base: np.uint64, count: int) -> np.ndarray:
    powers = np.full(count, base, dtype=np.uint64)
    powers[:1] = 1
    return np.cumprod(powers)


def longest_copy_by_comparison(text: str, references: Sequence[str]) -> int:
    """Words of the longest run in common, by comparing every place with every place."""
    words, longest = text.split(), 0
    for reference in references:
        others = reference.split()
        lengths = [0] * (len(others) + 1)  # of the common run that ends at each word
        for word in words:
            lengths = [0] + [lengths[place] + 1 if word == other else 0 for place, other in enumerate(others)]
            longest = max(longest, *lengths)
    return longest
