"""`/v1/chat/completions`: a conversation is answered."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gesso.engine.request import MAX_ALTERNATIVES
from gesso.lm.generation import Generation
from gesso.lm.language_model import LanguageModel
from gesso.server import sse
from gesso.server.answer import Envelope, new_id, note, usage
from gesso.server.choice_stream import Choice, stream
from gesso.server.conversation import ChatMessage, Content, Tool, ToolChoice, as_messages, as_text, prompt_ids
from gesso.server.json_response import AsciiJSONResponse
from gesso.server.logprobs import WrittenToken, chat_logprobs, share_out, written_tokens
from gesso.server.orders import orders
from gesso.server.parameters import Body, Effort, MaxTokens, SeveralChoices, sampler_for, stops, unsupported
from gesso.server.progress import Ended, Order
from gesso.server.reply_parts import Part
from gesso.server.reply_stream import ReplyPiece
from gesso.server.service import Service, service_of
from gesso.server.structured import ResponseFormat, Structured, compiled_rule
from gesso.text.message import ToolCall

router = APIRouter()


class TemplateSettings(Body):
    """What the chat template is told.

    Attributes:
        enable_thinking: Let the model think before it answers.
    """

    enable_thinking: bool = False


class Prediction(Body):
    """What the answer may well be; it starts from this text instead of noise."""

    type: Literal["content"]
    content: Content


class ChatRequest(SeveralChoices, Structured):
    """A conversation to answer."""

    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    max_tokens: MaxTokens | None = None
    max_completion_tokens: MaxTokens | None = None
    reasoning_effort: Effort | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice = None
    chat_template_kwargs: TemplateSettings = TemplateSettings()
    response_format: ResponseFormat | None = None

    prediction: Prediction | None = None
    logprobs: bool = False
    top_logprobs: Annotated[int, Field(ge=0, le=MAX_ALTERNATIVES)] = 0
    parallel_tool_calls: Annotated[bool | None, unsupported(True)] = None
    modalities: Annotated[list[str] | None, unsupported(["text"])] = None
    audio: Annotated[dict[str, Any] | None, unsupported()] = None
    store: Annotated[bool | None, unsupported(False)] = None
    service_tier: Annotated[str | None, unsupported("auto", "default")] = None
    verbosity: Annotated[str | None, unsupported("medium")] = None

    @model_validator(mode="after")
    def _check_length(self) -> "ChatRequest":
        if self.max_tokens is not None and self.max_completion_tokens is not None:
            raise PydanticCustomError(
                "invalid_value", "max_tokens and max_completion_tokens are both given; give max_completion_tokens"
            )
        if self.top_logprobs and not self.logprobs:
            raise PydanticCustomError("invalid_value", "top_logprobs is given and logprobs is not; give logprobs: true")
        if self.prediction is not None and self.chat_template_kwargs.enable_thinking:
            raise PydanticCustomError(
                "invalid_value",
                "prediction and enable_thinking are both given; the answer comes after a thought whose length nobody "
                "knows: leave one of the two out",
            )
        return self


@router.post("/v1/chat/completions")
async def chat_completions(body: ChatRequest, request: Request) -> Response:
    """Answer a conversation, whole or as a stream."""
    service = service_of(request)
    service.check_model(body.model)
    ordered = await asyncio.to_thread(_orders, service, body)
    ticket = service.submit(ordered)
    if body.stream:
        envelope = Envelope(kind="chat.completion.chunk", service=service, id=new_id("chatcmpl"))
        return sse.EventStream(
            stream(envelope, body, ChatChoices(service.lm), ticket, request),
            ping_interval_s=service.settings.ping_interval_s,
            on_end=ticket.cancel,
        )
    ended = await service.finish(ticket, request)
    results = [item.result for item in ended]
    note(request, results, num=body.n)
    envelope = Envelope(kind="chat.completion", service=service, id=new_id("chatcmpl"))
    choices = [_choice(service.lm, index, result) for index, result in enumerate(results)]
    return AsciiJSONResponse(envelope.wrap(choices=choices, usage=usage(service.lm, ended, num=body.n)))


def _orders(service: Service, body: ChatRequest) -> list[Order]:
    tools = [tool.function for tool in body.tools or [] if body.tool_choice != "none"]
    thinking = body.chat_template_kwargs.enable_thinking
    return orders(
        service.lm,
        prompt_ids(service.lm, as_messages(body.messages), thinking=thinking, tools=tools),
        body,
        rule=compiled_rule(
            service.lm,
            body,
            form=body.response_format,
            tools=tools,
            tool_choice=body.tool_choice,
            thinking=thinking,
            stop=stops(body.stop),
        ),
        sampler=sampler_for(service.lm, body, body.reasoning_effort),
        max_new_tokens=body.max_completion_tokens or body.max_tokens,
        stop=stops(body.stop),
        is_conversation=True,
        prediction=None if body.prediction is None else as_text(body.prediction.content),
        num=body.n,
        max_prompt_tokens=service.settings.max_prompt_tokens,
        logprobs=body.logprobs,
        top_logprobs=body.top_logprobs,
    )


def _choice(lm: LanguageModel, index: int, result: Generation) -> dict[str, Any]:
    assert result.message is not None, "a conversation was asked"
    message: dict[str, Any] = {"role": "assistant", "content": result.message.content, "refusal": None}
    if result.message.thought:
        message["reasoning_content"] = result.message.thought
    if result.message.tool_calls:
        message["content"] = result.message.content or None
        message["tool_calls"] = [call_facts(call) for call in result.message.tool_calls]
    return {
        "index": index,
        "message": message,
        "logprobs": chat_logprobs(lm, written_tokens(lm, result.token_ids, result.logprobs)),
        "finish_reason": _reason(result, bool(result.message.tool_calls)),
    }


def call_facts(call: ToolCall) -> dict[str, Any]:
    """A call as OpenAI's clients read it, with an id of its own."""
    return {
        "id": new_id("call"),
        "type": "function",
        "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments), ensure_ascii=False)},
    }


