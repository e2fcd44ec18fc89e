"""`/v1/messages` and `/v1/messages/count_tokens`: a conversation is answered, in Anthropic's words."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Request, Response
from pydantic import Field

from gesso.server import sse
from gesso.server.answer import new_id, note
from gesso.server.conversation import (
    CallPart,
    ChatMessage,
    FunctionCall,
    FunctionTool,
    ToolChoice,
    as_messages,
    prompt_ids,
)
from gesso.server.json_response import AsciiJSONResponse
from gesso.server.orders import orders
from gesso.server.parameters import Body, MaxTokens, Sampling, check_no_drafts, sampler_for, stops, unsupported
from gesso.server.progress import Ended, Grown, Order, Progress
from gesso.server.refusal import Refusal, as_refusal
from gesso.server.reply_stream import ReplyPiece
from gesso.server.service import Service, service_of
from gesso.server.structured import compiled_rule
from gesso.server.worker import Ticket

router = APIRouter()

Value = TypeVar("Value")
Hint = Annotated[Value | None, Field(description="Taken, and changes nothing.")]


class Block(Body):
    """A part of a message. Which fields it has depends on its type; images and documents are not read."""

    type: Literal["text", "thinking", "tool_use", "tool_result"]
    text: str | None = None
    thinking: str | None = None
    signature: Hint[str] = None
    id: str | None = None
    name: str | None = None
    input: dict[str, Any] | None = None
    tool_use_id: str | None = None
    content: "str | list[Block] | None" = None
    is_error: bool | None = None
    cache_control: Hint[dict[str, Any]] = None
    citations: Annotated[list[Any] | None, unsupported()] = None


class Turn(Body):
    """One turn."""

    role: Literal["user", "assistant"]
    content: str | Annotated[list[Block], Field(min_length=1)]


class MessagesTool(Body):
    """A tool that the model may want called."""

    name: Annotated[str, Field(min_length=1)]
    input_schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None
    type: Literal["custom"] | None = None
    cache_control: Hint[dict[str, Any]] = None


class ThinkingSettings(Body):
    """Whether the model thinks before it answers; how long it may is not for us to say."""

    type: Literal["enabled", "disabled", "adaptive"]
    budget_tokens: Hint[int] = None
    display: Hint[str] = None


class MessagesToolChoice(Body):
    """Whether the model may call tools, or must call any, or must call the tool of this name."""

    type: Literal["auto", "none", "any", "tool"]
    name: str | None = None
    disable_parallel_tool_use: Annotated[bool | None, unsupported(False)] = None


class CountRequest(Sampling):
    """A conversation."""

    messages: Annotated[list[Turn], Field(min_length=1)]
    system: str | list[Block] | None = None
    thinking: ThinkingSettings | None = None
    tools: list[MessagesTool] | None = None
    tool_choice: MessagesToolChoice | None = None


class MessagesRequest(CountRequest):
    """A conversation to answer."""

    max_tokens: MaxTokens
    stop_sequences: list[str] | None = None
    service_tier: Annotated[str | None, unsupported("auto", "standard_only")] = None


@router.post("/v1/messages/count_tokens")
async def count_tokens(body: CountRequest, request: Request) -> dict[str, int]:
    """Count the tokens of a prompt."""
    service = service_of(request)
    service.check_model(body.model)
    return {"input_tokens": len(await asyncio.to_thread(_prompt_ids, service, body))}


@router.post("/v1/messages")
async def messages(body: MessagesRequest, request: Request) -> Response:
    """Answer a conversation, whole or as a stream."""
    service = service_of(request)
    service.check_model(body.model)
    check_no_drafts(body)
    order = await asyncio.to_thread(_order, service, body)
    ticket = service.submit([order])
    if body.stream:
        return sse.EventStream(
            _events(service, len(order.request.prompt_ids), ticket, request),
            ping_interval_s=service.settings.ping_interval_s,
            on_end=ticket.cancel,
        )
    (ended,) = await service.finish(ticket, request)
    note(request, [ended.result])
    reply = ended.result.message
    assert reply is not None, "a conversation was asked"
    piece = ReplyPiece(content=reply.content, thought=reply.thought, tool_calls=reply.tool_calls)
    blocks = [block | delta for block, delta in _blocks(piece)]
    facts = _message(service, new_id("msg"), ended.result.prompt_tokens, len(ended.result.token_ids))
    return AsciiJSONResponse({**facts, "content": blocks, **_end(ended, bool(reply.tool_calls))})


def _prompt_ids(service: Service, body: CountRequest) -> list[int]:
    if body.messages[-1].role == "assistant":
        raise Refusal("the last message is the assistant's; a reply cannot be begun for it: end with a user's message")
    system = [] if body.system is None else [ChatMessage(role="system", content=_text(body.system, "system"))]
    turns = [turn for index, one in enumerate(body.messages) for turn in _turns(one, f"messages.{index}")]
    return prompt_ids(service.lm, as_messages([*system, *turns]), thinking=_thinks(body), tools=_tools(body))


def _thinks(body: CountRequest) -> bool:
    return body.thinking is not None and body.thinking.type != "disabled"


def _tools(body: CountRequest) -> list[FunctionTool]:
    if body.tool_choice is not None and body.tool_choice.type == "none":
        return []
    return [
        FunctionTool(name=tool.name, description=tool.description, parameters=tool.input_schema, strict=tool.strict)
        for tool in body.tools or []
    ]


def _tool_choice(choice: MessagesToolChoice | None) -> ToolChoice:
    """The choice in OpenAI's words."""
    if choice is None or choice.type in ("auto", "none"):
        return None
    return "required" if choice.type == "any" else {"type": "function", "name": choice.name}


