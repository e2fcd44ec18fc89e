"""The turns of a conversation, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ROLES: tuple[str, ...] = ("system", "user", "model", "tool")

# What other chat formats call the same roles.
_ALIASES: dict[str, str] = {"assistant": "model", "developer": "system"}


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model's wish to have a tool called.

    Attributes:
        name: The tool.
        arguments: JSON values by the names of the tool's parameters.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """One turn.

    Attributes:
        role: "system", "user", "model" or "tool"; "assistant" is read as "model", "developer" as "system".
        content: What was said: the answer of the model, the result of the tool.
        thought: What the model thought before it answered; empty for other roles.
        tool_calls: The tools that the model wants called; empty for other roles.
        name: The tool that `content` is the result of, where the role is "tool".
    """

    role: str
    content: str = ""
    thought: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "role", _ALIASES.get(self.role, self.role))
