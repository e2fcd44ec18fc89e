"""What a text begins with: a text, or a conversation; and a draft of what follows, if there is one."""

from collections.abc import Mapping, Sequence
from typing import TypeGuard

from gesso.engine.request import Draft
from gesso.errors import PromptError, SettingError
from gesso.text.chat import ChatTemplate
from gesso.text.message import Message
from gesso.text.tokenizer import Tokenizer

Prompt = str | Sequence[Message | Mapping[str, str]]
"""A text to go on from, or a conversation to answer: messages, or dictionaries with "role" and "content"."""

DRAFT_NOISE = 0.3
"""Noise level of a draft unless asked otherwise."""


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


def prompt_ids(prompt: Prompt, tokenizer: Tokenizer, template: ChatTemplate, *, thinking: bool = False) -> list[int]:
    """Turn a prompt into token ids.

    Raises:
        PromptError: It is empty, or not a conversation.
    """
    if not isinstance(prompt, str):
        return template.encode([as_message(i, turn) for i, turn in enumerate(prompt)], thinking=thinking)
    if not prompt:
        raise PromptError("the prompt is empty; give the beginning of a text, or a conversation")
    return tokenizer.encode(prompt, add_bos=True)


def draft_of(tokenizer: Tokenizer, text: str | None, noise: float | None) -> Draft | None:
    """Make a draft of a text to start from; None if there is none.

    Args:
        tokenizer: Splits it into tokens.
        text: What is written starts as this, to the space that it may begin with.
        noise: Noise level of all its tokens; None for the usual.

    Raises:
        SettingError: The text is empty, the level is not in [0, 1], or a level is given and no text.
    """
    if text is None:
        if noise is not None:
            raise SettingError(f"draft_noise is {noise:g} and there is no draft; give both, or leave it out")
        return None
    ids = tuple(tokenizer.encode(text))
    return Draft(token_ids=ids, levels=(DRAFT_NOISE if noise is None else float(noise),) * len(ids))
