"""What the bodies of requests have in common."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from gesso.engine.request import MAX_ALTERNATIVES, Mode
from gesso.errors import SettingError
from gesso.lm.language_model import LanguageModel
from gesso.sampling.filters import MAX_BIAS, MAX_PENALTY, Filters
from gesso.sampling.settings import SamplerSettings
from gesso.server.refusal import Refusal

MAX_CHOICES = 16
"""Texts that one request may ask for."""

MAX_STOPS, MAX_STOP_LENGTH = 16, 256
"""Stop strings are looked for after every token: so many, of so many characters."""

EFFORT_STEPS = {"none": 1 / 6, "minimal": 1 / 6, "low": 1 / 3, "medium": 2 / 3, "high": 1.0, "xhigh": 4 / 3}
"""Steps of a canvas for each `reasoning_effort`, as a share of the model's own most (48 as published)."""

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]


def unsupported(*neutral: Any) -> AfterValidator:
    """Refuse every value of a parameter but those that ask for nothing; None always does."""

    def check(value: Any) -> Any:
        if value is not None and value not in neutral:
            remedy = f" or give {neutral[0]!r}" if neutral else ""
            raise PydanticCustomError(
                "unsupported_parameter", "not supported by this server; leave it out" + remedy.replace("{", "{{")
            )
        return value

    return AfterValidator(check)


