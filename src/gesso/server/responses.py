"""`/v1/responses`: a conversation is answered, in OpenAI's newer words. Nothing is stored between requests."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gesso.engine.request import MAX_ALTERNATIVES
from gesso.server import sse
from gesso.server.answer import note
from gesso.server.conversation import (
    CallPart,
    ChatMessage,
    Content,
    FunctionCall,
    FunctionTool,
    ToolChoice,
    as_messages,
    as_text,
    prompt_ids,
)
from gesso.server.json_response import AsciiJSONResponse
from gesso.server.orders import orders
from gesso.server.parameters import Body, Effort, MaxTokens, check_no_drafts, sampler_for, unsupported
from gesso.server.progress import Ended, Grown, Order, Progress
from gesso.server.refusal import Refusal, as_refusal
from gesso.server.response_items import Output, ResponseRecord
from gesso.server.service import Service, service_of
from gesso.server.structured import Structured, TextFormat, compiled_rule
from gesso.server.worker import Ticket

router = APIRouter()


class InputItem(Body):
    """One thing that was said or done before. Which fields it has depends on its type."""

    type: Literal["message", "function_call", "function_call_output", "reasoning"] = "message"
    role: Literal["system", "developer", "user", "assistant"] | None = None
    content: Content | list[dict[str, Any]] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: Content | None = None
    summary: list[dict[str, Any]] | None = None
    id: str | None = None
    status: str | None = None
    encrypted_content: Annotated[str | None, unsupported()] = None


class ResponseTool(FunctionTool):
    """A tool that the model may want called."""

    type: Literal["function"]


class Reasoning(Body):
    """How long to work on the answer.

    Attributes:
        effort: Becomes a number of steps, as `reasoning_effort` does.
    """

    effort: Effort | None = None
    summary: Annotated[str | None, unsupported("auto")] = None


class TextSettings(Body):
    """How the answer is written."""

    format: TextFormat | None = None
    verbosity: Annotated[str | None, unsupported("medium")] = None


class ResponseStreamOptions(Body):
    """How the stream is told."""

    include_obfuscation: Annotated[bool | None, unsupported(False)] = None


class ResponseRequest(Structured):
    """A conversation to answer."""

    input: str | Annotated[list[InputItem], Field(min_length=1)]
    instructions: str | None = None
    max_output_tokens: MaxTokens | None = None
    reasoning: Reasoning = Reasoning()
    tools: list[ResponseTool] | None = None
    tool_choice: ToolChoice = None
    text: TextSettings | None = None

    background: Annotated[bool | None, unsupported(False)] = None
    conversation: Annotated[str | None, unsupported()] = None
    include: tuple[Literal["message.output_text.logprobs"], ...] = Field(default=(), strict=False)
    max_tool_calls: Annotated[int | None, unsupported()] = None
    parallel_tool_calls: Annotated[bool | None, unsupported(True)] = None
    previous_response_id: Annotated[str | None, unsupported()] = None
    service_tier: Annotated[str | None, unsupported("auto", "default")] = None
    store: Annotated[bool | None, unsupported(False)] = None
    stream_options: ResponseStreamOptions | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=MAX_ALTERNATIVES)] = 0
    truncation: Annotated[str | None, unsupported("disabled")] = None

    @model_validator(mode="after")
    def _check_logprobs(self) -> "ResponseRequest":
        if self.top_logprobs and not self.include:
            raise PydanticCustomError(
                "invalid_value",
                "top_logprobs is given and include is not; give include: ['message.output_text.logprobs']",
            )
        return self


@router.post("/v1/responses")
async def responses(body: ResponseRequest, request: Request) -> Response:
    """Answer a conversation, whole or as a stream."""
    service = service_of(request)
    service.check_model(body.model)
    check_no_drafts(body)
    order = await asyncio.to_thread(_order, service, body)
    ticket = service.submit([order])
    tools = [tool.model_dump() for tool in body.tools or []]
    record = ResponseRecord(service=service, settings=body.model_dump(by_alias=True), tools=tools)
    if body.stream:
        return sse.EventStream(
            _events(record, ticket, request), ping_interval_s=service.settings.ping_interval_s, on_end=ticket.cancel
        )
    (ended,) = await service.finish(ticket, request)
    note(request, [ended.result])
    output = Output(record)
    list(output.finish_with(ended))
    return AsciiJSONResponse(record.facts(output.items, ended))


def _order(service: Service, body: ResponseRequest) -> Order:
    tools = body.tools or [] if body.tool_choice != "none" else []
    return orders(
        service.lm,
        prompt_ids(service.lm, as_messages(turns(body)), tools=tools),
        body,
        sampler=sampler_for(service.lm, body, body.reasoning.effort),
        max_new_tokens=body.max_output_tokens,
        stop=(),
        is_conversation=True,
        max_prompt_tokens=service.settings.max_prompt_tokens,
        logprobs=bool(body.include),
        top_logprobs=body.top_logprobs,
        rule=compiled_rule(
            service.lm,
            body,
            form=None if body.text is None else body.text.format,
            tools=tools,
            tool_choice=body.tool_choice,
        ),
    )[0]


def turns(body: ResponseRequest) -> list[ChatMessage]:
    """The input as the turns of a chat.

    Raises:
        Refusal: An item lacks what its type needs.
    """
    first = [] if body.instructions is None else [ChatMessage(role="system", content=body.instructions)]
    if isinstance(body.input, str):
        return [*first, ChatMessage(role="user", content=body.input)]
    return [*first, *_turns(body.input)]


def _turns(items: Sequence[InputItem]) -> Iterator[ChatMessage]:
    thought: str | None = None
    for index, item in enumerate(items):
        for name in _NEEDED[item.type]:
            if getattr(item, name) is None:
                raise Refusal(f"input.{index}.{name} is missing; give it", param=f"input.{index}.{name}")
        if item.type == "reasoning":
            parts = item.content if isinstance(item.content, list) else []
            thought = "".join(part.get("text", "") for part in parts if isinstance(part, dict)) or None
            continue
        if item.type == "function_call_output":
            yield ChatMessage(role="tool", content=as_text(item.output), tool_call_id=item.call_id)
        elif item.type == "function_call":
            call = FunctionCall(name=item.name or "", arguments=item.arguments or "{}")
            yield ChatMessage(
                role="assistant", tool_calls=[CallPart(id=item.call_id or "", function=call)], reasoning_content=thought
            )
        else:
            is_reply = item.role == "assistant"
            yield ChatMessage(
                role=item.role or "user",
                content=_text(item.content, index),
                reasoning_content=thought if is_reply else None,
            )
        thought = None


_NEEDED = {
    "message": ("role", "content"),
    "function_call": ("call_id", "name", "arguments"),
    "function_call_output": ("call_id", "output"),
    "reasoning": (),
}

_TEXT_PARTS = ("input_text", "output_text", "text")


def _text(content: Any, index: int) -> str:
    if isinstance(content, str):
        return content
    texts = []
    for part in content:
        facts = part if isinstance(part, dict) else part.model_dump()
        if facts.get("type") not in _TEXT_PARTS or not isinstance(facts.get("text"), str):
            raise Refusal(
                f"input.{index}.content has a part of type {facts.get('type')!r}; only text is read",
                param=f"input.{index}.content",
            )
        texts.append(facts["text"])
    return "".join(texts)


async def _events(record: ResponseRecord, ticket: Ticket[Progress], request: Request) -> AsyncGenerator[bytes, None]:
    number = 0

    def event(kind: str, facts: dict[str, Any]) -> bytes:
        nonlocal number
        number += 1
        return sse.event({"type": kind, "sequence_number": number - 1, **facts}, name=kind)

    output = Output(record)
    yield event("response.created", {"response": record.facts([], None)})
    yield event("response.in_progress", {"response": record.facts([], None)})
    try:
        async for _, item in record.service.follow(ticket):
            if isinstance(item, Grown):
                for kind, facts in output.grow(item.piece):
                    yield event(kind, facts)
            elif isinstance(item, Ended):
                for kind, facts in (*output.grow(item.piece), *output.close()):
                    yield event(kind, facts)
                note(request, [item.result])
                whole = record.facts(output.items, item)
                yield event(f"response.{whole['status']}", {"response": whole})
    except Exception as error:
        refusal = as_refusal(error)
        yield event("error", {"code": refusal.code, "message": str(refusal), "param": refusal.param})
