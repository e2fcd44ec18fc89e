"""What a low perplexity may hide: texts that repeat themselves or each other.

A sampler that always writes the same likely words has an excellent perplexity. Perplexity is therefore never reported
without these (arXiv 2604.02718, 2606.08417).
"""

import math
from collections import Counter
from collections.abc import Sequence


def token_entropy(token_ids: Sequence[int]) -> float:
    """Entropy of the frequencies of the tokens within one text, in nats; 0 for no text."""
    total = len(token_ids)
    return sum((count / total * math.log(total / count) for count in Counter(token_ids).values()), 0.0)


def distinct_ngrams(texts: Sequence[str], n: int = 3) -> float:
    """Different runs of n words by all runs of n words in the texts together: 1 if none occurs twice, 0 without any.

    It falls with the amount of text: compare equal numbers of texts only.
    """
    runs = [tuple(words[i : i + n]) for words in map(str.split, texts) for i in range(len(words) - n + 1)]
    return len(set(runs)) / max(1, len(runs))
