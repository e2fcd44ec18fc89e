"""How a body becomes orders: texts to write, each with what it starts from."""

from collections.abc import Sequence

from gesso.constrain.constraint import CompiledRule
from gesso.engine.request import Draft, FirstCanvas, Request
from gesso.errors import SettingError
from gesso.lm.candidates import seeds
from gesso.lm.language_model import LanguageModel
from gesso.lm.prompt import draft_of
from gesso.sampling.settings import SamplerSettings
from gesso.server.parameters import Pin, Sampling
from gesso.server.progress import Order
from gesso.server.refusal import Refusal


def orders(
    lm: LanguageModel,
    prompt_ids: Sequence[int],
    body: Sampling,
    *,
    sampler: SamplerSettings,
    max_new_tokens: int | None,
    stop: tuple[str, ...],
    is_conversation: bool,
    num: int = 1,
    max_prompt_tokens: int | None = None,
    rule: CompiledRule | None = None,
    prediction: str | None = None,
    logprobs: bool = False,
    top_logprobs: int = 0,
) -> list[Order]:
    """Make an order for each text that a prompt shall have.

    `prediction` is a draft of the text, as `diffusion.draft` is.

    Raises:
        PromptError, SettingError: The prompt or a setting cannot be used.
        Refusal: The prompt is longer than this server takes.
    """
    if max_prompt_tokens is not None and len(prompt_ids) > max_prompt_tokens:
        raise Refusal(
            f"the prompt has {len(prompt_ids)} tokens and this server takes {max_prompt_tokens}; shorten it",
            code="context_length_exceeded",
        )
    first_canvas = first_canvas_of(lm, body.diffusion.pins)
    draft = _draft(lm, body, prediction, is_conversation=is_conversation, logprobs=logprobs)
    made = []
    for seed in seeds(body.seed, num):
        request = Request(
            prompt_ids=tuple(prompt_ids),
            max_new_tokens=lm.max_new_tokens if max_new_tokens is None else max_new_tokens,
            sampler=sampler,
            seed=seed,
            stop_ids=lm.stop_ids,
            first_canvas=first_canvas,
            draft=draft,
            mode=lm.mode_for(body.diffusion.mode, body.diffusion.sampler),
            rule=rule,
            alternatives=body.diffusion.alternatives,
            logprobs=logprobs,
            top_logprobs=top_logprobs,
            filters=body.filters,
        )
        request.check(lm.network.config)
        interval = body.diffusion.draft_interval if body.diffusion.stream_drafts else None
        made.append(Order(request=request, stop=stop, is_conversation=is_conversation, draft_interval_s=interval))
    return made


def _draft(
    lm: LanguageModel, body: Sampling, prediction: str | None, *, is_conversation: bool, logprobs: bool
) -> Draft | None:
    """What a text starts from. The draft of a reply ends with the end of the turn, which may change like the rest."""
    param, text = "diffusion.draft", body.diffusion.draft
    if prediction is not None:
        if text is not None:
            raise Refusal("prediction and diffusion.draft are both given; give one", param="prediction")
        param, text = "prediction", prediction
    if text is not None and logprobs:
        raise Refusal(
            f"{param} and logprobs are both given; what is kept of it was predicted by no step: leave one of the two "
            "out",
            param=param,
        )
    try:
        draft = draft_of(lm.tokenizer, text, body.diffusion.draft_noise)
    except SettingError as error:
        raise Refusal(f"{param}: {error}", param=param) from error
    if draft is None or not is_conversation:
        return draft
    end = lm.tokenizer.token_id("<turn|>")
    return Draft(token_ids=(*draft.token_ids, end), levels=(*draft.levels, draft.levels[-1]))


def first_canvas_of(lm: LanguageModel, pins: Sequence[Pin]) -> FirstCanvas | None:
    """Lay pins into a canvas.

    Raises:
        Refusal: A pin does not fit the canvas, or lies on another.
    """
    if not pins:
        return None
    length = lm.network.config.canvas_length
    tokens, pinned = [lm.tokenizer.pad_id] * length, [False] * length
    for number, pin in enumerate(pins):
        ids = lm.tokenizer.encode(pin.text)
        end = pin.start + len(ids)
        param = f"diffusion.pins.{number}"
        if end > length:
            raise Refusal(f"{param} reaches position {end} and a canvas has {length}; move or shorten it", param=param)
        if any(pinned[pin.start : end]):
            raise Refusal(f"{param} lies on another pin; move it", param=param)
        tokens[pin.start : end] = ids
        pinned[pin.start : end] = [True] * len(ids)
    return FirstCanvas(token_ids=tuple(tokens), pinned=tuple(pinned))
