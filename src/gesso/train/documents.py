"""The three kinds of documents that a dataset may hold, and the laws that each must keep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gesso.errors import DataError
from gesso.text.message import Message

ROLES = ("system", "user", "model")
"""Who may speak in a conversation to learn from; "assistant" is read as "model"."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversation:
    """Turns in the model's chat format; every turn of the model is learnt, after the turns before it.

    Attributes:
        messages: At most a system message, then users and the model, who has the last word.
    """

    messages: tuple[Message, ...]

    def __post_init__(self) -> None:
        if not self.messages:
            raise DataError("the conversation is empty; give at least one user's and one model's turn")
        speakers = [message.role for message in self.messages]
        for index, message in enumerate(self.messages):
            before = speakers[index - 1] if index else "nobody"
            if message.role not in ROLES:
                raise DataError(f"message {index} has the role {message.role!r}; use one of {', '.join(ROLES)}")
            if message.role == "system" and index:
                raise DataError(f"message {index} is a system message; only message 0 can be one, so join them there")
            if not message.content.strip():
                raise DataError(f"message {index} says nothing; fill it or remove it")
            if message.role == "model" and before != "user":
                raise DataError(f"message {index} is the model's and follows no user's; put the user's turn before it")
        if speakers[-1] != "model":
            raise DataError(f"message {len(speakers) - 1} has no answer of the model to learn; add it or remove it")


@dataclass(frozen=True, kw_only=True, slots=True)
class Continuation:
    """Plain text that is given, and plain text that is to follow it directly.

    Attributes:
        prompt: Not learnt by the denoiser; may be empty.
        response: Learnt; with its leading space where it needs one.
    """

    prompt: str
    response: str

    def __post_init__(self) -> None:
        if not self.response:
            raise DataError("the response is empty; there is nothing to learn from it")


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """Plain text, all of it to be learnt.

    Attributes:
        text: The text, of any length.
    """

    text: str

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise DataError("the text is empty; fill it or remove it")


Document = Conversation | Continuation | Passage

_FIELDS: dict[type, tuple[str, ...]] = {
    Conversation: ("messages",),
    Continuation: ("prompt", "response"),
    Passage: ("text",),
}


def parse_document(value: Mapping[str, Any]) -> tuple[Document, frozenset[str]]:
    """Read one record of a dataset.

    Args:
        value: {"messages": [{"role", "content"}, ...]}, {"prompt", "response"} or {"text"}, and any other fields.

    Returns:
        The document, and the names of the fields that mean nothing here.

    Raises:
        DataError: The record is none of the three, or breaks a law of its kind. The message does not name the place.
    """
    kinds = [kind for kind, fields in _FIELDS.items() if value.keys() & set(fields)]
    wanted = 'give "messages", or "prompt" and "response", or "text"'
    if len(kinds) != 1:
        said = ", ".join(map(repr, value)) or "nothing"
        raise DataError(f"it has {said}; {wanted}")
    kind, fields = kinds[0], _FIELDS[kinds[0]]
    missing = [field for field in fields if field not in value]
    if missing:
        raise DataError(f"it has no {missing[0]!r}; {wanted}")
    unused = frozenset(value.keys() - set(fields))
    if kind is Conversation:
        return Conversation(messages=_messages(value["messages"])), unused
    for field in fields:
        if not isinstance(value[field], str):
            raise DataError(f"{field!r} is a {type(value[field]).__name__}; write a string")
    return kind(**{field: value[field] for field in fields}), unused


def _messages(value: Any) -> tuple[Message, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise DataError(f"'messages' is a {type(value).__name__}; write a list of messages")
    return tuple(_message(index, message) for index, message in enumerate(value))


def _message(index: int, value: Any) -> Message:
    if not isinstance(value, Mapping):
        raise DataError(f'message {index} is a {type(value).__name__}; write an object with "role" and "content"')
    said = {key: part for key, part in value.items() if part is not None}
    for key in ("role", "content"):
        if not isinstance(said.get(key), str):
            raise DataError(f"message {index} has no string {key!r}; give one")
    if surplus := sorted(said.keys() - {"role", "content"}):
        raise DataError(f'message {index} has {surplus[0]!r}; only "role" and "content" are learnt, so remove it')
    return Message(role=said["role"], content=said["content"])
