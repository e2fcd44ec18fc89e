"""`/infill`: what stands between two texts is written.

llama.cpp's clients call the texts input_prefix and input_suffix.
"""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import AliasChoices, ConfigDict, Field

from gesso.server.parameters import Body, Diffusion, Seed, Temperature
from gesso.server.refusal import Refusal
from gesso.server.service import service_of

router = APIRouter()

MaxHoleTokens = Annotated[int, Field(ge=1, le=1_000)]


class InfillRequest(Body):
    """Two texts.

    Attributes:
        model: The model that is served.
        prefix: Text before the hole.
        suffix: Text after it.
        seed: Repeats the filling.
        steps: Most denoising steps of a hole.
        temperature: One temperature for all steps.
        max_hole_tokens: The largest hole that is tried; llama.cpp's word is n_predict.
    """

    model_config = ConfigDict(populate_by_name=True)

    model: str | None = None
    prefix: Annotated[str, Field(validation_alias=AliasChoices("prefix", "input_prefix"))] = ""
    suffix: Annotated[str, Field(validation_alias=AliasChoices("suffix", "input_suffix"))] = ""
    seed: Seed | None = None
    steps: Annotated[int, Field(ge=1, le=10_000)] | None = None
    temperature: Temperature | None = None
    max_hole_tokens: Annotated[MaxHoleTokens, Field(validation_alias=AliasChoices("max_hole_tokens", "n_predict"))] = 40


@router.post("/infill")
async def infill(body: InfillRequest, request: Request) -> dict[str, Any]:
    """Fill a hole: prefix + text + suffix is the whole. `content` is llama.cpp's name of `text`."""
    service = service_of(request)
    service.check_model(body.model)
    fill = partial(
        service.lm.infill,
        body.prefix,
        body.suffix,
        seed=body.seed,
        steps=body.steps,
        temperature=body.temperature,
        max_hole_tokens=body.max_hole_tokens,
    )
    filling = await service.run_aside(fill, len(body.prefix) + len(body.suffix), request)
    return {
        "text": filling.text,
        "content": filling.text,
        "tokens": list(filling.token_ids),
        "nats_per_token": round(filling.nats_per_token, 4),
        "seed": filling.seed,
        "model": service.name,
    }


def check_only_steps(diffusion: Diffusion, what: str) -> None:
    """Refuse what filling a hole does not read.

    Raises:
        Refusal: One of these is given.
    """
    for name in sorted(diffusion.model_fields_set - {"steps"}):
        raise Refusal(f"diffusion.{name} and {what} are both given; leave the first out", param=f"diffusion.{name}")
