"""Which part of a reply each of its tokens belongs to."""

from collections.abc import Iterable
from typing import Literal

from gesso.text.tokenizer import Tokenizer

Part = Literal["thought", "content", "call"]

_OPENS: dict[str, Part] = {"<|channel>": "thought", "<|tool_call>": "call"}
_CLOSES = ("<channel|>", "<tool_call|>")


def reply_parts(tokenizer: Tokenizer, token_ids: Iterable[int]) -> list[Part]:
    """The part of each token of a reply. What opens and closes a thought or a call belongs to it."""
    parts: list[Part] = []
    part: Part = "content"
    for token_id in token_ids:
        text = tokenizer.token_text(token_id)
        part = _OPENS.get(text, part)
        parts.append(part)
        if text in _CLOSES:
            part = "content"
    return parts
