"""Whether a story was copied from training, told of someone else or not.

Training stories are written from a seed, so they can be written again and compared with. Who a story is about is masked
first, by name, kind and pronoun: a training story told of another hero is a copy too. Things, places and the wording of
each sentence are not masked. What counts as seen is exactly the stories that are given here; if those are only some of
all that a model was trained on, the share of copies is a lower bound.
"""

import re
from collections.abc import Iterable

from gesso.worlds.beats import split_sentences
from gesso.worlds.cast import PRONOUNS, with_article
from gesso.worlds.lexicon import CHARACTERS


def _any_of(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_NAME = re.compile(rf"\b(?:{_any_of(character.name for character in CHARACTERS)})\b")
_KINDS = {character.kind for character in CHARACTERS}
_KIND = re.compile(rf"\b(?:{_any_of({*_KINDS, *map(with_article, _KINDS), 'hand', 'paw'})})\b")
_PRONOUN = re.compile(
    rf"\b(?:{_any_of(word for forms in PRONOUNS.values() for word in forms.values())})\b", re.IGNORECASE
)


def masked_sentences(text: str) -> tuple[str, ...]:
    """Split a text into sentences without who it is about: names become N1, N2 in order, kinds K, pronouns P."""
    numbers: dict[str, str] = {}
    text = _NAME.sub(lambda match: numbers.setdefault(match[0], f"N{len(numbers) + 1}"), text.strip())
    sentences = split_sentences(text)
    return tuple(_PRONOUN.sub("P", _KIND.sub("K", sentence)) for sentence in sentences)


class SeenStories:
    """The stories of training, or some of them; memory grows with their number."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Remember stories by their masked sentences."""
        self._stories: set[tuple[str, ...]] = set()
        self._places: dict[str, list[tuple[int, int]]] = {}
        for number, sentences in enumerate(map(masked_sentences, texts)):
            self._stories.add(sentences)
            for position, sentence in enumerate(sentences):
                self._places.setdefault(sentence, []).append((number, position))

    def has(self, text: str) -> bool:
        """Whether a text is one of the stories, from the first sentence to the last, but for who it is about."""
        return masked_sentences(text) in self._stories

    def longest_run(self, text: str) -> int:
        """Count the sentences of the longest passage that stands in one of the stories, but for who it is about."""
        longest = 0
        runs: dict[tuple[int, int], int] = {}
        for sentence in masked_sentences(text):
            places = self._places.get(sentence, ())
            runs = {(number, place): runs.get((number, place - 1), 0) + 1 for number, place in places}
            longest = max(longest, *runs.values(), 0)
        return longest
