"""`/score`: how likely a text is, from left to right, and by the bound of diffusion."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field

from gesso.server.parameters import Body, Seed
from gesso.server.service import service_of

router = APIRouter()

MAX_SAMPLES = 1_000
"""Each sample is a pass of the network for each canvas of the text."""


class ScoreRequest(Body):
    """A text.

    Attributes:
        model: The model that is served.
        text: What is scored.
        prompt: Text before it, which is not.
        samples: Noisy copies of each canvas for the bound; 0 leaves it out.
        seed: Of the noise.
    """

    model: str | None = None
    text: str
    prompt: str = ""
    samples: Annotated[int, Field(ge=0, le=MAX_SAMPLES)] = 32
    seed: Seed = 0


@router.post("/score")
async def score(body: ScoreRequest, request: Request) -> dict[str, Any]:
    """Score a text: negative log-likelihoods in nats. The bound is absent if no samples are taken."""
    service = service_of(request)
    service.check_model(body.model)
    weigh = partial(service.lm.score, body.text, prompt=body.prompt, num_samples=body.samples, seed=body.seed)
    found = await service.run_aside(weigh, len(body.text) + len(body.prompt), request)
    return {**found.facts(service.lm.tokenizer), "model": service.name}
