"""What a text must be: the rules that a caller can give, and their way to an automaton over tokens."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from gesso.constrain import json_text
from gesso.constrain.automaton import build_automaton
from gesso.constrain.expression import Expression, Expressions
from gesso.constrain.json_schema import json_schema
from gesso.constrain.regex import parse_regex, shown
from gesso.constrain.token_automaton import TokenAutomaton, Vocabulary, build_token_automaton
from gesso.errors import SettingError


@runtime_checkable
class Rule(Protocol):
    """A set of valid texts."""

    @property
    def name(self) -> str:
        """What errors call the rule."""
        ...

    def expression(self, pool: Expressions) -> Expression:
        """The valid texts as a language over bytes.

        Raises:
            SettingError: the rule is malformed or uses what is not supported.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Regex:
    """The texts that match a regular expression from their first to their last character.

    Attributes:
        pattern: the expression; `regex.parse_regex` says what it may hold.
    """

    pattern: str

    @property
    def name(self) -> str:
        """What errors call the rule."""
        return f"the regular expression {shown(self.pattern)}"

    def expression(self, pool: Expressions) -> Expression:
        """The matching texts."""
        return parse_regex(self.pattern, pool)


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One of several texts.

    Attributes:
        texts: the texts, at least one.
    """

    texts: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.texts:
            raise SettingError("there is no text to choose; give at least one")

    @property
    def name(self) -> str:
        """What errors call the rule."""
        return f"the choice of {len(self.texts)} texts"

    def expression(self, pool: Expressions) -> Expression:
        """The texts."""
        try:
            return pool.choice(*(pool.literal(text.encode()) for text in self.texts))
        except UnicodeEncodeError as error:
            raise SettingError(f"the choice {error.object!r} holds half a surrogate pair; remove it") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class JsonSchema:
    """The JSON texts of the values that a schema allows.

    Attributes:
        schema: the schema, as `json.loads` gives it.
        max_depth: how often a definition may contain itself, and how deep a value is about which nothing is said.
    """

    schema: Mapping[str, Any] | bool
    max_depth: int = 3

    def __post_init__(self) -> None:
        _check_depth(self.max_depth)

    @property
    def name(self) -> str:
        """What errors call the rule."""
        return "the JSON schema"

    def expression(self, pool: Expressions) -> Expression:
        """The texts of valid values."""
        return json_schema(self.schema, pool, max_depth=self.max_depth)


@dataclass(frozen=True, kw_only=True, slots=True)
class JsonObject:
    """Any JSON object.

    Attributes:
        max_depth: levels of arrays and objects inside of it.
    """

    max_depth: int = 3

    def __post_init__(self) -> None:
        _check_depth(self.max_depth)

    @property
    def name(self) -> str:
        """What errors call the rule."""
        return "the JSON object"

    def expression(self, pool: Expressions) -> Expression:
        """The texts of objects."""
        return json_text.mapping(pool, json_text.anything(pool, self.max_depth))


def compile_rule(rule: Rule, vocabulary: Vocabulary) -> TokenAutomaton:
    """Turn a rule into an automaton over the tokens of a vocabulary. It depends on nothing else, so it can be kept.

    Raises:
        SettingError: the rule is malformed, uses what is not supported, allows no text, or is too large.
    """
    pool = Expressions()
    try:
        automaton = build_automaton(pool, rule.expression(pool), name=rule.name)
    except RecursionError as error:
        raise SettingError(f"{rule.name} is nested too deeply; give it fewer levels") from error
    return build_token_automaton(automaton, vocabulary, name=rule.name)


def _check_depth(max_depth: int) -> None:
    if max_depth < 0:
        raise SettingError(f"max_depth is {max_depth}; give 0 or more (3 is usual)")
