"""`/tokenize`, `/detokenize`, `/apply-template`: how the model reads a text."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field

from gesso.server.chat import TemplateSettings
from gesso.server.conversation import ChatMessage, Tool, as_messages
from gesso.server.parameters import Body
from gesso.server.service import service_of

router = APIRouter()


class TokenizeRequest(Body):
    """A text.

    Attributes:
        content: The text.
        add_special: Put the token first that begins every sequence.
        parse_special: Read "<|turn>" and its like as control tokens.
        with_pieces: Give each token with its text.
    """

    content: str
    add_special: bool = False
    parse_special: bool = False
    with_pieces: bool = False


class DetokenizeRequest(Body):
    """Token ids."""

    tokens: list[Annotated[int, Field(ge=0, lt=2**32)]]


class TemplateRequest(Body):
    """A conversation, and the tools that may be called."""

    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    tools: list[Tool] | None = None
    chat_template_kwargs: TemplateSettings = TemplateSettings()
    add_generation_prompt: bool = True


@router.post("/tokenize")
async def tokenize(body: TokenizeRequest, request: Request) -> dict[str, Any]:
    """Turn a text into token ids."""
    tokenizer = service_of(request).lm.tokenizer
    ids = await asyncio.to_thread(
        tokenizer.encode, body.content, add_bos=body.add_special, allow_special=body.parse_special
    )
    if body.with_pieces:
        pieces = [{"id": i, "piece": tokenizer.decode([i], skip_special=False)} for i in ids]
        return {"tokens": pieces, "count": len(ids)}
    return {"tokens": ids, "count": len(ids)}


@router.post("/detokenize")
async def detokenize(body: DetokenizeRequest, request: Request) -> dict[str, str]:
    """Turn token ids into text, control tokens spelled out. Ids outside the vocabulary give nothing."""
    tokenizer = service_of(request).lm.tokenizer
    return {"content": await asyncio.to_thread(tokenizer.decode, body.tokens, skip_special=False)}


@router.post("/apply-template")
async def apply_template(body: TemplateRequest, request: Request) -> dict[str, str]:
    """Write a conversation as the model's chat template does."""
    template = service_of(request).lm.template
    prompt = await asyncio.to_thread(
        template.render,
        as_messages(body.messages),
        add_generation_prompt=body.add_generation_prompt,
        thinking=body.chat_template_kwargs.enable_thinking,
        tools=[tool.function.declared() for tool in body.tools or []],
    )
    return {"prompt": prompt}