class Body(BaseModel):
    """A JSON object whose every field is known. Numbers are numbers: "5" is refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Pin(Body):
    """Fixed tokens of the first canvas.

    Attributes:
        start: Position of the first of them, from 0.
        text: The text that they spell.
    """

    start: Annotated[int, Field(ge=0)]
    text: Annotated[str, Field(min_length=1)]


class Diffusion(Body):
    """What only a canvas has. A field that is left out has the model's own value.

    Attributes:
        stream_drafts: Stream what the canvas shows after its steps.
        draft_interval: Seconds between two frames at least; 0 asks for every step.
        alternatives: Likeliest tokens that a frame tells of at each position that is not certain.
        steps: Most denoising steps of a canvas.
        t_max: Temperature of the first step.
        t_min: Temperature that later steps fall towards.
        entropy_bound: Uncertainty that a step may accept, in nats.
        reach: Positions from the first uncertain one on that a step may accept; 0 for all.
        confidence: Mean entropy below which a stable canvas is done, in nats.
        stability: Earlier steps that must have had the same draft.
        sampler: Which rule accepts tokens, such as "rising-bound"; "reference" for all settings as published.
        mode: "diffusion", "verified" or "autoregressive".
        patience: Steps without progress after which a canvas is given up; 0 for never.
        slide: Settled tokens at the front of a canvas that are committed before the rest is finished; 0 for none.
        pins: Fixed tokens of the first canvas.
        draft: A text to start from instead of noise, all of which may change.
        draft_noise: How much of it, or of the `prediction`, is noise at the start.
        regex: The text matches this regular expression, whole.
        choice: The text is one of these.
    """

    stream_drafts: bool = False
    draft_interval: Annotated[float, Field(ge=0, le=60)] = 0.1
    alternatives: Annotated[int, Field(ge=0, le=MAX_ALTERNATIVES)] = 0
    steps: Annotated[int, Field(ge=1, le=10_000)] | None = None
    t_max: Annotated[float, Field(ge=0)] | None = None
    t_min: Annotated[float, Field(ge=0)] | None = None
    entropy_bound: Annotated[float, Field(gt=0)] | None = None
    reach: Annotated[int, Field(ge=0)] | None = None
    confidence: Annotated[float, Field(gt=0)] | None = None
    stability: Annotated[int, Field(ge=0, le=1_000)] | None = None
    sampler: str | None = None
    mode: Mode | None = None
    patience: Annotated[int, Field(ge=0, le=10_000)] | None = None
    slide: Annotated[int, Field(ge=0, le=10_000)] | None = None
    pins: tuple[Pin, ...] = Field(default=(), strict=False, max_length=1_000)
    draft: str | None = None
    draft_noise: Annotated[float, Field(ge=0, le=1)] | None = None
    regex: str | None = None
    choice: Annotated[list[str], Field(min_length=1, max_length=10_000)] | None = None


Temperature = Annotated[float, Field(ge=0, allow_inf_nan=False)]
MaxTokens = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Stop = str | list[str]
Share = Annotated[float, Field(ge=0, le=1)]
Penalty = Annotated[float, Field(ge=-MAX_PENALTY, le=MAX_PENALTY)]
Bias = Annotated[float, Field(ge=-MAX_BIAS, le=MAX_BIAS)]


def _check_ids(bias: dict[str, float]) -> dict[str, float]:
    for key in bias:
        if not re.fullmatch("0|[1-9][0-9]{0,8}", key):
            raise PydanticCustomError("invalid_value", 'a key is not a token id; give ids as strings, such as "42"')
    return bias


class Sampling(Body):
    """Parameters of OpenAI's endpoints, those of vLLM's that others know too, and labels.

    Labels (`user` and its like) change nothing. A parameter that is not supported is refused, unless its value asks for
    nothing.
    """

    model: str | None = None
    stream: bool = False
    temperature: Temperature | None = None
    seed: Seed | None = None
    diffusion: Diffusion = Diffusion()

    user: str | None = None
    metadata: dict[str, str] | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None

    top_p: Share = 1.0
    top_k: Annotated[int, Field(ge=-1), AfterValidator(lambda k: max(k, 0))] = 0
    min_p: Share = 0.0
    logit_bias: Annotated[dict[str, Bias], AfterValidator(_check_ids)] = {}
    frequency_penalty: Penalty = 0.0
    presence_penalty: Penalty = 0.0
    repetition_penalty: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0

    @property
    def filters(self) -> Filters:
        """Which tokens are preferred, and which may be sampled."""
        return Filters(
            top_k=self.top_k,
            top_p=self.top_p,
            min_p=self.min_p,
            bias=tuple((int(token), value) for token, value in self.logit_bias.items()),
            presence_penalty=self.presence_penalty,
            frequency_penalty=self.frequency_penalty,
            repetition_penalty=self.repetition_penalty,
        )

    @model_validator(mode="before")
    @classmethod
    def _leave_out_nulls(cls, data: Any) -> Any:
        """A null is a field that was left out: some clients send all that they know."""
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if value is not None or name not in cls.model_fields}


FILTER_FIELDS = (
    *("top_p", "top_k", "min_p"),
    *("logit_bias", "frequency_penalty", "presence_penalty", "repetition_penalty"),
)
"""Those of them that prefer some tokens, or let only some be sampled."""


class StreamOptions(Body):
    """How a stream is told.

    Attributes:
        include_usage: End with a chunk that has the usage.
        include_obfuscation: Padding against eavesdroppers; there is none.
    """

    include_usage: bool = False
    include_obfuscation: Annotated[bool | None, unsupported(False)] = None


class SeveralChoices(Sampling):
    """Of the endpoints that can give several texts, in pieces.

    Attributes:
        n: Texts for each prompt.
        stop: Strings that end a text and are no part of it.
        stream_options: How the stream is told.
    """

    n: Annotated[int, Field(ge=1, le=MAX_CHOICES)] = 1
    stop: Stop | None = None
    stream_options: StreamOptions | None = None

    @model_validator(mode="after")
    def _check_stream(self) -> "SeveralChoices":
        if self.stream_options is not None and not self.stream:
            raise PydanticCustomError("invalid_value", "stream_options is given, and stream is not; give stream: true")
        if self.diffusion.stream_drafts and not self.stream:
            raise PydanticCustomError("invalid_value", "diffusion.stream_drafts is given, and stream is not; give both")
        if self.diffusion.alternatives and not self.diffusion.stream_drafts:
            raise PydanticCustomError(
                "invalid_value", "diffusion.alternatives is given, and diffusion.stream_drafts is not; give both"
            )
        return self

    @property
    def includes_usage(self) -> bool:
        """The stream ends with a chunk that has the usage."""
        return self.stream_options is not None and self.stream_options.include_usage


def sampler_for(lm: LanguageModel, body: Sampling, effort: Effort | None = None) -> SamplerSettings:
    """The model's own sampler settings, with those of a request in their place.

    Raises:
        Refusal: Settings contradict each other.
    """
    extra = body.diffusion
    steps = extra.steps
    if effort is not None:
        if steps is not None:
            raise Refusal(
                "reasoning_effort and diffusion.steps are both given; give one, for each is a number of steps",
                param="reasoning_effort",
            )
        steps = max(1, round(EFFORT_STEPS[effort] * lm.sampler.max_steps))
    try:
        return lm.sampler.with_overrides(
            steps=steps,
            temperature=body.temperature,
            t_max=extra.t_max,
            t_min=extra.t_min,
            entropy_bound=extra.entropy_bound,
            reach=extra.reach,
            confidence=extra.confidence,
            stability=extra.stability,
            sampler=extra.sampler,
            patience=extra.patience,
            slide=extra.slide,
        )
    except SettingError as error:
        raise Refusal(str(error), param="temperature" if body.temperature is not None else "diffusion") from error


def check_no_drafts(body: Sampling) -> None:
    """Refuse to stream drafts where clients have no place for them.

    Raises:
        Refusal: Drafts are wanted.
    """
    for name in ("stream_drafts", "alternatives"):
        if getattr(body.diffusion, name):
            raise Refusal(
                "drafts are not streamed here; ask /v1/chat/completions or /v1/completions",
                param=f"diffusion.{name}",
                code="unsupported_parameter",
            )


def check_no_filters(body: Sampling, what: str) -> None:
    """Refuse what filling a hole does not read.

    Raises:
        Refusal: A token is preferred, or some may not be sampled.
    """
    for name in FILTER_FIELDS:
        if getattr(body, name) != Sampling.model_fields[name].default:
            raise Refusal(f"{name} and {what} are both given; leave the first out", param=name)


def stops(stop: Stop | None, param: str = "stop") -> tuple[str, ...]:
    """Stop strings as a tuple.

    Raises:
        Refusal: One is empty or too long, or there are too many.
    """
    strings = () if stop is None else (stop,) if isinstance(stop, str) else tuple(stop)
    if "" in strings:
        raise Refusal(f"{param} holds an empty string, which every text ends with; leave it out", param=param)
    if len(strings) > MAX_STOPS or any(len(string) > MAX_STOP_LENGTH for string in strings):
        raise Refusal(
            f"{param} holds {len(strings)} strings; give at most {MAX_STOPS}, of at most {MAX_STOP_LENGTH} characters",
            param=param,
        )
    return strings
