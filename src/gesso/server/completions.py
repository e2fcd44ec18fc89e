"""`/v1/completions`: a text is gone on from, or a hole in one is filled."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gesso.engine.request import MAX_ALTERNATIVES
from gesso.lm.candidates import seeds
from gesso.lm.infill import Infill
from gesso.lm.language_model import LanguageModel
from gesso.server import sse
from gesso.server.answer import Envelope, new_id, note, usage
from gesso.server.choice_stream import Choice, stream
from gesso.server.infilling import MaxHoleTokens, check_only_steps
from gesso.server.json_response import AsciiJSONResponse
from gesso.server.logprobs import text_logprobs, written_tokens
from gesso.server.orders import orders
from gesso.server.parameters import (
    MAX_CHOICES,
    MaxTokens,
    SeveralChoices,
    check_no_filters,
    sampler_for,
    stops,
    unsupported,
)
from gesso.server.progress import Ended, Order
from gesso.server.refusal import Refusal
from gesso.server.reply_stream import ReplyPiece
from gesso.server.service import Service, service_of
from gesso.server.structured import ResponseFormat, Structured, check_unstructured, compiled_rule

router = APIRouter()

Ids = Annotated[list[int], Field(min_length=1)]


class CompletionRequest(SeveralChoices, Structured):
    """A text to go on from; several; or token ids of one or several. With a suffix, what stands between is written."""

    prompt: str | Ids | Annotated[list[str] | list[Ids], Field(min_length=1, max_length=MAX_CHOICES)]
    suffix: str | None = None
    max_tokens: MaxTokens | None = None
    echo: bool = False
    response_format: ResponseFormat | None = None

    logprobs: Annotated[int, Field(ge=0, le=MAX_ALTERNATIVES)] | None = None
    best_of: Annotated[int | None, unsupported(1)] = None

    @model_validator(mode="after")
    def _check_logprobs(self) -> "CompletionRequest":
        if self.logprobs is not None and self.suffix is not None:
            raise PydanticCustomError(
                "invalid_value", "logprobs and suffix are both given; a hole is filled whole: leave logprobs out"
            )
        return self


@router.post("/v1/completions")
async def completions(body: CompletionRequest, request: Request) -> Response:
    """Go on from a text, whole or as a stream; or fill a hole, whole."""
    service = service_of(request)
    lm = service.lm
    service.check_model(body.model)
    envelope = Envelope(kind="text_completion", service=service, id=new_id("cmpl"))
    if body.suffix is not None:
        return AsciiJSONResponse(await _filled(envelope, body, request))
    ordered, echoes = await asyncio.to_thread(_orders, service, body)
    ticket = service.submit(ordered)
    if body.stream:
        return sse.EventStream(
            stream(envelope, body, TextChoices(lm, echoes), ticket, request),
            ping_interval_s=service.settings.ping_interval_s,
            on_end=ticket.cancel,
        )
    ended = await service.finish(ticket, request)
    results = [item.result for item in ended]
    note(request, results, num=body.n)
    choices = [
        _choice(index, echo + result.text, result.finish_reason)
        | {"logprobs": text_logprobs(lm, written_tokens(lm, result.token_ids, result.logprobs), start=len(echo))}
        for index, (echo, result) in enumerate(zip(echoes, results, strict=True))
    ]
    return AsciiJSONResponse(envelope.wrap(choices=choices, usage=usage(lm, ended, num=body.n)))


def _prompts(lm: LanguageModel, body: CompletionRequest) -> list[list[int]]:
    """Token ids of each prompt."""
    prompts = [body.prompt] if isinstance(body.prompt, str) or isinstance(body.prompt[0], int) else body.prompt
    if "" in prompts:
        raise Refusal("prompt is empty; give the beginning of a text", param="prompt")
    return [lm.tokenizer.encode(one, add_bos=True) if isinstance(one, str) else list(one) for one in prompts]


def _orders(service: Service, body: CompletionRequest) -> tuple[list[Order], list[str]]:
    """An order for each text, and what each text begins with."""
    sampler, prompts = sampler_for(service.lm, body), _prompts(service.lm, body)
    rule = compiled_rule(service.lm, body, form=body.response_format, stop=stops(body.stop))
    made = [
        order
        for ids in prompts
        for order in orders(
            service.lm,
            ids,
            body,
            sampler=sampler,
            max_new_tokens=body.max_tokens,
            stop=stops(body.stop),
            is_conversation=False,
            num=body.n,
            max_prompt_tokens=service.settings.max_prompt_tokens,
            rule=rule,
            logprobs=body.logprobs is not None,
            top_logprobs=body.logprobs or 0,
        )
    ]
    echoes = [service.lm.tokenizer.decode(ids) if body.echo else "" for ids in prompts]
    return made, [echo for echo in echoes for _ in range(body.n)]


def _choice(index: int, text: str, reason: str | None) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": reason}


class TextChoices:
    """Writes the choices of a streamed text.

    Args:
        lm: Spells tokens.
        echoes: What each text begins with; nothing if its prompt is not repeated.
    """

    def __init__(self, lm: LanguageModel, echoes: Sequence[str]) -> None:
        self._lm = lm
        self._echoes = echoes
        self._offsets = list(map(len, echoes))  # where the next token of each text begins

    def opening(self, index: int) -> Sequence[Choice]:
        """Repeat the prompt."""
        return [_choice(index, self._echoes[index], None)] if self._echoes[index] else []

    def pieces(self, index: int, piece: ReplyPiece) -> Sequence[Choice]:
        """Tell text, and its tokens, if they are asked for."""
        if not piece.content and not piece.tokens:
            return []
        logprobs = text_logprobs(self._lm, piece.tokens, start=self._offsets[index])
        self._offsets[index] += sum(len(token.text) for token in piece.tokens)
        return [_choice(index, piece.content, None) | {"logprobs": logprobs}]

    def empty(self, index: int, ended: Ended | None = None) -> Choice:
        """Tell nothing, or the reason to finish."""
        return _choice(index, "", ended and ended.result.finish_reason)


async def _filled(envelope: Envelope, body: CompletionRequest, request: Request) -> dict[str, Any]:
    """Fill the hole between prompt and suffix."""
    lm, service, prefix, suffix = envelope.service.lm, envelope.service, body.prompt, body.suffix or ""
    check_unstructured(body, "suffix")
    for name in ("stream", "echo", "stop", "response_format"):
        if getattr(body, name):
            raise Refusal(f"{name} and suffix are both given; a hole is filled whole: leave {name} out", param=name)
    if not isinstance(prefix, str):
        raise Refusal("with a suffix the prompt is one text; give a string", param="prompt")
    check_only_steps(body.diffusion, "suffix")
    check_no_filters(body, "suffix")
    if body.max_tokens is not None and body.max_tokens > lm.network.config.canvas_length:
        raise Refusal(
            f"max_tokens is {body.max_tokens} and a hole has at most {lm.network.config.canvas_length}; ask for fewer",
            param="max_tokens",
        )
    fill = partial(
        lm.infill, prefix, suffix, steps=body.diffusion.steps, temperature=body.temperature, **_hole(body.max_tokens)
    )
    fillings: list[Infill] = [
        await service.run_aside(partial(fill, seed=seed), len(prefix) + len(suffix), request)
        for seed in seeds(body.seed, body.n)
    ]
    prompt_tokens = len(lm.tokenizer.encode(prefix, add_bos=True)) + len(lm.tokenizer.encode(suffix))
    completion_tokens = sum(len(filling.token_ids) for filling in fillings)
    return envelope.wrap(
        choices=[_choice(index, filling.text, "stop") for index, filling in enumerate(fillings)],
        usage={
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
            "diffusion": {
                "seeds": [filling.seed for filling in fillings],
                "nats_per_token": [round(filling.nats_per_token, 4) for filling in fillings],
            },
        },
    )


def _hole(max_tokens: MaxHoleTokens | None) -> dict[str, int]:
    return {} if max_tokens is None else {"max_hole_tokens": max_tokens}
