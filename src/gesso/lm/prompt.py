"""What a text begins with: a text, or a conversation."""

from collections.abc import Mapping, Sequence
from typing import TypeGuard

from gesso.errors import PromptError
from gesso.text.message import Message

Prompt = str | Sequence[Message | Mapping[str, str]]
"""A text to go on from, or a conversation to answer: messages, or dictionaries with "role" and "content"."""


def is_one(prompt: Prompt | Sequence[Prompt]) -> TypeGuard[Prompt]:
    """Whether it is a text or a conversation; many prompts are a sequence of texts and conversations."""
    if isinstance(prompt, str) or not prompt:
        return True
    return not all(isinstance(one, Sequence) for one in prompt)


def as_message(index: int, turn: Message | Mapping[str, str]) -> Message:
    """Read a turn of a conversation, the one at `index`.

    Raises:
        PromptError: It is none.
    """
    if isinstance(turn, Message):
        return turn
    if not isinstance(turn, Mapping) or "role" not in turn or "content" not in turn:
        raise PromptError(f'message {index} is {turn!r}; give a mapping with "role" and "content"')
    surplus = sorted(set(turn) - {"role", "content"})
    if surplus:
        raise PromptError(
            f'message {index} has {surplus[0]!r}; only "role" and "content" are read, use Message for more'
        )
    return Message(role=turn["role"], content=turn["content"])