def _reason(result: Generation, has_calls: bool) -> str:
    return "tool_calls" if has_calls and result.finish_reason == "stop" else result.finish_reason


class ChatChoices:
    """Writes the choices of a streamed chat."""

    def __init__(self, lm: LanguageModel) -> None:
        self._lm = lm
        self._num_calls: Counter[int] = Counter()

    def opening(self, index: int) -> Sequence[Choice]:
        """Tell the role."""
        return [self._choice(index, {"role": "assistant", "content": ""})]

    def pieces(self, index: int, piece: ReplyPiece) -> Sequence[Choice]:
        """Tell the thought, then the answer, then the calls; and with each its tokens, if they are asked for."""
        first = self._num_calls[index]
        self._num_calls[index] += len(piece.tool_calls)
        told: list[tuple[Part, dict[str, Any]]] = []
        if piece.thought:
            told.append(("thought", {"reasoning_content": piece.thought}))
        if piece.content or (piece.tokens and not (piece.thought or piece.tool_calls)):
            told.append(("content", {"content": piece.content}))
        for number, call in enumerate(piece.tool_calls, start=first):
            told.append(("call", {"tool_calls": [{"index": number, **call_facts(call)}]}))
        runs = share_out(piece.tokens, [part for part, _ in told])
        return [self._choice(index, delta, tokens=run) for (_, delta), run in zip(told, runs, strict=True)]

    def empty(self, index: int, ended: Ended | None = None) -> Choice:
        """Tell nothing, or the reason to finish."""
        return self._choice(index, {}, ended and _reason(ended.result, self._num_calls[index] > 0))

    def _choice(
        self, index: int, delta: dict[str, Any], reason: str | None = None, tokens: Sequence[WrittenToken] = ()
    ) -> Choice:
        return {
            "index": index,
            "delta": delta,
            "logprobs": chat_logprobs(self._lm, tokens),
            "finish_reason": reason,
        }
