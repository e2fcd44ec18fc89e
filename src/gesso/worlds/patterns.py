"""Read a sentence back: which phrasings could have made it, and what each reading says is true.

Every sentence of every phrasing becomes one regular expression in which a slot is the alternation of its possible
words. A sentence is only tried against the patterns whose rarest fixed word it has.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from gesso.worlds.beats import CLOSING, NEXT_DAY, OPENING, split_sentences
from gesso.worlds.cast import PRONOUNS, with_article
from gesso.worlds.lexicon import CHARACTERS, ELDERS, LIKES, PLACES, THINGS, TRAITS, WEATHERS
from gesso.worlds.plots import PLOTS

Fact = tuple[str, str]
"""A role and its value: ("hero", "Mia"), ("hero's pronouns", "she"), ("noun", "kite")."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a sentence: as this sentence of a phrasing, with these facts."""

    template: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class _Pattern:
    template: str
    expression: re.Pattern[str]
    slots: tuple[str, ...]

    def read(self, sentence: str) -> Reading | None:
        match = self.expression.fullmatch(sentence)
        if match is None:
            return None
        words = zip(self.slots, match.groups(), strict=True)
        facts = (fact for slot, word in words for fact in _meanings()[slot][word])
        return Reading(template=self.template, facts=tuple(dict.fromkeys(facts)))


def read_sentence(sentence: str) -> tuple[Reading, ...]:
    """Read a sentence in every way that the world allows; none means that it is not a sentence of this world."""
    index = _index()
    candidates = {id(pattern): pattern for word in (*_WORD.findall(sentence), "") for pattern in index.get(word, ())}
    readings = (pattern.read(sentence) for pattern in candidates.values())
    return tuple(reading for reading in readings if reading is not None)


_WORD = re.compile(r"\w+")
_SLOT = re.compile(r"\{(\w+)\}")
_GLUED_SLOT = re.compile(r"\{\w+\}\w*")


@cache
def _index() -> Mapping[str, list[_Pattern]]:
    """Patterns by their rarest fixed word; those without one stand under the empty word."""
    beats = (OPENING, NEXT_DAY, CLOSING, *(beat for plot in PLOTS for beat in plot.beats))
    templates = {template for beat in beats for phrasing in beat.phrasings for template in split_sentences(phrasing)}
    words = {template: set(_WORD.findall(_GLUED_SLOT.sub(" ", template))) for template in templates}
    count = Counter(word for fixed in words.values() for word in fixed)
    index = defaultdict(list)
    for template in sorted(templates):
        anchor = min(words[template], key=lambda word: (count[word], word), default="")
        index[anchor].append(_compile(template))
    return index


def _compile(template: str) -> _Pattern:
    expression = ""
    for position, piece in enumerate(_SLOT.split(template)):
        if position % 2:
            longest_first = sorted(_meanings()[piece], key=len, reverse=True)
            expression += "(" + "|".join(map(re.escape, longest_first)) + ")"
        else:
            expression += re.escape(piece)
    return _Pattern(template=template, expression=re.compile(expression), slots=tuple(_SLOT.findall(template)))


@cache
def _meanings() -> Mapping[str, Mapping[str, tuple[Fact, ...]]]:
    """For each slot, the words it may hold and the facts that each of them states."""
    names = [character.name for character in CHARACTERS]
    kinds = sorted({character.kind for character in CHARACTERS})
    objects = {
        f"{adjective} {thing.noun}": (("adjective", adjective), ("noun", thing.noun))
        for thing in THINGS
        for adjective in thing.adjectives
    }
    adjectives = sorted({adjective for thing in THINGS for adjective in thing.adjectives})
    an_object = {with_article(phrase): facts for phrase, facts in objects.items()}
    meanings: dict[str, Mapping[str, tuple[Fact, ...]]] = {
        "One": _plain("day", ["One", "That"]),
        "one": {"one": (("day", "One"),), "that": (("day", "That"),)},
        "Hero": _plain("hero", names),
        "kind": _plain("hero's kind", kinds),
        "a_kind": {with_article(kind): (("hero's kind", kind),) for kind in kinds},
        "hand": {"hand": (("hero's hand", "hand"),), "paw": (("hero's hand", "paw"),)},
        "Friend": _plain("friend", names),
        "a_fkind": {with_article(kind): (("friend's kind", kind),) for kind in kinds},
        "adj": _plain("adjective", adjectives),
        "obj": objects,
        "an_obj": an_object,
        "An_obj": {phrase.capitalize(): facts for phrase, facts in an_object.items()},
        "noun": _plain("noun", [thing.noun for thing in THINGS]),
        "place": {place.name: (("place", place.name),) for place in PLACES},
        "at_place": {place.at: (("place", place.name),) for place in PLACES},
        "to_place": {place.to: (("place", place.name),) for place in PLACES},
        "weather": _plain("weather", [weather.adjective for weather in WEATHERS]),
        "Sky": {weather.sky: (("weather", weather.adjective),) for weather in WEATHERS},
        "Elder": _plain("elder", ELDERS),
        "trait": _plain("trait", TRAITS),
        "likes": _plain("likes", LIKES),
    }
    for form in ("he", "him", "his", "himself"):
        for prefix, role in (("", "hero's pronouns"), ("f", "friend's pronouns")):
            words: Mapping[str, tuple[Fact, ...]] = {
                pronouns[form]: ((role, gender),) for gender, pronouns in PRONOUNS.items()
            }
            meanings[prefix + form] = words
            meanings[(prefix + form).capitalize()] = {word.capitalize(): facts for word, facts in words.items()}
    return meanings


def _plain(role: str, words: Iterable[str]) -> dict[str, tuple[Fact, ...]]:
    return {word: ((role, word),) for word in words}
