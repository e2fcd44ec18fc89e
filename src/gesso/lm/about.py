"""What a model's makers say of it, for whoever meets it in a chat or on a page."""

from dataclasses import dataclass, fields
from pathlib import Path

from gesso.checkpoint.generation_config import OWN_FILE
from gesso.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """The object "about" of a model's gesso.json. It changes nothing of what the model writes.

    Attributes:
        description: What it can do, in a few words.
        examples: Messages that it answers well.
        single_turn: It knows single questions only, and what was said before confuses it: a chat asks each question by
            itself unless told otherwise.
    """

    description: str = ""
    examples: tuple[str, ...] = ()
    single_turn: bool = False

    @classmethod
    def from_json(cls, value: object, folder: Path) -> "About":
        """Read the object; None is a model of which nothing is said.

        Raises:
            ConfigError: It is of another form.
        """
        if value is None:
            return cls()
        names = [field.name for field in fields(cls)]
        place = f"{folder / OWN_FILE}: about"
        if not isinstance(value, dict) or (foreign := sorted(value.keys() - set(names))):
            got = repr(value) if not isinstance(value, dict) else repr(foreign[0])
            raise ConfigError(f"{place} holds {got}; it is an object of {', '.join(names)}")
        examples = value.get("examples", [])
        if not isinstance(value.get("description", ""), str):
            raise ConfigError(f"{place}.description is {value['description']!r}; give a text")
        if not isinstance(examples, list) or not all(isinstance(one, str) for one in examples):
            raise ConfigError(f"{place}.examples is {examples!r}; give a list of texts")
        if not isinstance(value.get("single_turn", False), bool):
            raise ConfigError(f"{place}.single_turn is {value['single_turn']!r}; give true or false")
        return cls(**(value | {"examples": tuple(examples)}))
