"""The words of the story world: who may appear, what they may hold, where they may go, and under which sky.

Every entry carries what the checker needs to know about it: the pronouns of a character, the fitting adjectives of a
thing, the prepositions of a place. A tag says which plots an entry suits.
"""

from dataclasses import dataclass
from typing import Literal

Pronouns = Literal["he", "she"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Character:
    """A named character. The name alone decides `kind` and `pronouns`."""

    name: str
    kind: str
    pronouns: Pronouns

    @property
    def is_animal(self) -> bool:
        """Whether this is an animal and not a child."""
        return self.kind not in ("girl", "boy")


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    """A noun with the adjectives it may take and the tags of the plots it suits."""

    noun: str
    adjectives: tuple[str, ...]
    tags: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A place as it is named ("the park"), stood in ("at the park") and gone to ("to the park")."""

    name: str
    at: str
    tags: frozenset[str]

    @property
    def to(self) -> str:
        """The place as a goal of a walk."""
        return f"to {self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Weather:
    """A kind of day or night, with the sentence that paints its sky."""

    adjective: str
    sky: str
    tag: str


def _characters(kind: str, pronouns: Pronouns, names: str) -> tuple[Character, ...]:
    return tuple(Character(name=name, kind=kind, pronouns=pronouns) for name in names.split())


GIRLS = _characters(
    "girl",
    "she",
    "Mia Lily Anna Emma Lucy Sara Nora Ella Amy Zoe Ruby Ivy Maya Rosie Clara Molly Kate Nina Daisy Eva Jane Lena "
    "Sophie Wendy",
)
BOYS = _characters(
    "boy",
    "he",
    "Tom Ben Sam Max Leo Jack Tim Noah Finn Oscar Theo Eli Adam Peter Luke Henry Owen Jake Milo Danny Hugo Will Toby "
    "Ravi",
)
ANIMALS = (
    Character(name="Rusty", kind="fox", pronouns="he"),
    Character(name="Clover", kind="rabbit", pronouns="she"),
    Character(name="Bruno", kind="bear", pronouns="he"),
    Character(name="Hazel", kind="squirrel", pronouns="she"),
    Character(name="Pip", kind="mouse", pronouns="he"),
    Character(name="Olive", kind="otter", pronouns="she"),
    Character(name="Spike", kind="hedgehog", pronouns="he"),
    Character(name="Bella", kind="cat", pronouns="she"),
    Character(name="Biscuit", kind="dog", pronouns="he"),
    Character(name="Willow", kind="panda", pronouns="she"),
    Character(name="Barney", kind="beaver", pronouns="he"),
    Character(name="Poppy", kind="hamster", pronouns="she"),
    Character(name="Digby", kind="badger", pronouns="he"),
    Character(name="Luna", kind="raccoon", pronouns="she"),
    Character(name="Rory", kind="lion", pronouns="he"),
    Character(name="Tilly", kind="tiger", pronouns="she"),
)
CHILDREN = GIRLS + BOYS
CHARACTERS = CHILDREN + ANIMALS
CHARACTER_OF = {character.name: character for character in CHARACTERS}

ELDERS = ("Mom", "Dad", "Grandma", "Grandpa")
TRAITS = ("kind", "cheerful", "curious", "gentle", "clever", "happy")
LIKES = (
    "to play outside",
    "to sing songs",
    "to run and jump",
    "to look at the clouds",
    "to make new friends",
    "to help at home",
    "to hear stories",
    "to laugh",
)

COLORS = ("red", "blue", "green", "yellow", "pink", "purple", "orange", "white", "brown", "golden", "silver")


def _thing(noun: str, adjectives: str, tags: str) -> Thing:
    return Thing(noun=noun, adjectives=tuple(adjectives.split()), tags=frozenset(tags.split()))


THINGS = (
    _thing("kite", "red blue green yellow purple orange", "toy flies breaks gift"),
    _thing("balloon", "red blue green yellow pink orange", "flies"),
    _thing("ball", "red blue green yellow orange purple", "toy rolls gift"),
    _thing("doll", "pink blue yellow purple white", "toy cuddly breaks"),
    _thing("teddy bear", "brown white golden yellow", "toy cuddly"),
    _thing("toy rabbit", "white brown pink blue", "toy cuddly"),
    _thing("drum", "red blue golden green orange", "toy music breaks gift"),
    _thing("flute", "silver golden brown white", "music gift"),
    _thing("toy truck", "red blue green yellow orange", "toy rolls breaks gift"),
    _thing("toy train", "red blue green yellow silver", "toy breaks gift"),
    _thing("robot", "silver blue green red", "toy breaks gift"),
    _thing("puppet", "red green yellow purple", "toy cuddly breaks gift"),
    _thing("toy boat", "red blue white yellow green", "toy floats breaks"),
    _thing("toy duck", "yellow orange blue white", "toy floats"),
    _thing("toy whale", "blue white silver", "toy floats"),
    _thing("bike", "red blue green yellow silver", "ride"),
    _thing("scooter", "red blue green pink silver", "ride"),
    _thing("tricycle", "red blue green yellow orange", "ride"),
    _thing("wagon", "red blue green yellow brown", "gift"),
    _thing("sled", "red blue green brown", "snow"),
    _thing("hat", "red blue green yellow purple brown", "wear gift"),
    _thing("scarf", "red blue green yellow orange white", "wear gift"),
    _thing("cape", "red blue green purple", "wear"),
    _thing("cap", "red blue green yellow orange", "wear"),
    _thing("blanket", "blue pink yellow white green", "warm cuddly"),
    _thing("coat", "red blue green yellow brown", "warm"),
    _thing("quilt", "blue pink purple white", "warm"),
    _thing("umbrella", "red blue yellow purple orange", "rain"),
    _thing("basket", "brown yellow white green", "holds carry"),
    _thing("bucket", "red blue green yellow", "holds sand bowl"),
    _thing("bowl", "white blue green yellow", "bowl"),
    _thing("cup", "white red silver golden", "bowl"),
    _thing("bag", "red blue green orange purple", "holds carry"),
    _thing("box", "brown blue red green", "holds carry"),
    _thing("lantern", "red golden silver orange", "light"),
    _thing("flashlight", "red blue yellow silver", "light"),
    _thing("lamp", "yellow blue white golden", "light"),
    _thing("shovel", "red blue green yellow", "sand"),
    _thing("bell", "golden silver red", "shiny gift"),
    _thing("trumpet", "golden silver red", "music gift"),
    _thing("guitar", "brown red blue white", "music gift"),
    _thing("shell", "white pink golden orange", "shiny small"),
    _thing("stone", "white blue green silver", "shiny small"),
    _thing("feather", "white blue golden brown", "small"),
    _thing("coin", "golden silver", "shiny small lostthing"),
    _thing("medal", "golden silver", "shiny lostthing"),
    _thing("bracelet", "golden silver blue red", "shiny lostthing"),
    _thing("key", "golden silver", "shiny lostthing"),
    _thing("ring", "golden silver blue", "shiny lostthing"),
    _thing("button", "red blue green golden", "small"),
    _thing("marble", "red blue green purple", "shiny small rolls"),
    _thing("book", "red blue green yellow", "book gift"),
    _thing("storybook", "red blue purple golden", "book gift"),
    _thing("picture book", "green yellow blue white", "book"),
    _thing("apple", "red green yellow golden", "food fruit"),
    _thing("pear", "green yellow golden", "food fruit"),
    _thing("orange", "big sweet round", "food fruit"),
    _thing("cake", "pink yellow white brown", "baked crumbs"),
    _thing("pie", "golden big sweet warm", "baked food crumbs"),
    _thing("apple pie", "golden big sweet warm", "baked crumbs"),
    _thing("honey cake", "golden big sweet brown", "baked crumbs"),
    _thing("cookie", "big round sweet golden", "food crumbs"),
    _thing("muffin", "big sweet warm golden", "baked food crumbs"),
    _thing("sandwich", "big tasty round", "food crumbs"),
    _thing("flower", "red yellow pink white blue purple", "plant"),
    _thing("tulip", "red yellow pink purple", "plant"),
    _thing("sunflower", "golden yellow orange", "plant"),
    _thing("rose", "red pink white yellow", "plant"),
)


def _place(at: str, tags: str) -> Place:
    return Place(name=at.split(" ", 1)[1], at=at, tags=frozenset(tags.split()))


PLACES = (
    _place("at the park", "outdoors flat trees snow"),
    _place("in the garden", "outdoors soil trees snow"),
    _place("in the yard", "outdoors soil snow"),
    _place("in the meadow", "outdoors flat wild"),
    _place("in the field", "outdoors flat snow"),
    _place("in the forest", "outdoors trees wild dark"),
    _place("in the woods", "outdoors trees wild dark"),
    _place("on the hill", "outdoors trees wild snow high"),
    _place("in the orchard", "outdoors trees soil"),
    _place("on the farm", "outdoors soil trees"),
    _place("at the playground", "outdoors flat"),
    _place("at the beach", "outdoors water swim sandy"),
    _place("by the lake", "outdoors water swim wild sandy trees"),
    _place("by the river", "outdoors water swim stream wild sandy trees"),
    _place("by the pond", "outdoors water swim trees"),
    _place("by the stream", "outdoors water stream wild"),
    _place("in the valley", "outdoors wild flat"),
    _place("at the market", "town"),
    _place("at the fair", "town"),
    _place("in the village", "town"),
    _place("at the old shop", "town"),
    _place("on the mountain", "wild snow high"),
    _place("at the lighthouse", "high"),
    _place("in the kitchen", "home cook"),
    _place("at the bakery", "town cook"),
    _place("in the attic", "dark"),
    _place("in the cellar", "dark"),
    _place("in the living room", "home"),
    _place("in the hall", "home"),
    _place("in the playroom", "home"),
    _place("in the barn", "dark"),
)
PLACE_OF = {place.name: place for place in PLACES}


def _weather(adjective: str, tag: str, sky: str) -> Weather:
    return Weather(adjective=adjective, sky=sky, tag=tag)


WEATHERS = (
    _weather("sunny", "fair", "The sun was high in the sky."),
    _weather("warm", "fair", "The air was soft and warm."),
    _weather("bright", "fair", "The whole world seemed to shine."),
    _weather("windy", "fair", "The wind danced in the trees."),
    _weather("cloudy", "fair", "Big white clouds sailed by."),
    _weather("quiet", "fair", "Only the birds were singing."),
    _weather("rainy", "rain", "Rain fell from the gray sky."),
    _weather("stormy", "rain", "Dark clouds filled the sky."),
    _weather("snowy", "snow", "Soft white flakes fell from the sky."),
    _weather("frosty", "snow", "The snow sparkled like sugar."),
    _weather("starry", "night", "A thousand stars were shining."),
    _weather("clear", "night", "The moon was round and bright."),
    _weather("calm", "night", "Not a leaf moved in the trees."),
)
