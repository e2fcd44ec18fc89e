"""What `/set` can set of an answer, and how its words are read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gesso.cli.schema import read_schema
from gesso.engine.request import check_mode
from gesso.errors import GessoError, SettingError

OWN, NONE = "the model's own", "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatSetting:
    """A keyword of `LanguageModel.start`, which tells what it means.

    Attributes:
        read: Reads its words; raises ValueError.
        form: What its words should be.
        unset: What holds where it is not set.
    """

    read: Callable[[str], Any]
    form: str = "a text"
    unset: str = OWN

    def value(self, command: str, words: str) -> Any:
        """Read the words that follow a command.

        Raises:
            SettingError: They have another form.
        """
        try:
            return self.read(words)
        except GessoError:
            raise
        except ValueError as error:
            raise SettingError(f"{command} is followed by {words!r}; give {self.form}") from error

    def shown(self, value: object) -> str:
        """A value in words."""
        if value is None:
            return self.unset
        return str(value) if not isinstance(value, bool) else "on" if value else "off"


def _on_or_off(words: str) -> bool:
    if words not in ("on", "off"):
        raise ValueError(words)
    return words == "on"


def _texts(words: str) -> list[str]:
    return [word.strip() for word in words.split("|")]


_WHOLE = ChatSetting(read=int, form="a whole number or nothing")
_NUMBER = ChatSetting(read=float, form="a number or nothing")
_SHIFT = ChatSetting(read=float, form=_NUMBER.form, unset="0")
_FACTOR = ChatSetting(read=float, form=_NUMBER.form, unset="1")

HISTORY = ChatSetting(read=_on_or_off, form="on or off")

SETTINGS = {
    "max_new_tokens": _WHOLE,
    "steps": _WHOLE,
    "seed": ChatSetting(read=int, form=_WHOLE.form, unset="drawn"),
    "temperature": _NUMBER,
    "t_max": _NUMBER,
    "t_min": _NUMBER,
    "entropy_bound": _NUMBER,
    "reach": _WHOLE,
    "confidence": _NUMBER,
    "stability": _WHOLE,
    "sampler": ChatSetting(read=str),
    "mode": ChatSetting(read=check_mode),
    "patience": _WHOLE,
    "slide": _WHOLE,
    "top_k": ChatSetting(read=int, form=_WHOLE.form, unset="all"),
    "top_p": _FACTOR,
    "min_p": _SHIFT,
    "presence_penalty": _SHIFT,
    "frequency_penalty": _SHIFT,
    "repetition_penalty": _FACTOR,
    "thinking": ChatSetting(read=_on_or_off, form="on or off", unset="off"),
    "stop": ChatSetting(read=str, unset=NONE),
    "regex": ChatSetting(read=str, unset=NONE),
    "choice": ChatSetting(read=_texts, unset=NONE),
    "json_schema": ChatSetting(read=read_schema, unset=NONE),
}
"""All of them; texts of a choice stand apart by |, and a schema is a file or the schema itself."""
