"""Judge any text as a story of this world, without knowing how it came to be.

Three questions, answered apart: is every sentence one that the world can say (grammatical), is it the whole of one plot
in its order (complete), and does it speak of the same hero, friend, thing, place and pronouns all through (consistent)?
A sentence that cannot be read counts against grammar only: it may stand for any sentence of the plot.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from gesso.worlds.beats import CLOSING, NEXT_DAY, OPENING, Beat, Plot, split_sentences
from gesso.worlds.lexicon import CHARACTER_OF
from gesso.worlds.patterns import Reading, read_sentence
from gesso.worlds.plots import PLOTS

_VOTED = ("hero", "friend", "adjective", "noun", "place", "weather", "elder", "trait", "likes")
_UNREADABLE = Reading(template="", facts=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What one part of a text tells, as most of its sentences have it.

    Attributes:
        plot: the plot.
        facts: roles and their values, such as "hero", "friend's kind", "adjective", "noun" and "place".
    """

    plot: Plot
    facts: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoryReport:
    """What is right and wrong with a text.

    Attributes:
        grammatical: every sentence is one that the world can say.
        complete: from an opening to a closing, all beats of one plot, in order; so for each part.
        consistent: one hero, friend, thing, place, weather; pronouns and kinds that fit the names.
        problems: each problem in a few words, with its sentence.
        told: what each part tells.
    """

    grammatical: bool
    complete: bool
    consistent: bool
    problems: tuple[str, ...]
    told: tuple[Told, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.grammatical and self.complete and self.consistent


def check_story(text: str) -> StoryReport:
    """Judge a text. A prompt and its continuation are judged as the joined text."""
    sentences = split_sentences(text.strip())
    readings = [read_sentence(sentence) for sentence in sentences]
    grammar = [
        f"not a sentence of this world: {sentence}"
        for sentence, found in zip(sentences, readings, strict=True)
        if not found
    ]
    structure: list[str] = []
    truth: list[str] = []
    known: dict[str, str] = {}
    told: list[Told] = []
    for start, end in _parts(readings):
        part, disorder, contradictions = _judge_part(sentences[start:end], readings[start:end], is_later=start > 0)
        told.append(part)
        structure += disorder
        for role in ("hero", "friend"):
            if role in part.facts and known.setdefault(role, part.facts[role]) != part.facts[role]:
                truth.append(f"the {role} {known[role]} has become {part.facts[role]}: {sentences[start]}")
        truth += contradictions
    if not sentences:
        structure.append("there is no text")
    return StoryReport(
        grammatical=not grammar,
        complete=not structure,
        consistent=not truth,
        problems=(*grammar, *structure, *truth),
        told=tuple(told),
    )


def _parts(readings: Sequence[Sequence[Reading]]) -> list[tuple[int, int]]:
    """Spans of the parts: a later one begins with a sentence such as "The next day, Mia woke up early."."""
    starts = [0] + [
        index
        for index, found in enumerate(readings)
        if index and any(reading.template in NEXT_DAY.phrasings for reading in found)
    ]
    return list(zip(starts, [*starts[1:], len(readings)], strict=True)) if readings else []


def _judge_part(
    sentences: Sequence[str], readings: Sequence[Sequence[Reading]], *, is_later: bool
) -> tuple[Told, list[str], list[str]]:
    """Find what one part tells, what of its plot is missing or out of order, and what contradicts its facts."""
    opening = NEXT_DAY if is_later else OPENING
    tellers = Counter(dict.fromkeys(PLOTS, 0))
    for found in readings:
        tellers.update(dict.fromkeys((plot for reading in found for plot in _plots_of(reading.template)), 1))
    plot = tellers.most_common(1)[0][0]
    beats = (opening, *plot.beats, CLOSING)
    ours = frozenset[str]().union(*map(_sentences_of, beats))
    usable = [[reading for reading in found if reading.template in ours] or list(found) for found in readings]
    facts = _vote([reading for found in usable for reading in found])
    told, reached = _parse(usable, beats, facts)
    disorder = [] if told else _disorder(sentences, usable, opening, reached)
    told = told or [min(found, key=_cost(facts), default=_UNREADABLE) for found in usable]
    facts = _vote(told) | {"day": "That" if is_later else "One"}
    return Told(plot=plot, facts=facts), disorder, _contradictions(sentences, told, facts)


def _disorder(
    sentences: Sequence[str], readings: Sequence[Sequence[Reading]], opening: Beat, reached: int
) -> list[str]:
    problems = []
    if not _may_be(readings[0], opening):
        problems.append(f"does not begin with an opening: {sentences[0]}")
    if not _may_be(readings[-1], CLOSING):
        problems.append(f"does not end with a closing: {sentences[-1]}")
    if not problems or 0 < reached < len(sentences) - 1:
        stop = sentences[min(reached, len(sentences) - 1)]
        problems.append(f"out of order, or something before it is missing: {stop}")
    return problems


def _may_be(readings: Sequence[Reading], beat: Beat) -> bool:
    return not readings or any(reading.template in _sentences_of(beat) for reading in readings)


def _parse(
    readings: Sequence[Sequence[Reading]], beats: Sequence[Beat], facts: Mapping[str, str]
) -> tuple[list[Reading] | None, int]:
    """Match all sentences to the beats in order, with the fewest contradictions to the facts.

    Returns the reading of each sentence, or None where no order fits, and how many sentences fit at most.
    """
    cost_of = _cost(facts)
    paths: dict[int, list[Reading]] = {0: []}
    reached = 0
    for beat in beats:
        longer = dict(paths) if beat.optional else {}
        for path in paths.values():
            for phrasing in beat.phrasings:
                told = _match(split_sentences(phrasing), readings[len(path) :], cost_of)
                if told is not None:
                    rival = longer.get(len(path) + len(told))
                    if rival is None or sum(map(cost_of, path + told)) < sum(map(cost_of, rival)):
                        longer[len(path) + len(told)] = path + told
        paths = longer
        reached = max(reached, *paths, 0)
    return paths.get(len(readings)), reached


def _match(
    templates: Sequence[str], readings: Sequence[Sequence[Reading]], cost_of: Callable[[Reading], int]
) -> list[Reading] | None:
    """Read the next sentences as one phrasing; a sentence that cannot be read may stand for any."""
    if len(templates) > len(readings):
        return None
    told = []
    for template, found in zip(templates, readings, strict=False):
        fitting = [reading for reading in found or (_UNREADABLE,) if reading.template in (template, "")]
        if not fitting:
            return None
        told.append(min(fitting, key=cost_of))
    return told


def _cost(facts: Mapping[str, str]) -> Callable[[Reading], int]:
    return lambda reading: len(_false(reading, facts))


def _vote(readings: Sequence[Reading]) -> dict[str, str]:
    """Take for each role what most readings say, and what follows from the names."""
    votes: dict[str, Counter[str]] = {role: Counter() for role in _VOTED}
    for reading in readings:
        for role, value in reading.facts:
            if role in votes:
                votes[role][value] += 1
    facts = {role: count.most_common(1)[0][0] for role, count in votes.items() if count}
    for role in ("hero", "friend"):
        if role in facts:
            character = CHARACTER_OF[facts[role]]
            facts[f"{role}'s kind"] = character.kind
            facts[f"{role}'s pronouns"] = character.pronouns
            facts[f"{role}'s hand"] = "paw" if character.is_animal else "hand"
    return facts


def _false(reading: Reading, facts: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted((role, value) for role, value in reading.facts if facts.get(role, value) != value)


def _contradictions(sentences: Sequence[str], told: Sequence[Reading], facts: Mapping[str, str]) -> list[str]:
    problems = [
        f"the {role} should be {facts[role]}, not {value}: {sentence}"
        for sentence, reading in zip(sentences, told, strict=True)
        for role, value in _false(reading, facts)
    ]
    if "friend" in facts and facts["friend"] == facts.get("hero"):
        problems.append(f"the hero {facts['hero']} cannot be the friend too: {sentences[0]}")
    return problems


@cache
def _sentences_of(beat: Beat) -> frozenset[str]:
    return frozenset(template for phrasing in beat.phrasings for template in split_sentences(phrasing))


@cache
def _plots_of(template: str) -> tuple[Plot, ...]:
    return tuple(plot for plot in PLOTS if any(template in _sentences_of(beat) for beat in plot.beats))