def _order(service: Service, body: MessagesRequest) -> Order:
    stop = stops(body.stop_sequences, "stop_sequences")
    return orders(
        service.lm,
        _prompt_ids(service, body),
        body,
        sampler=sampler_for(service.lm, body),
        max_new_tokens=body.max_tokens,
        stop=stop,
        is_conversation=True,
        max_prompt_tokens=service.settings.max_prompt_tokens,
        rule=compiled_rule(
            service.lm,
            body,
            tools=_tools(body),
            tool_choice=_tool_choice(body.tool_choice),
            thinking=_thinks(body),
            stop=stop,
        ),
    )[0]


def _turns(turn: Turn, param: str) -> Iterator[ChatMessage]:
    """A turn of Anthropic's as those of OpenAI's: the answers of tools stand for themselves."""
    if isinstance(turn.content, str):
        yield ChatMessage(role=turn.role, content=turn.content)
        return
    blocks = turn.content
    for block in blocks:
        for name in _NEEDED[block.type]:
            if getattr(block, name) is None:
                raise Refusal(f"{param} has a {block.type} block without {name}; give it", param=f"{param}.content")
        if block.type not in _OF_ROLE[turn.role]:
            raise Refusal(f"{param} is the {turn.role}'s and has a {block.type} block; remove it", param=param)
    for block in blocks:
        if block.type == "tool_result":
            answer = ("error: " if block.is_error else "") + _text(block.content or "", param)
            yield ChatMessage(role="tool", content=answer, tool_call_id=block.tool_use_id)
    said = "".join(block.text or "" for block in blocks if block.type == "text")
    if turn.role == "user":
        if said or not any(block.type == "tool_result" for block in blocks):
            yield ChatMessage(role="user", content=said)
        return
    yield ChatMessage(
        role="assistant",
        content=said,
        reasoning_content="".join(block.thinking or "" for block in blocks if block.type == "thinking") or None,
        tool_calls=[
            CallPart(id=block.id or "", function=FunctionCall(name=block.name or "", arguments=json.dumps(block.input)))
            for block in blocks
            if block.type == "tool_use"
        ],
    )


_NEEDED = {
    "text": ("text",),
    "thinking": ("thinking",),
    "tool_use": ("id", "name", "input"),
    "tool_result": ("tool_use_id",),
}
_OF_ROLE = {"user": ("text", "tool_result"), "assistant": ("text", "thinking", "tool_use")}


def _text(content: str | list[Block], param: str) -> str:
    if isinstance(content, str):
        return content
    for block in content:
        if block.type != "text" or block.text is None:
            raise Refusal(f"{param} has a block of type {block.type!r}; only text is read there", param=param)
    return "".join(block.text or "" for block in content)


def _message(service: Service, message_id: str, input_tokens: int, output_tokens: int) -> dict[str, Any]:
    return {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": service.name,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": input_tokens, "output_tokens": output_tokens},
    }


def _end(ended: Ended, has_calls: bool) -> dict[str, Any]:
    """Why the reply ended."""
    if ended.result.finish_reason == "length":
        return {"stop_reason": "max_tokens", "stop_sequence": None}
    if ended.stop_string is not None:
        return {"stop_reason": "stop_sequence", "stop_sequence": ended.stop_string}
    return {"stop_reason": "tool_use" if has_calls else "end_turn", "stop_sequence": None}


def _blocks(piece: ReplyPiece) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """A piece of a reply as blocks: how each begins, and what it then holds."""
    if piece.thought:
        yield {"type": "thinking", "thinking": "", "signature": ""}, {"thinking": piece.thought}
    if piece.content:
        yield {"type": "text", "text": ""}, {"text": piece.content}
    for call in piece.tool_calls:
        yield (
            {"type": "tool_use", "id": new_id("toolu"), "name": call.name, "input": {}},
            {"input": dict(call.arguments)},
        )


def _delta(held: dict[str, Any]) -> dict[str, Any]:
    """What a block holds, as what it grows by."""
    ((field, value),) = held.items()
    if field == "input":
        return {"type": "input_json_delta", "partial_json": json.dumps(value, ensure_ascii=False)}
    return {"type": f"{field}_delta", field: value}


async def _events(
    service: Service, input_tokens: int, ticket: Ticket[Progress], request: Request
) -> AsyncGenerator[bytes, None]:
    def event(kind: str, **facts: Any) -> bytes:
        return sse.event({"type": kind, **facts}, name=kind)

    yield event("message_start", message=_message(service, new_id("msg"), input_tokens, 0))
    index, open_kind, has_calls = -1, None, False
    try:
        async for _, item in service.follow(ticket):
            if not isinstance(item, Grown | Ended):
                continue
            has_calls = has_calls or bool(item.piece.tool_calls)
            for block, held in _blocks(item.piece):
                if block["type"] != open_kind or open_kind == "tool_use":
                    if open_kind is not None:
                        yield event("content_block_stop", index=index)
                    index, open_kind = index + 1, block["type"]
                    yield event("content_block_start", index=index, content_block=block)
                yield event("content_block_delta", index=index, delta=_delta(held))
            if isinstance(item, Ended):
                if open_kind is not None:
                    yield event("content_block_stop", index=index)
                note(request, [item.result])
                usage = {"output_tokens": len(item.result.token_ids)}
                yield event("message_delta", delta=_end(item, has_calls), usage=usage)
                yield event("message_stop")
    except Exception as error:
        yield sse.event(as_refusal(error).body(request.url.path), name="error")
