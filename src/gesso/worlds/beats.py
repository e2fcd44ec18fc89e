"""The form of a plot, and the beats that all plots share.

A phrasing is one or more whole sentences with slots in braces; `Cast.slots` lists them, and a slot whose name begins
with a capital gives a word that does. Speech is followed by a lower-case verb ("Oh!" said Mia.) or ends its sentence,
so that `split_sentences` can tell sentences apart again, in a phrasing as in a story.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Beat:
    """One moment of a plot, in any of its phrasings. An optional beat may be left out. Compared by identity."""

    phrasings: tuple[str, ...]
    optional: bool = False


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Plot:
    """What happens, from the first sentence to the last. Compared by identity.

    Attributes:
        name: the plot's short name.
        theme: what a reader would ask for: "a story about {theme}".
        things: tag of the things that suit it.
        places: tag of the places that suit it.
        weather: tag of the weather that suits it.
        beats: the moments between the shared opening and the shared closing.
        starts_friendship: whether the friend is a stranger at first, so that no earlier part may know the friend.
        has_friend: whether any phrasing mentions the friend.
    """

    name: str
    theme: str
    things: str
    places: str
    beats: tuple[Beat, ...]
    weather: str = "fair"
    starts_friendship: bool = False

    @property
    def has_friend(self) -> bool:
        """Whether the plot needs a friend."""
        return any("{Friend}" in phrasing for beat in self.beats for phrasing in beat.phrasings)


def beat(*phrasings: str) -> Beat:
    """Make a beat that every telling has."""
    return Beat(phrasings=phrasings)


def maybe(*phrasings: str) -> Beat:
    """Make a beat that about half of the tellings have."""
    return Beat(phrasings=phrasings, optional=True)


OPENING = beat(
    "Once upon a time, there was a little {kind} named {Hero}.",
    "Once upon a time, {a_kind} named {Hero} lived in a small house with {Elder}.",
    "There once was a {trait} little {kind} named {Hero}.",
    "{Hero} was a {trait} little {kind} who loved {likes}.",
    "The little {kind} was called {Hero}, and {he} loved {likes}.",
    "This is a story about {a_kind} named {Hero}.",
    "One day, {a_kind} named {Hero} had a little adventure. It began like this.",
)
NEXT_DAY = beat(
    "The next day, {Hero} woke up early.",
    "The next day, {Hero} was ready for something new.",
    "The next day, {Hero} jumped out of bed with a smile.",
)
EVENING = beat(
    "{Hero} went to bed with a happy heart.",
    "That night, {Hero} fell asleep with a smile.",
)
CLOSING = beat(
    *EVENING.phrasings,
    "And so the little {kind} was happy.",
    "{Hero} was a very happy {kind}.",
    "And {Hero} never forgot it.",
    "That is how the story of {Hero} and the {obj} ends.",
)

_BOUNDARY = re.compile(r'[.!?]"? (?=["{]*[A-Z])')


def split_sentences(text: str) -> tuple[str, ...]:
    """Split text into sentences; speech of several sentences stays in one piece.

    Where quotation marks do not pair up, speech cannot be told from telling, and every end of a sentence splits.
    """
    paired = text.count('"') % 2 == 0
    sentences, start, quotes, seen = [], 0, 0, 0
    for boundary in _BOUNDARY.finditer(text):
        quotes += text.count('"', seen, boundary.end())
        seen = boundary.end()
        if quotes % 2 == 0 or not paired:
            sentences.append(text[start : boundary.end() - 1])
            start = boundary.end()
    sentences.append(text[start:].rstrip())
    return tuple(sentence for sentence in sentences if sentence)
