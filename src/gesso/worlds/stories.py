"""Write a short story whose truth is known.

The same `random.Random` state gives the same story. About one in twenty combinations of hero, thing and plot is held
out: its words and its plot all occur in training, but never together.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from gesso.errors import SettingError
from gesso.worlds.beats import CLOSING, EVENING, NEXT_DAY, OPENING, Beat, Plot, split_sentences
from gesso.worlds.cast import Cast
from gesso.worlds.lexicon import (
    ANIMALS,
    CHARACTERS,
    CHILDREN,
    ELDERS,
    LIKES,
    PLACES,
    THINGS,
    TRAITS,
    WEATHERS,
    Character,
    Place,
    Thing,
)
from gesso.worlds.plots import PLOTS
from gesso.worlds.splits import Split, belongs, check_split

OPTIONAL_CHANCE = 0.5
MAX_WORDS = 192
MAX_TRIES = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One plot with its cast: the truth of a story, or of one part of it."""

    plot: Plot
    cast: Cast


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """A story and its truth. The facts below are those of the first part; `parts` has all."""

    text: str
    sentences: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    def plot(self) -> Plot:
        """The plot of the first part."""
        return self.parts[0].plot

    @property
    def cast(self) -> Cast:
        """The cast of the first part."""
        return self.parts[0].cast

    @property
    def hero(self) -> Character:
        """The one hero of all parts."""
        return self.cast.hero

    @property
    def friend(self) -> Character | None:
        """The friend, where the first part has one."""
        return self.cast.friend

    @property
    def object(self) -> str:
        """The thing of the first part with its adjective: "red kite"."""
        return self.cast.object

    @property
    def place(self) -> Place:
        """The place of the first part."""
        return self.cast.place

    @property
    def title(self) -> str:
        """A title such as "Mia and the Red Kite"."""
        return f"{self.hero.name} and the {self.object.title()}"


def is_held_out(hero: Character, thing: Thing, plot: Plot) -> bool:
    """Whether this combination is kept from training."""
    return belongs("held_out", hero.name, thing.noun, plot.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """How much of the world is told: a small model learns a small world sooner.

    Attributes:
        plots: the plots that occur.
        phrasings: how many of the ways to tell each beat are used, from the first; None for all. Openings and closings
            are always told in all ways.
    """

    plots: tuple[Plot, ...] = tuple(PLOTS)
    phrasings: int | None = None

    def __post_init__(self) -> None:
        if not self.plots or (self.phrasings is not None and self.phrasings < 1):
            raise SettingError(
                f"a world of {len(self.plots)} plots told in {self.phrasings} ways tells nothing; use 1 or more"
            )


WHOLE_WORLD = World()


def write_story(rng: random.Random, *, parts: int = 1, split: Split = "train", world: World = WHOLE_WORLD) -> Story:
    """Write a fresh story.

    Args:
        rng: the source of every choice; its state advances.
        parts: how many plots to chain with the same hero and friend. One part has about 175 words.
        split: "train" for combinations that training may see, "held_out" for the others.
        world: what may happen, and in how many words it may be told.

    Raises:
        SettingError: `parts` is not 1 or 2, there is no such split, or the world is too small for such a story.
    """
    check_split(split)
    if parts not in (1, 2):
        raise SettingError(f"a story has 1 or 2 parts, not {parts!r}")
    for _ in range(MAX_TRIES):
        chosen = _cast(rng, parts, world)
        if not all(belongs(split, part.cast.hero.name, part.cast.thing.noun, part.plot.name) for part in chosen):
            continue
        told = [_tell(rng, part, world, is_first=part is chosen[0], is_last=part is chosen[-1]) for part in chosen]
        # A telling that came out too long for a canvas is given up with its cast: some casts have no shorter one.
        if all(len(text.split()) <= MAX_WORDS for text in told):
            text = " ".join(told)
            return Story(text=text, sentences=split_sentences(text), parts=tuple(chosen))
    raise SettingError(
        f"this world of {len(world.plots)} plots has no {split} story that fits a canvas; give it more plots"
    )


@cache
def things_for(plot: Plot) -> Sequence[Thing]:
    """List the things that suit a plot."""
    return tuple(thing for thing in THINGS if plot.things in thing.tags)


@cache
def places_for(plot: Plot) -> Sequence[Place]:
    """List the places that suit a plot."""
    return tuple(place for place in PLACES if plot.places in place.tags)


def _cast(rng: random.Random, parts: int, world: World) -> list[Part]:
    """Draw plots that may follow each other, and who and what is in them."""
    hero = rng.choice(CHARACTERS)
    friend = rng.choice([other for other in (ANIMALS if hero.is_animal else CHILDREN) if other is not hero])
    elder, trait, likes = rng.choice(ELDERS), rng.choice(TRAITS), rng.choice(LIKES)
    chosen: list[Part] = []
    for _ in range(parts):
        plots = [plot for plot in world.plots if not chosen or _may_follow(chosen[-1].plot, plot)]
        if not plots:
            raise SettingError(f"no plot of this world may follow {chosen[-1].plot.name}; give it more plots")
        plot = rng.choice(plots)
        thing = rng.choice(
            [thing for thing in things_for(plot) if all(thing is not part.cast.thing for part in chosen)]
        )
        cast = Cast(
            hero=hero,
            friend=friend if plot.has_friend else None,
            thing=thing,
            adjective=rng.choice(thing.adjectives),
            place=rng.choice(places_for(plot)),
            weather=rng.choice([weather for weather in WEATHERS if weather.tag == plot.weather]),
            elder=elder,
            trait=trait,
            likes=likes,
        )
        chosen.append(Part(plot=plot, cast=cast))
    return chosen


def _may_follow(first: Plot, second: Plot) -> bool:
    # Nobody meets an old friend for the first time, and no summer day follows a day of snow.
    seasons = {first.weather, second.weather} - {"night"}
    return first is not second and not second.starts_friendship and ("snow" not in seasons or len(seasons) == 1)


def _tell(rng: random.Random, part: Part, world: World, *, is_first: bool, is_last: bool) -> str:
    """Tell one part."""
    day = "One" if is_first else "That"
    slots = part.cast.slots() | {"One": day, "one": day.lower()}
    beats = (OPENING if is_first else NEXT_DAY, *part.plot.beats, CLOSING if is_last else EVENING)
    told = [beat for beat in beats if not beat.optional or rng.random() < OPTIONAL_CHANCE]
    return " ".join(rng.choice(_ways(beat, part.plot, world)).format_map(slots) for beat in told)


def _ways(beat: Beat, plot: Plot, world: World) -> Sequence[str]:
    return beat.phrasings[: world.phrasings] if beat in plot.beats else beat.phrasings
