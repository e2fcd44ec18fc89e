"""What the model wrote, split into thought, answer and tool calls.

A reply is read as pieces, (True, control string) or (False, text), so that text which only looks like a control
string never acts as one. The reader forgives what models get wrong: a closing string left out, keys in quotes.
"""

import json
import math
import re
from collections.abc import Iterable
from typing import Any, NoReturn

from gesso.text.message import Message, ToolCall

Piece = tuple[bool, str]

# The reply is over; what follows is noise, or for the caller to write.
_ENDS = frozenset({"<turn|>", "<eos>", "<|turn>", "<|tool_response>"})
_CHANNEL_NAME = re.compile(r"\s*thought[ \t]*(?:\n|\Z)")
_CLOSED_THOUGHT = re.compile(r"<\|channel>\s*thought\b.*?<channel\|>", re.DOTALL)
_QUOTE = '<|"|>'


def strip_thoughts(text: str) -> str:
    """Take the closed thoughts out of a reply, as it goes into the history."""
    return _CLOSED_THOUGHT.sub("", text)


def parse_pieces(pieces: Iterable[Piece], *, finished: bool) -> Message:
    """Read the message that a reply's pieces spell; see `ChatTemplate.parse_reply`."""
    thoughts: list[str] = []
    answer: list[str] = []
    calls: list[ToolCall] = []
    rest = list(pieces)
    while rest:
        special, text = rest.pop(0)
        if not special:
            answer.append(text)
        elif text in _ENDS:
            break
        elif text == "<channel|>":  # opened in the prompt: all so far was thought
            thoughts.append(_without_name("".join(answer)))
            answer = []
        elif text == "<|tool_call>":
            body, _ = _take_body(rest, "<tool_call|>")
            if call := parse_call(body):
                calls.append(call)
            else:
                answer.append(_as_text(body))
        elif text == "<|channel>":
            body, closed = _take_body(rest, "<channel|>")
            thought = _without_name(_as_text(body))
            if not closed and finished and not _more_follows(rest):
                thought, answer_part = _last_paragraph(thought)
                answer.append(answer_part)
            thoughts.append(thought)
    return Message(
        role="model",
        content="".join(answer).strip(),
        thought="\n".join(filter(None, (thought.strip() for thought in thoughts))),
        tool_calls=tuple(calls),
    )


def parse_call(pieces: Iterable[Piece]) -> ToolCall | None:
    """Read `call:name{key:value,...}`; None where it is not that."""
    return _CallReader(pieces).read()


def _take_body(rest: list[Piece], closer: str) -> tuple[list[Piece], bool]:
    """Take the pieces up to the closer off `rest`; where it is missing, up to the next control string but a quote."""
    for index, (special, text) in enumerate(rest):
        if special and text != _QUOTE:
            closed = text == closer
            body = rest[:index]
            del rest[: index + closed]
            return body, closed
    body = rest[:]
    rest.clear()
    return body, False


def _as_text(body: Iterable[Piece]) -> str:
    return "".join('"' if special else text for special, text in body)


def _more_follows(rest: list[Piece]) -> bool:
    return bool(rest) and rest[0][1] not in _ENDS


def _without_name(thought: str) -> str:
    return _CHANNEL_NAME.sub("", thought, count=1) if _CHANNEL_NAME.match(thought) else thought


def _last_paragraph(text: str) -> tuple[str, str]:
    head, _, tail = text.strip().rpartition("\n\n")
    return head, tail


class _CallReader:
    """Reads one call by recursive descent over atoms: a quoted string is one atom, any other character is one."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self._atoms: list[tuple[bool, str]] = []  # (quoted, text)
        quoted: list[str] | None = None
        for special, text in pieces:
            if special and text == _QUOTE:
                if quoted is not None:
                    self._atoms.append((True, "".join(quoted)))
                quoted = [] if quoted is None else None
            elif quoted is not None:
                quoted.append(text)
            else:
                self._atoms += [(False, character) for character in text]
        if quoted is not None:
            self._atoms.append((True, "".join(quoted)))
        self._at = 0

    def read(self) -> ToolCall | None:
        head = self._bare(stop="{")
        if not head.startswith("call:") or not head[5:].strip():
            return None
        try:
            return ToolCall(head[5:].strip(), self._fields())
        except (ValueError, RecursionError):
            return None

    def _fields(self) -> dict[str, Any]:
        self._expect("{")
        fields: dict[str, Any] = {}
        while not self._take("}"):
            key = self._quoted()
            key = self._bare(stop=":") if key is None else key
            self._expect(":")
            fields[key] = self._value()
            if not self._take(",") and not self._next_is("}"):
                raise ValueError
        return fields

    def _items(self) -> list[Any]:
        self._expect("[")
        items: list[Any] = []
        while not self._take("]"):
            items.append(self._value())
            if not self._take(",") and not self._next_is("]"):
                raise ValueError
        return items

    def _value(self) -> Any:
        if (text := self._quoted()) is not None:
            return text
        if self._next_is("{"):
            return self._fields()
        if self._next_is("["):
            return self._items()
        return _literal(self._bare(stop=",]}"))

    def _skip_spaces(self) -> None:
        while self._at < len(self._atoms) and not self._atoms[self._at][0] and self._atoms[self._at][1].isspace():
            self._at += 1

    def _next_is(self, character: str) -> bool:
        self._skip_spaces()
        return self._atoms[self._at : self._at + 1] == [(False, character)]

    def _take(self, character: str) -> bool:
        found = self._next_is(character)
        self._at += found
        return found

    def _expect(self, character: str) -> None:
        if not self._take(character):
            raise ValueError

    def _quoted(self) -> str | None:
        self._skip_spaces()
        if self._at == len(self._atoms) or not self._atoms[self._at][0]:
            return None
        self._at += 1
        return self._atoms[self._at - 1][1]

    def _bare(self, *, stop: str) -> str:
        start = self._at
        while self._at < len(self._atoms):
            quoted, text = self._atoms[self._at]
            if quoted or text in stop:
                break
            self._at += 1
        return "".join(text for _, text in self._atoms[start : self._at]).strip()


def _literal(text: str) -> Any:
    """Read a bare word as JSON or, because models forget quotes, as itself."""
    if not text:
        raise ValueError
    try:
        value = None if text == "None" else json.loads(text, parse_constant=_refuse)
    except ValueError:
        return text
    return text if isinstance(value, float) and not math.isfinite(value) else value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
