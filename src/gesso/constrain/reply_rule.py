"""Rules about replies in a chat format: tool calls and thoughts, of which control tokens are a part.

In an expression a control token is a byte that no text holds: UTF-8 has no use for those above 0xF7. A vocabulary that
gives these bytes to its control tokens, and to no other token, can write what is told here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gesso.constrain import characters as sets
from gesso.constrain.expression import Expression, Expressions
from gesso.constrain.json_schema import json_schema
from gesso.constrain.json_text import ORDINARY, Notation
from gesso.constrain.rule import Rule
from gesso.errors import SettingError

OPEN_CALL, CLOSE_CALL, QUOTE, OPEN_CHANNEL, CLOSE_CHANNEL, OTHER = (bytes([byte]) for byte in range(0xF8, 0xFE))

SYMBOLS: Mapping[str, bytes] = {
    "<|tool_call>": OPEN_CALL,
    "<tool_call|>": CLOSE_CALL,
    '<|"|>': QUOTE,
    "<|channel>": OPEN_CHANNEL,
    "<channel|>": CLOSE_CHANNEL,
}
"""The byte that stands for each control token; `OTHER` stands for those that are not here."""

NO_TEXT = bytes(range(0xF8, 0x100))
"""Bytes that no text holds."""

ARGUMENTS = Notation(comma=b",", colon=b":", quote=QUOTE, escaped=(), has_bare_names=True)
"""How the chat format writes the arguments of a call: `{name:<|"|>Mia<|"|>,times:2}`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolUse:
    """One call of one of several tools, with arguments that the tool takes, and nothing else.

    Attributes:
        tools: the JSON Schema of each tool's arguments, by its name; at least one.
        max_depth: as in `JsonSchema`.
    """

    tools: Mapping[str, Mapping[str, Any]]
    max_depth: int = 3

    def __post_init__(self) -> None:
        if not self.tools:
            raise SettingError("a tool must be called and there is none; give at least one")
        for name, schema in self.tools.items():
            if not name.strip() or "{" in name:
                raise SettingError(f"the tool {name!r} cannot be called; give it a name without '{{'")
            if (kind := schema.get("type", "object")) != "object":
                raise SettingError(f"the arguments of the tool {name!r} have the type {kind!r}; give 'object'")

    @property
    def name(self) -> str:
        """What errors call the rule."""
        return f"the call of {' or '.join(map(repr, self.tools))}"

    def expression(self, pool: Expressions) -> Expression:
        """The calls."""
        return pool.sequence(
            pool.literal(OPEN_CALL + b"call:"),
            pool.choice(*(self._call(pool, name, schema) for name, schema in self.tools.items())),
            pool.literal(CLOSE_CALL),
        )

    def _call(self, pool: Expressions, name: str, schema: Mapping[str, Any]) -> Expression:
        typed = {"type": "object", **schema}
        try:
            arguments = json_schema(typed, pool, max_depth=self.max_depth, notation=ARGUMENTS)
        except SettingError as error:
            raise SettingError(f"the tool {name!r}: {error}") from error
        return pool.sequence(pool.literal(name.encode()), arguments)


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidCalls:
    """Any reply, thoughts and text and calls in any order, but a call that it makes is one that is allowed.

    Outside of a call every token may stand, and which ones do is for the network alone to say.

    Attributes:
        call: the calls that are allowed.
    """

    call: ToolUse

    @property
    def name(self) -> str:
        """What errors call the rule."""
        return self.call.name

    def expression(self, pool: Expressions) -> Expression:
        """The replies."""
        return pool.repeat(pool.choice(pool.one_of(_OUTSIDE_OF_CALLS), self.call.expression(pool)))


_OUTSIDE_OF_CALLS = bytes(byte for byte in range(256) if byte != OPEN_CALL[0])


@dataclass(frozen=True, kw_only=True, slots=True)
class AfterThought:
    """What a rule allows, after a thought or at once.

    Attributes:
        rule: the valid answers.
    """

    rule: Rule

    @property
    def name(self) -> str:
        """What errors call the rule."""
        return self.rule.name

    def expression(self, pool: Expressions) -> Expression:
        """The replies."""
        thought = pool.sequence(
            pool.literal(OPEN_CHANNEL + b"thought\n"),
            pool.repeat(pool.characters(sets.common(ORDINARY, sets.ANY))),
            pool.literal(CLOSE_CHANNEL),
        )
        return pool.sequence(pool.optional(thought), self.rule.expression(pool))
