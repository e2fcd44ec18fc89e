"""The kinds of cases and their mixtures: stories, small jobs that can be done with a story, and jobs without one."""

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from gesso.errors import SettingError
from gesso.worlds import corrections, records, sorting, sudoku, sums, talk
from gesso.worlds.cases import Case, begin, is_exact
from gesso.worlds.cast import with_article
from gesso.worlds.check import check_story
from gesso.worlds.lexicon import BOYS, COLORS, GIRLS, PLACE_OF
from gesso.worlds.splits import Split
from gesso.worlds.stories import WHOLE_WORLD, Story, World, is_held_out, write_story

TWO_PART_CHANCE = 0.1
SECOND_QUESTION_CHANCE = 0.4
RAW_INSTRUCTION_CHANCE = 0.15
BLANK = "___"

REQUESTS = (
    "Write a story about {a_kind}.",
    "Write a story about {a_kind} named {Hero}.",
    "Write a short story about {Hero} and {an_obj}.",
    "Write a story about {theme}.",
    "Tell me a story about {theme}.",
    "Tell me a story about {a_kind} and {an_obj}.",
    "Can you tell me a story about {a_kind} named {Hero}?",
    "I would like a story about {theme} with {a_kind} named {Hero}.",
    "Please write a story that happens {at_place}.",
    "Make up a story about {Hero}, {an_obj} and {place}.",
    'Write a story called "{title}".',
    "Tell me a bedtime story about {an_obj}.",
    "A story about {Hero} and {theme}, please.",
    "Write a story about {a_kind} {at_place}.",
)
CONTINUE_REQUESTS = (
    "Continue this story:",
    "Please finish this story:",
    "What happens next in this story?",
    "Here is the beginning of a story. Tell the rest:",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of case.

    Attributes:
        write_case: writes a fresh case of a split; kinds without a story do not ask which world is told.
        is_right: whether a text is a right answer to a case.
        held_out: what is never together in training.
    """

    write_case: Callable[[random.Random, Split, World], Case]
    is_right: Callable[[Case, str], bool]
    held_out: str


def write_document(
    rng: random.Random,
    split: Split = "train",
    world: World = WHOLE_WORLD,
    mixture: Mapping[str, float] | None = None,
) -> Case:
    """Write a fresh case of a kind drawn by its weight.

    Args:
        rng: the source of every choice; its state advances.
        split: "train" for what training may see, "held_out" for the rest.
        world: the world of which its stories are told.
        mixture: the weight of each kind, such as one of `MIXTURES`; "stories" if left out.

    Raises:
        SettingError: an unknown kind, weights that cannot be drawn by, no such split, or too small a world.
    """
    weights = MIXTURES["stories"] if mixture is None else mixture
    if not weights or min(weights.values()) < 0 or sum(weights.values()) <= 0:
        raise SettingError(f"no kind can be drawn by the weights {dict(weights)}; use positive ones")
    return write_case(rng, rng.choices(list(weights), weights=list(weights.values()))[0], split, world)


def write_case(rng: random.Random, kind: str, split: Split = "train", world: World = WHOLE_WORLD) -> Case:
    """Write a fresh case of one kind.

    Raises:
        SettingError: no such kind or split, or too small a world.
    """
    return _kind(kind).write_case(rng, split, world)


def is_right(case: Case, text: str) -> bool:
    """Whether a text is a right answer to a case; space around it does not matter.

    Raises:
        SettingError: the case is of no kind that can be judged.
    """
    return _kind(case.kind).is_right(case, text)


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise SettingError(f"no kind of case is called {name!r}; use one of {', '.join(KINDS)}")
    return KINDS[name]


def infill_case(rng: random.Random, split: Split = "train") -> tuple[str, str, str, Story]:
    """Cut one inner sentence out of a story.

    Returns:
        prefix, hole, suffix and the story; the three join to its text, and hole and suffix begin with their space.
    """
    story = write_story(rng, split=split)
    index = rng.randrange(1, len(story.sentences) - 1)
    prefix, hole, suffix = _cut(story, index, index + 1)
    return prefix, hole, suffix, story


def story_prompts(rng: random.Random, split: Split = "train") -> Iterator[str]:
    """Yield the first one to three sentences of endless fresh stories."""
    while True:
        story = write_story(rng, split=split)
        yield " ".join(story.sentences[: rng.randint(1, 3)])


def _story(rng: random.Random, split: Split, world: World) -> Case:
    story = write_story(rng, parts=2 if rng.random() < TWO_PART_CHANCE else 1, split=split, world=world)
    return Case(prompt="", answer=story.text, chat=False, kind="story")


def _continuation(rng: random.Random, split: Split, world: World) -> Case:
    return begin(rng, write_story(rng, split=split, world=world).text, "continuation")


def _request(rng: random.Random, split: Split, world: World) -> Case:
    story = write_story(rng, split=split, world=world)
    return _instruction(rng, _ask_for(rng, story), story.text, "request")


def _infill(rng: random.Random, split: Split, world: World) -> Case:
    story = write_story(rng, split=split, world=world)
    count = rng.choice((1, 1, 2))
    index = rng.randrange(1, len(story.sentences) - count)
    prefix, hole, suffix = _cut(story, index, index + count)
    instruction = "Fill in the missing sentence:" if count == 1 else "Fill in the missing sentences:"
    return _instruction(rng, f"{instruction}\n{prefix} {BLANK}{suffix}", hole.strip(), "infill")


def _continue(rng: random.Random, split: Split, world: World) -> Case:
    story = write_story(rng, split=split, world=world)
    cut = rng.randint(1, len(story.sentences) // 2)
    prompt = f"{rng.choice(CONTINUE_REQUESTS)}\n{' '.join(story.sentences[:cut])}"
    return Case(prompt=prompt, answer=" ".join(story.sentences[cut:]), chat=True, kind="continue")


def _question(rng: random.Random, split: Split, world: World) -> Case:
    story = write_story(rng, split=split, world=world)
    question, answer = rng.choice(_questions(story))
    return Case(prompt=f"{story.text}\n{question}", answer=answer, chat=True, kind="question")


def _rename(rng: random.Random, split: Split, world: World) -> Case:
    """Rename a child; an animal's name belongs to its kind."""
    story = write_story(rng, split=split, world=world)
    while story.hero.is_animal:
        story = write_story(rng, split=split, world=world)
    names = [
        child.name
        for child in (GIRLS if story.hero.pronouns == "she" else BOYS)
        if child not in (story.hero, story.friend)
        and is_held_out(child, story.cast.thing, story.plot) == (split == "held_out")
    ]
    if not names:
        return _rename(rng, split, world)
    old, new = story.hero.name, rng.choice(names)
    passage = " ".join(story.sentences[: rng.randint(3, 8)])
    prompt = f"Change the name from {old} to {new}:\n{passage}"
    return Case(prompt=prompt, answer=re.sub(rf"\b{old}\b", new, passage), chat=True, kind="rename")


def _conversation(rng: random.Random, split: Split, world: World) -> Case:
    """Ask for a story, and then about it, for another one, or for something else."""
    story = write_story(rng, split=split, world=world)
    turns = [(_ask_for(rng, story), story.text)]
    then = rng.choice(("question", "question", "request", "sum", "sorting", "record", "talk"))
    if then == "question":
        questions = _questions(story)
        count = 2 if len(questions) > 1 and rng.random() < SECOND_QUESTION_CHANCE else 1
        turns += rng.sample(questions, count)
    elif then == "request":
        other = write_story(rng, split=split, world=world)
        turns.append((_ask_for(rng, other), other.text))
    else:
        case = write_case(rng, then, split, world)
        turns.append((case.prompt, case.answer))
    *earlier, (prompt, answer) = turns
    return Case(prompt=prompt, answer=answer, earlier=tuple(earlier), chat=True, kind="conversation")


def _is_story(case: Case, text: str) -> bool:
    return check_story(text).ok


def _continues(case: Case, text: str) -> bool:
    """Whether prompt and text are one story; the first line of a chat only asks for it."""
    beginning = case.prompt.partition("\n")[2] if case.chat else case.prompt
    return check_story(f"{beginning} {text.strip()}").ok


def _fits_request(case: Case, text: str) -> bool:
    """Whether a text is a story that could have been asked for in these words."""
    report = check_story(text)
    if not report.ok:
        return False
    plot, facts = report.told[0].plot, report.told[0].facts
    place, thing = PLACE_OF[facts["place"]], f"{facts['adjective']} {facts['noun']}"
    words = {
        "Hero": facts["hero"],
        "a_kind": with_article(facts["hero's kind"]),
        "an_obj": with_article(thing),
        "place": place.name,
        "at_place": place.at,
        "theme": plot.theme,
        "title": f"{facts['hero']} and the {thing.title()}",
    }
    return case.prompt in {request.format_map(words) for request in REQUESTS}


def _is_right_turn(case: Case, text: str) -> bool:
    """Whether it is the answer, or a story as good as the one that was asked for."""
    return is_exact(case, text) or _fits_request(case, text)


def _fills_blank(case: Case, text: str) -> bool:
    return check_story(case.prompt.partition("\n")[2].replace(BLANK, text.strip())).ok


def _apart(write_case: Callable[[random.Random, Split], Case]) -> Callable[[random.Random, Split, World], Case]:
    """Make one kind of writer of another: no story is told, so the world does not matter."""
    return lambda rng, split, world: write_case(rng, split)


_STORY = "hero, thing and plot"

KINDS: Mapping[str, Kind] = {
    "story": Kind(write_case=_story, is_right=_is_story, held_out=_STORY),
    "continuation": Kind(write_case=_continuation, is_right=_continues, held_out=_STORY),
    "request": Kind(write_case=_request, is_right=_fits_request, held_out=_STORY),
    "infill": Kind(write_case=_infill, is_right=_fills_blank, held_out=_STORY),
    "continue": Kind(write_case=_continue, is_right=_continues, held_out=_STORY),
    "question": Kind(write_case=_question, is_right=is_exact, held_out=_STORY),
    "rename": Kind(write_case=_rename, is_right=is_exact, held_out=_STORY),
    "correction": Kind(write_case=corrections.write_case, is_right=corrections.is_right, held_out=_STORY),
    "conversation": Kind(write_case=_conversation, is_right=_is_right_turn, held_out=_STORY),
    "talk": Kind(write_case=_apart(talk.write_case), is_right=talk.is_right, held_out="the words and marks"),
    "record": Kind(write_case=_apart(records.write_case), is_right=records.is_right, held_out="two of its values"),
    "sum": Kind(write_case=_apart(sums.write_case), is_right=sums.is_right, held_out="the two numbers"),
    "sorting": Kind(write_case=_apart(sorting.write_case), is_right=sorting.is_right, held_out="the set of words"),
    **{
        f"sudoku{size}": Kind(
            write_case=_apart(partial(sudoku.write_case, size=size)),
            is_right=sudoku.is_right,
            held_out="the digits of the solution",
        )
        for size in sudoku.BOXES
    },
}
"""Every kind of case, by its name."""

MIXTURES: Mapping[str, Mapping[str, float]] = {
    "stories": {
        "story": 0.40,
        "continuation": 0.20,
        "request": 0.20,
        "infill": 0.08,
        "continue": 0.04,
        "question": 0.04,
        "rename": 0.04,
    },
    "all": {
        "story": 0.20,
        "continuation": 0.12,
        "request": 0.12,
        "infill": 0.07,
        "continue": 0.03,
        "question": 0.03,
        "rename": 0.03,
        "correction": 0.06,
        "conversation": 0.05,
        "talk": 0.01,
        "record": 0.08,
        "sum": 0.04,
        "sorting": 0.04,
        "sudoku4": 0.02,
        "sudoku6": 0.08,
        "sudoku9": 0.02,
    },
}
"""Weights by which training draws its kinds: stories and what is done with them, or all kinds."""


def _ask_for(rng: random.Random, story: Story) -> str:
    """Ask for a story in words that it answers."""
    words = story.cast.slots() | {"theme": story.plot.theme, "title": story.title}
    return rng.choice(REQUESTS).format_map(words)


def _instruction(rng: random.Random, prompt: str, answer: str, kind: str) -> Case:
    """Set an instruction as a chat, or now and then as raw text with the answer on the next line."""
    if rng.random() < RAW_INSTRUCTION_CHANCE:
        return Case(prompt=prompt, answer=answer, joint="\n", chat=False, kind=kind)
    return Case(prompt=prompt, answer=answer, chat=True, kind=kind)


def _cut(story: Story, start: int, end: int) -> tuple[str, str, str]:
    """Cut the story before sentence `start` and before sentence `end`, both inner; spaces go with what follows."""
    pieces = (story.sentences[:start], story.sentences[start:end], story.sentences[end:])
    prefix, hole, suffix = (" ".join(piece) for piece in pieces)
    return prefix, f" {hole}", f" {suffix}"


def _questions(story: Story) -> list[tuple[str, str]]:
    """Ask what the text answers: a fact of the cast that a telling leaves out is not asked for."""
    cast, words = story.cast, story.cast.slots()
    asked = [("Who is the story about?", "The story is about {a_kind} named {Hero}.")]
    if cast.friend is not None:
        asked.append(("Who is the friend in the story?", "The friend is {Friend}."))
    if cast.place.name in story.text:
        asked.append(("Where does the story happen?", "It happens {at_place}."))
    if cast.object in story.text and cast.adjective in COLORS:
        asked.append(("What color is the {noun}?", "The {noun} is {adj}."))
    if cast.object in story.text:
        asked.append(("What thing is the story about?", "It is about {an_obj}."))
    return [(question.format_map(words), answer.format_map(words)) for question, answer in asked]
