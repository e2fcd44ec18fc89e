"""The output of `/v1/responses`: items of one kind each, and the events that tell how they grow."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gesso.server.answer import new_id, reasoning_tokens
from gesso.server.logprobs import token_facts, written_tokens
from gesso.server.progress import Ended
from gesso.server.reply_stream import ReplyPiece
from gesso.server.service import Service
from gesso.text.message import ToolCall

Event = tuple[str, dict[str, Any]]
"""What happened, and its facts."""

_PART_TYPES = {"message": "output_text", "reasoning": "reasoning_text"}


class ResponseRecord:
    """What all states of one response repeat."""

    def __init__(self, *, service: Service, settings: Mapping[str, Any], tools: Sequence[Mapping[str, Any]]) -> None:
        self.service = service
        self._settings = settings
        self._tools = list(tools)
        self._id = new_id("resp")
        self._created = int(time.time())

    def facts(self, items: Sequence[dict[str, Any]], ended: Ended | None) -> dict[str, Any]:
        """The response with what has been written; in progress while nothing has `ended`."""
        is_cut = ended is not None and ended.result.finish_reason == "length"
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created,
            "status": "in_progress" if ended is None else "incomplete" if is_cut else "completed",
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if is_cut else None,
            "instructions": self._settings["instructions"],
            "max_output_tokens": self._settings["max_output_tokens"],
            "metadata": self._settings["metadata"] or {},
            "model": self.service.name,
            "output": list(items),
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "reasoning": self._settings["reasoning"],
            "store": False,
            "temperature": self._settings["temperature"],
            "text": {"format": self._format()},
            "tool_choice": self._settings["tool_choice"] or "auto",
            "tools": self._tools,
            "top_logprobs": self._settings["top_logprobs"],
            "top_p": self._settings["top_p"],
            "truncation": "disabled",
            "usage": None if ended is None else self._usage(ended),
            "user": self._settings["user"],
        }

    def _format(self) -> dict[str, Any]:
        form = (self._settings["text"] or {}).get("format") or {"type": "text"}
        return {name: value for name, value in form.items() if value is not None}

    def _usage(self, ended: Ended) -> dict[str, Any]:
        result = ended.result
        return {
            "input_tokens": result.prompt_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": len(result.token_ids),
            "output_tokens_details": {"reasoning_tokens": reasoning_tokens(self.service.lm, result.token_ids)},
            "total_tokens": result.prompt_tokens + len(result.token_ids),
            "diffusion": {"seeds": [result.seed], "steps": [result.steps]},
        }


class Output:
    """Items that grow one after the other.

    Attributes:
        items: Those that are complete.
    """

    def __init__(self, record: ResponseRecord) -> None:
        self.items: list[dict[str, Any]] = []
        self._record = record
        self._open: tuple[str, str, str] | None = None  # kind, id and text of the item that grows
        self._logprobs: list[dict[str, Any]] = []  # of the message that grows

    def grow(self, piece: ReplyPiece) -> Iterator[Event]:
        """Append a piece of a reply."""
        lm = self._record.service.lm
        if piece.thought:
            yield from self._append("reasoning", piece.thought)
        said = [one for one in piece.tokens if one.part == "content" and one.token_id not in lm.tokenizer.special_ids]
        is_growing = self._open is not None and self._open[0] == "message"
        if piece.content or (said and is_growing):
            yield from self._append("message", piece.content, token_facts(lm, said))
        for call in piece.tool_calls:
            yield from self._call(call)

    def finish_with(self, ended: Ended) -> Iterator[Event]:
        """Append a whole reply at once."""
        result, message = ended.result, ended.result.message
        assert message is not None, "a conversation was asked"
        tokens = written_tokens(self._record.service.lm, result.token_ids, result.logprobs)
        yield from self.grow(
            ReplyPiece(content=message.content, thought=message.thought, tool_calls=message.tool_calls, tokens=tokens)
        )
        yield from self.close()

    def close(self) -> Iterator[Event]:
        """Complete the item that grows. A reply without any is a message without text."""
        if self._open is None and not self.items:
            yield from self._append("message", "")
        if self._open is None:
            return
        kind, item_id, text = self._open
        place = {"item_id": item_id, "output_index": len(self.items), "content_index": 0}
        part = _part(kind, text, self._logprobs)
        logprobs = {"logprobs": self._logprobs} if kind == "message" else {}
        yield f"response.{part['type']}.done", {**place, "text": text, **logprobs}
        yield "response.content_part.done", {**place, "part": part}
        item = _text_item(kind, item_id, [part], "completed")
        yield "response.output_item.done", {"output_index": len(self.items), "item": item}
        self.items.append(item)
        self._open, self._logprobs = None, []

    def _append(self, kind: str, text: str, logprobs: Sequence[dict[str, Any]] = ()) -> Iterator[Event]:
        if self._open is not None and self._open[0] != kind:
            yield from self.close()
        if self._open is None:
            self._open = (kind, new_id("msg" if kind == "message" else "rs"), "")
            item = _text_item(kind, self._open[1], [], "in_progress")
            yield "response.output_item.added", {"output_index": len(self.items), "item": item}
            place = {"item_id": self._open[1], "output_index": len(self.items), "content_index": 0}
            yield "response.content_part.added", {**place, "part": _part(kind, "", [])}
        _, item_id, before = self._open
        self._open = (kind, item_id, before + text)
        self._logprobs += logprobs
        if text or logprobs:
            place = {"item_id": item_id, "output_index": len(self.items), "content_index": 0}
            told = {"logprobs": list(logprobs)} if kind == "message" else {}
            yield f"response.{_PART_TYPES[kind]}.delta", {**place, "delta": text, **told}

    def _call(self, call: ToolCall) -> Iterator[Event]:
        if self._open is not None:
            yield from self.close()
        index, item_id, arguments = len(self.items), new_id("fc"), json.dumps(dict(call.arguments), ensure_ascii=False)
        item = {
            "id": item_id,
            "type": "function_call",
            "status": "in_progress",
            "call_id": new_id("call"),
            "name": call.name,
            "arguments": "",
        }
        place = {"item_id": item_id, "output_index": index}
        yield "response.output_item.added", {"output_index": index, "item": dict(item)}
        yield "response.function_call_arguments.delta", {**place, "delta": arguments}
        yield "response.function_call_arguments.done", {**place, "name": call.name, "arguments": arguments}
        item |= {"status": "completed", "arguments": arguments}
        yield "response.output_item.done", {"output_index": index, "item": item}
        self.items.append(item)


def _part(kind: str, text: str, logprobs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    part = {"type": _PART_TYPES[kind], "text": text}
    return part | {"annotations": [], "logprobs": list(logprobs)} if kind == "message" else part


def _text_item(kind: str, item_id: str, parts: list[dict[str, Any]], status: str) -> dict[str, Any]:
    item = {"id": item_id, "type": kind, "status": status, "content": parts}
    return item | ({"role": "assistant"} if kind == "message" else {"summary": []})
