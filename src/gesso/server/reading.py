"""`/read`: how likely each label is at each slot of a template. No text is written."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gesso.server.conversation import ChatMessage, as_messages
from gesso.server.parameters import Body, Seed
from gesso.server.service import service_of

router = APIRouter()

MAX_DRAWS = 256
"""Each draw is a pass of the network, and all slots wait for the last."""

Labels = Annotated[list[str], Field(max_length=1_000)]


class ReadRequest(Body):
    """A template, and what may stand in its slots.

    Attributes:
        model: The model that is served.
        template: A text whose slots are marked ___.
        choices: Labels of all slots, or a list of labels for each.
        prompt: A text that the template goes on from.
        messages: A conversation that it answers; in the place of a prompt.
        by: "canvas" reads all slots in one pass, "left_to_right" one after another.
        draws: Draws of noise to average over; only for the canvas.
        seed: Of the noise.
    """

    model: str | None = None
    template: str
    choices: Annotated[list[str] | list[Labels], Field(min_length=1, max_length=1_000)]
    prompt: str = ""
    messages: Annotated[list[ChatMessage], Field(min_length=1)] | None = None
    by: Literal["canvas", "left_to_right"] = "canvas"
    draws: Annotated[int, Field(ge=1, le=MAX_DRAWS)] = 8
    seed: Seed = 0

    @model_validator(mode="after")
    def _check_context(self) -> "ReadRequest":
        if self.prompt and self.messages is not None:
            raise PydanticCustomError("invalid_value", "prompt and messages are both given; give one of the two")
        if self.by == "left_to_right" and self.model_fields_set & {"draws", "seed"}:
            raise PydanticCustomError(
                "invalid_value", "left to right there is no noise; leave draws and seed out, or read by the canvas"
            )
        return self


@router.post("/read")
async def read(body: ReadRequest, request: Request) -> dict[str, Any]:
    """Read the slots of a template. `mass` is what the labels had together before they were made to add up to 1."""
    service = service_of(request)
    service.check_model(body.model)
    look = partial(
        service.lm.read,
        body.template,
        body.choices,
        prompt=body.prompt if body.messages is None else as_messages(body.messages),
        by=body.by,
        num_draws=body.draws,
        seed=body.seed,
    )
    reading = await service.run_aside(look, len(body.template) + len(body.prompt), request)
    return {**reading.facts(), "model": service.name}
