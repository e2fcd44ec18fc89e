"""What a model may see in training, and what is held out to ask it about.

One in twenty combinations of words is held out, chosen by a hash: each word of it occurs in training, the combination
never. So the same answer holds in every run, on every machine, and for combinations that nobody has listed.
"""

import zlib
from typing import Literal, get_args

from gesso.errors import SettingError

Split = Literal["train", "held_out"]
HELD_OUT_ONE_IN = 20


def belongs(split: Split, *words: str) -> bool:
    """Whether a combination of words is of this split; each combination is of exactly one.

    Raises:
        SettingError: there is no such split.
    """
    check_split(split)
    is_held_out = zlib.crc32("|".join(words).encode()) % HELD_OUT_ONE_IN == 0
    return is_held_out == (split == "held_out")


def check_split(split: str) -> None:
    """Refuse what is not a split.

    Raises:
        SettingError: there is no such split.
    """
    if split not in get_args(Split):
        raise SettingError(f"no split is called {split!r}: use train or held_out")
