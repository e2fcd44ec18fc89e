"""Tasks of the story world, judged by its checkers; all items are of the held-out world."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial

from gesso.evals.task import Item, Scores
from gesso.evals.texts import training_stories
from gesso.text.message import Message
from gesso.worlds.beats import split_sentences
from gesso.worlds.cases import Case
from gesso.worlds.check import check_story
from gesso.worlds.patterns import read_sentence
from gesso.worlds.seen_stories import SeenStories
from gesso.worlds.stories import WHOLE_WORLD, World, write_story
from gesso.worlds.tasks import is_right, write_case

MIDDLE_SHARE = 0.4
"""Share of a story's words that the task "middle" takes out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseTask:
    """Cases of one kind of the world, right or wrong: score `right`.

    Attributes:
        kind: A key of `gesso.worlds.tasks.KINDS`.
        world: The world of which its stories are told.
    """

    kind: str
    world: World = WHOLE_WORLD

    @property
    def name(self) -> str:
        """The kind."""
        return self.kind

    def items(self, rng: random.Random) -> Iterator[Item]:
        """Yield fresh cases."""
        while True:
            case = write_case(rng, self.kind, "held_out", self.world)
            yield Item(prompt=_prompt(case), judge=partial(_judge_case, case))


@dataclass(frozen=True, kw_only=True, slots=True)
class Stories:
    """Whole stories, asked for in a chat or begun: the checker's verdicts.

    Scores: `ok` (nothing is wrong), `grammatical`, `complete`, `consistent`; `sentences`, the share of sentences that
    are of the world; `right`, whether it is the story that was asked for; `copied`, whether it is one of
    `training_stories` but for who it is about.

    Attributes:
        name: What reports call it.
        kind: "request" or "continuation".
        world: The world of which its stories are told.
    """

    name: str
    kind: str
    world: World = WHOLE_WORLD

    def items(self, rng: random.Random) -> Iterator[Item]:
        """Yield fresh requests or beginnings."""
        while True:
            case = write_case(rng, self.kind, "held_out", self.world)
            yield Item(prompt=_prompt(case), judge=partial(self._judge, case))

    def _judge(self, case: Case, text: str) -> Scores:
        whole = text if self.kind == "request" else case.prompt + text
        return judge_story(whole) | _judge_case(case, text) | {"copied": float(_seen(self.world).has(whole))}


@dataclass(frozen=True, kw_only=True, slots=True)
class MissingSentence:
    """A sentence taken out of a story and written anew between its neighbours; how long it was is not told.

    Scores: those of `judge_story` for the whole story, and `same`, whether it is the sentence that stood there.

    Attributes:
        world: The world of which its stories are told.
    """

    world: World = WHOLE_WORLD
    name: str = field(default="infill", init=False)

    def items(self, rng: random.Random) -> Iterator[Item]:
        """Yield fresh stories with a hole."""
        while True:
            sentences = write_story(rng, split="held_out", world=self.world).sentences
            index = rng.randrange(1, len(sentences) - 1)
            prefix, hole, suffix = _around(sentences, index, index + 1)
            yield Item(prompt=prefix, suffix=suffix, judge=_judge_hole(prefix, hole, suffix))


@dataclass(frozen=True, kw_only=True, slots=True)
class MissingMiddle:
    """The middle of a story taken out and written anew; the hole has the size, in tokens, of what stood there.

    Scores: those of `MissingSentence`.

    Attributes:
        world: The world of which its stories are told.
    """

    world: World = WHOLE_WORLD
    name: str = field(default="middle", init=False)

    def items(self, rng: random.Random) -> Iterator[Item]:
        """Yield fresh stories with a hole."""
        while True:
            words = write_story(rng, split="held_out", world=self.world).text.split(" ")
            size = round(MIDDLE_SHARE * len(words))
            start = (len(words) - size) // 2
            prefix, hole, suffix = _around(words, start, start + size)
            yield Item(prompt=prefix, hole=hole, suffix=suffix, judge=_judge_hole(prefix, hole, suffix))


def judge_story(text: str) -> dict[str, float]:
    """What the checker says of a text as a story, in numbers."""
    report = check_story(text)
    sentences = split_sentences(text.strip())
    readable = sum(bool(read_sentence(sentence)) for sentence in sentences)
    verdicts = {name: float(getattr(report, name)) for name in ("ok", "grammatical", "complete", "consistent")}
    return verdicts | {"sentences": readable / max(1, len(sentences))}


@cache
def _seen(world: World) -> SeenStories:
    return SeenStories(training_stories(world))


def _prompt(case: Case) -> str | tuple[Message, ...]:
    if not case.chat:
        return case.prompt
    turns = [(Message(role="user", content=asked), Message(role="model", content=told)) for asked, told in case.earlier]
    return (*(message for turn in turns for message in turn), Message(role="user", content=case.prompt))


def _judge_case(case: Case, text: str) -> dict[str, float]:
    return {"right": float(is_right(case, text))}


def _around(pieces: Sequence[str], start: int, stop: int) -> tuple[str, str, str]:
    """What stands before, in and after a hole; spaces go with what follows them."""
    before, hole, after = (" ".join(part) for part in (pieces[:start], pieces[start:stop], pieces[stop:]))
    return before, f" {hole}", f" {after}"


def _judge_hole(prefix: str, hole: str, suffix: str) -> Callable[[str], Scores]:
    return lambda text: judge_story(prefix + text + suffix) | {"same": float(text == hole)}
