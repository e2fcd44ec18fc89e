"""A sentence or two, and the JSON record of what they say."""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gesso.worlds.cases import Case, is_exact
from gesso.worlds.cast import PRONOUNS, with_article
from gesso.worlds.lexicon import CHILDREN, COLORS, ELDERS, PLACES, THINGS
from gesso.worlds.splits import Split, belongs

Facts = Mapping[str, str | int]
"""Fields and their values, as the record has them."""

Words = Mapping[str, str]
"""Slots of a telling and the words that fill them."""


def _list(words: str) -> tuple[str, ...]:
    return tuple(words.split())


INSTRUCTIONS = (
    "Write a record with {fields}:",
    "Fill in a record with {fields}:",
    "Read this and give {fields} as JSON:",
)
NUMBERS = _list("zero one two three four five six seven eight nine ten eleven twelve")
SPELLED_CHANCE = 0.7

DAYS = _list("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
PETS = _list("cat dog rabbit hamster mouse pony duck")
PET_NAMES = _list("Coco Buddy Snowy Pepper Misty Lucky Ginger Sunny Dusty Fluffy")
FUR_COLORS = _list("brown white black golden orange")
ITEMS = _list("apples pears cookies shells stones feathers flowers buttons marbles coins books eggs")


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """A kind of record.

    Attributes:
        draw: draws the facts, all fields of a full record, and the further words that its tellings need.
        tellings: ways to say all the facts; a fact's slot has the name of its field.
        held_out: the fields whose values are held out together.
    """

    draw: Callable[[random.Random], tuple[Facts, Words]]
    tellings: tuple[str, ...]
    held_out: tuple[str, str]


def write_case(rng: random.Random, split: Split = "train") -> Case:
    """Ask for some fields of a record in the order in which the prompt names them.

    Raises:
        SettingError: there is no such split.
    """
    shape = rng.choice(SHAPES)
    while True:
        facts, words = shape.draw(rng)
        if belongs(split, *(f"{field} {facts[field]}" for field in shape.held_out)):
            break
    fields = rng.sample(list(facts), rng.randint(2, len(facts)))
    spelled = rng.random() < SPELLED_CHANCE
    said = {
        field: NUMBERS[value] if isinstance(value, int) and spelled else str(value) for field, value in facts.items()
    }
    telling = rng.choice(shape.tellings).format_map(said | dict(words))
    named = f"{', '.join(fields[:-1])} and {fields[-1]}"
    return Case(
        prompt=f"{rng.choice(INSTRUCTIONS).format(fields=named)}\n{telling[0].upper()}{telling[1:]}",
        answer=json.dumps({field: facts[field] for field in fields}),
        kind="record",
        chat=True,
    )


def is_right(case: Case, text: str) -> bool:
    """Whether a text is the record: its fields in the order that was asked for, its values, and its spacing."""
    return is_exact(case, text)


def _belonging(rng: random.Random) -> tuple[Facts, Words]:
    child = rng.choice(CHILDREN)
    thing = rng.choice([thing for thing in THINGS if set(thing.adjectives) & set(COLORS)])
    color = rng.choice([adjective for adjective in thing.adjectives if adjective in COLORS])
    facts: Facts = {"name": child.name, "age": rng.randint(2, 12), "thing": thing.noun, "color": color}
    pronouns = PRONOUNS[child.pronouns]
    return facts, {
        "a_thing": with_article(f"{color} {thing.noun}"),
        "he": pronouns["he"],
        "He": pronouns["he"].capitalize(),
        "his": pronouns["his"],
    }


def _pet(rng: random.Random) -> tuple[Facts, Words]:
    color, animal = rng.choice(FUR_COLORS), rng.choice(PETS)
    facts: Facts = {"owner": rng.choice(CHILDREN).name, "pet": rng.choice(PET_NAMES), "animal": animal, "color": color}
    return facts, {"an_animal": with_article(f"{color} {animal}")}


def _find(rng: random.Random) -> tuple[Facts, Words]:
    place = rng.choice(PLACES)
    facts: Facts = {
        "name": rng.choice(CHILDREN).name,
        "count": rng.randint(2, 12),
        "item": rng.choice(ITEMS),
        "place": place.name.removeprefix("the "),
    }
    return facts, {"at_place": place.at}


def _trip(rng: random.Random) -> tuple[Facts, Words]:
    place = rng.choice(PLACES)
    facts: Facts = {
        "name": rng.choice(CHILDREN).name,
        "day": rng.choice(DAYS),
        "place": place.name.removeprefix("the "),
        "with": rng.choice(ELDERS),
    }
    return facts, {"to_place": place.to}


def _meeting(rng: random.Random) -> tuple[Facts, Words]:
    place = rng.choice(PLACES)
    host, guest = rng.sample(CHILDREN, 2)
    facts: Facts = {
        "host": host.name,
        "guest": guest.name,
        "place": place.name.removeprefix("the "),
        "hour": rng.randint(1, 12),
    }
    return facts, {"at_place": place.at}


SHAPES = (
    Shape(
        draw=_belonging,
        tellings=(
            "{name} is {age} years old and has {a_thing}.",
            "{name} has {a_thing}. {He} is {age} years old.",
            "The {color} {thing} belongs to {name}, who is {age} years old.",
            "When {name} was {age} years old, {he} loved {his} {color} {thing}.",
        ),
        held_out=("name", "thing"),
    ),
    Shape(
        draw=_pet,
        tellings=(
            "{owner} has {an_animal} named {pet}.",
            "{pet} is {an_animal}. It lives with {owner}.",
            "The {color} {animal} is called {pet}. {owner} takes care of it.",
        ),
        held_out=("owner", "pet"),
    ),
    Shape(
        draw=_find,
        tellings=(
            "{name} found {count} {item} {at_place}.",
            "There were {count} {item} {at_place}. {name} took them home.",
            "{at_place}, {name} counted {count} {item}.",
        ),
        held_out=("name", "item"),
    ),
    Shape(
        draw=_trip,
        tellings=(
            "On {day}, {name} went {to_place} with {with}.",
            "{with} took {name} {to_place} on {day}.",
            "{name} and {with} will go {to_place} on {day}.",
        ),
        held_out=("name", "day"),
    ),
    Shape(
        draw=_meeting,
        tellings=(
            "{host} will wait for {guest} {at_place} at {hour} o'clock.",
            "At {hour} o'clock, {guest} comes to see {host} {at_place}.",
            "{guest} is the guest of {host}. They will meet {at_place} at {hour} o'clock.",
        ),
        held_out=("host", "guest"),
    ),
)
