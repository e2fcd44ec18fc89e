"""A reply that keeps growing, as thought, answer and tool calls that never have to be taken back."""

from collections.abc import Sequence
from dataclasses import dataclass

from gesso.server.logprobs import WrittenToken
from gesso.text.chat import ChatTemplate
from gesso.text.message import ToolCall
from gesso.text.tokenizer import Tokenizer

_BROKEN = "\N{REPLACEMENT CHARACTER}"
_QUOTE = '<|"|>'


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplyPiece:
    """What a reply has grown by.

    Attributes:
        content: Of the answer.
        thought: Of what was thought before it.
        tool_calls: Calls that are complete now.
        tokens: Of the text, with those of earlier pieces, all that say nothing which is not told yet; none at all
            unless log-probabilities are asked for.
    """

    content: str = ""
    thought: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tokens: tuple[WrittenToken, ...] = ()


class ReplyStream:
    """Reads a reply as its canvases are committed. A canvas may end anywhere: in a call, a stop string, a character.

    A call is told when it is closed. The beginning of a character, or of a stop string, waits for what follows. All
    pieces put together are what `ChatTemplate.parse_reply` reads in the whole reply, but for one thing: a thought that
    was never closed has been told as thought when its last paragraph turns out to be the answer.
    """

    def __init__(self, template: ChatTemplate, tokenizer: Tokenizer, *, stop: tuple[str, ...] = ()) -> None:
        self._template = template
        self._tokenizer = tokenizer
        self._stop = stop
        self._content = ""
        self._thought = ""
        self._num_calls = 0

    def update(self, token_ids: list[int], *, finished: bool) -> ReplyPiece:
        """Read the reply anew and give what is new in it.

        Args:
            token_ids: All tokens of the reply so far.
            finished: Nothing will follow.
        """
        message = self._template.parse_reply(token_ids if finished else self._settled(token_ids), finished=finished)
        self._content, content = self._grown(self._content, message.content, finished)
        has_thought = bool(message.content or message.tool_calls)  # so that nothing is held back of it
        self._thought, thought = self._grown(self._thought, message.thought, finished or has_thought)
        calls = message.tool_calls[self._num_calls :]
        self._num_calls += len(calls)
        return ReplyPiece(content=content, thought=thought, tool_calls=calls)

    def has_told(self, token_ids: Sequence[int]) -> bool:
        """Whether all that the first tokens of the reply say has been given."""
        ids = list(token_ids)
        message = self._template.parse_reply(ids, finished=False)
        return (
            len(self._settled(ids)) == len(ids)
            and self._content.startswith(message.content)
            and self._thought.startswith(message.thought)
            and len(message.tool_calls) <= self._num_calls
        )

    def _settled(self, token_ids: list[int]) -> list[int]:
        """Tokens before a call that is not closed yet, or before a thought whose channel is not named in full."""
        for position in range(len(token_ids) - 1, -1, -1):
            if token_ids[position] not in self._tokenizer.special_ids:
                continue
            control = self._tokenizer.token_text(token_ids[position])
            if control == "<|tool_call>":
                return token_ids[:position]
            if control == "<|channel>" and "\n" not in self._tokenizer.decode(token_ids[position:]):
                return token_ids[:position]
            if control != _QUOTE:
                break
        return token_ids

    def _grown(self, told: str, text: str, finished: bool) -> tuple[str, str]:
        """What has been told, and the part of it that is new."""
        text = text[: min((text.find(stop) for stop in self._stop if stop in text), default=len(text))]
        if not finished:
            text = text.rstrip(_BROKEN)
            beginnings = (stop[:length] for stop in self._stop for length in range(1, len(stop)))
            text = text[: len(text) - max((len(one) for one in beginnings if text.endswith(one)), default=0)]
        if text.startswith(told):
            return text, text[len(told) :]
        if told.startswith(text):  # held back again, or a thought that lost its last paragraph
            return told, ""
        return text, text  # what was told turned out to be thought: the answer begins anew
