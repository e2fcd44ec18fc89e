"""A cast: the facts of one story, and the words that each slot of a phrasing takes from them."""

from dataclasses import dataclass

from gesso.worlds.lexicon import Character, Place, Thing, Weather

PRONOUNS = {
    "he": {"he": "he", "him": "him", "his": "his", "himself": "himself"},
    "she": {"he": "she", "him": "her", "his": "her", "himself": "herself"},
}


def with_article(phrase: str) -> str:
    """Put "a" or "an" before a phrase; in this world the first letter decides."""
    return f"an {phrase}" if phrase[0] in "aeiou" else f"a {phrase}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cast:
    """What is true in one story: exactly one of each. `friend` is None where the plot needs no friend."""

    hero: Character
    friend: Character | None
    thing: Thing
    adjective: str
    place: Place
    weather: Weather
    elder: str
    trait: str
    likes: str

    @property
    def object(self) -> str:
        """The thing with its adjective: "red kite"."""
        return f"{self.adjective} {self.thing.noun}"

    def slots(self) -> dict[str, str]:
        """Give the words for every slot; without a friend there are no words for the friend's slots."""
        pronouns = PRONOUNS[self.hero.pronouns]
        words = {
            "Hero": self.hero.name,
            "kind": self.hero.kind,
            "a_kind": with_article(self.hero.kind),
            "adj": self.adjective,
            "obj": self.object,
            "hand": "paw" if self.hero.is_animal else "hand",
            "an_obj": with_article(self.object),
            "An_obj": with_article(self.object).capitalize(),
            "noun": self.thing.noun,
            "place": self.place.name,
            "at_place": self.place.at,
            "to_place": self.place.to,
            "weather": self.weather.adjective,
            "Sky": self.weather.sky,
            "Elder": self.elder,
            "trait": self.trait,
            "likes": self.likes,
            **pronouns,
            "He": pronouns["he"].capitalize(),
            "His": pronouns["his"].capitalize(),
        }
        if self.friend is not None:
            theirs = PRONOUNS[self.friend.pronouns]
            words |= {
                "Friend": self.friend.name,
                "a_fkind": with_article(self.friend.kind),
                "fhe": theirs["he"],
                "Fhe": theirs["he"].capitalize(),
                "fhim": theirs["him"],
                "fhis": theirs["his"],
            }
        return words
