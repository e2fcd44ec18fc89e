"""`/edit`: spans of a text are written anew, and the rest of it is kept."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field

from gesso.server.infilling import MaxHoleTokens
from gesso.server.parameters import Body, Seed, Temperature
from gesso.server.service import service_of

router = APIRouter()

MAX_SPANS = 100
"""Each span is a hole of its own, and takes as long as one."""


class SpanOfText(Body):
    """Characters of a text.

    Attributes:
        start: The first, from 0.
        stop: The one after the last.
    """

    start: Annotated[int, Field(ge=0)]
    stop: Annotated[int, Field(ge=0)]


class EditRequest(Body):
    """A text, and what of it shall be written anew.

    Attributes:
        model: The model that is served.
        text: All of it.
        spans: They may not overlap or touch.
        seed: Repeats the result.
        steps: Most denoising steps of each hole.
        temperature: One temperature for all steps.
        max_span_tokens: Most tokens that a span may have anew; twice as many as it has, and 2, if left out.
    """

    model: str | None = None
    text: str
    spans: Annotated[tuple[SpanOfText, ...], Field(strict=False, max_length=MAX_SPANS)]
    seed: Seed | None = None
    steps: Annotated[int, Field(ge=1, le=10_000)] | None = None
    temperature: Temperature | None = None
    max_span_tokens: MaxHoleTokens | None = None


@router.post("/edit")
async def edit(body: EditRequest, request: Request) -> dict[str, Any]:
    """Write spans anew. `new_start` is where the new text of a span begins in the edited text."""
    service = service_of(request)
    service.check_model(body.model)
    write = partial(
        service.lm.edit,
        body.text,
        [(span.start, span.stop) for span in body.spans],
        seed=body.seed,
        steps=body.steps,
        temperature=body.temperature,
        max_span_tokens=body.max_span_tokens,
    )
    edited = await service.run_aside(write, len(body.text), request)
    return {
        "text": edited.text,
        "spans": [
            {
                "start": span.start,
                "stop": span.stop,
                "old": span.old,
                "new": span.new,
                "new_start": span.new_start,
                "tokens": list(span.token_ids),
                "nats_per_token": round(span.nats_per_token, 4),
            }
            for span in edited.spans
        ],
        "seed": edited.seed,
        "model": service.name,
    }
