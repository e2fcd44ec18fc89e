"""Documents for training: stories, and the small jobs that can be done with a story whose truth is known."""

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from gesso.worlds.lexicon import BOYS, COLORS, GIRLS
from gesso.worlds.stories import WHOLE_WORLD, Split, Story, World, is_held_out, write_story

MAX_PROMPT_WORDS = 40
TWO_PART_CHANCE = 0.1
RAW_INSTRUCTION_CHANCE = 0.15

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
class Document:
    """One training document.

    Attributes:
        prompt: what is given: the user's turn if `chat`, otherwise the beginning of the text (it may be empty).
        response: what is to be written, with its leading space or line break where it continues raw text.
        chat: whether prompt and response are turns of a conversation.
        kind: a key of `KINDS`.
    """

    prompt: str
    response: str
    chat: bool
    kind: str


def write_document(rng: random.Random, split: Split = "train", world: World = WHOLE_WORLD) -> Document:
    """Write a fresh document of a kind drawn by the weights of `KINDS`."""
    kind = rng.choices(list(KINDS), weights=[weight for weight, _ in KINDS.values()])[0]
    return KINDS[kind][1](rng, split, world)


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


def _story(rng: random.Random, split: Split, world: World) -> Document:
    story = write_story(rng, parts=2 if rng.random() < TWO_PART_CHANCE else 1, split=split, world=world)
    return Document(prompt="", response=story.text, chat=False, kind="story")


def _continuation(rng: random.Random, split: Split, world: World) -> Document:
    story = write_story(rng, split=split, world=world)
    prompt = " ".join(story.text.split(" ")[: rng.randint(1, MAX_PROMPT_WORDS)])
    return Document(prompt=prompt, response=story.text[len(prompt) :], chat=False, kind="continuation")


def _request(rng: random.Random, split: Split, world: World) -> Document:
    story = write_story(rng, split=split, world=world)
    words = story.cast.slots() | {"theme": story.plot.theme, "title": story.title}
    return _instruction(rng, rng.choice(REQUESTS).format_map(words), story.text, "request")


def _infill(rng: random.Random, split: Split, world: World) -> Document:
    story = write_story(rng, split=split, world=world)
    count = rng.choice((1, 1, 2))
    index = rng.randrange(1, len(story.sentences) - count)
    prefix, hole, suffix = _cut(story, index, index + count)
    instruction = "Fill in the missing sentence:" if count == 1 else "Fill in the missing sentences:"
    return _instruction(rng, f"{instruction}\n{prefix} ___{suffix}", hole.strip(), "infill")


def _continue(rng: random.Random, split: Split, world: World) -> Document:
    story = write_story(rng, split=split, world=world)
    cut = rng.randint(1, len(story.sentences) // 2)
    prompt = f"{rng.choice(CONTINUE_REQUESTS)}\n{' '.join(story.sentences[:cut])}"
    return Document(prompt=prompt, response=" ".join(story.sentences[cut:]), chat=True, kind="continue")


def _question(rng: random.Random, split: Split, world: World) -> Document:
    story = write_story(rng, split=split, world=world)
    question, answer = rng.choice(_questions(story))
    return Document(prompt=f"{story.text}\n{question}", response=answer, chat=True, kind="question")


def _rename(rng: random.Random, split: Split, world: World) -> Document:
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
    return Document(prompt=prompt, response=re.sub(rf"\b{old}\b", new, passage), chat=True, kind="rename")


KINDS: Mapping[str, tuple[float, Callable[[random.Random, Split, World], Document]]] = {
    "story": (0.40, _story),
    "continuation": (0.20, _continuation),
    "request": (0.20, _request),
    "infill": (0.08, _infill),
    "continue": (0.04, _continue),
    "question": (0.04, _question),
    "rename": (0.04, _rename),
}
"""The kinds of documents: their weight in the mixture, and what writes them."""


def _instruction(rng: random.Random, prompt: str, response: str, kind: str) -> Document:
    """Set an instruction as a chat, or now and then as raw text with the answer on the next line."""
    if rng.random() < RAW_INSTRUCTION_CHANCE:
        return Document(prompt=prompt, response=f"\n{response}", chat=False, kind=kind)
    return Document(prompt=prompt, response=response, chat=True, kind=kind)


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
