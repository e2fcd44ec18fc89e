"""One request, canvas after canvas, as plainly as it can be said: the oracle of every faster engine."""

import itertools
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from gesso.constrain.constraint import CanvasConstraint, constrain_row
from gesso.engine.denoiser import CachedDenoiser
from gesso.engine.events import CanvasCommitted, Event, Finished, StepDone
from gesso.engine.left_to_right import LeftToRightCanvas, read_draft
from gesso.engine.request import Request, cut_at_stop
from gesso.engine.rest import Rest, draft_state
from gesso.engine.warm_start import read_given, warm_canvas
from gesso.model.kv_cache import Cache
from gesso.model.network import Network
from gesso.sampling.alternatives import Alternatives, Onlooker
from gesso.sampling.denoise import steps_from
from gesso.sampling.draws import canvas_generator
from gesso.sampling.filters import CanvasFilters, Filters
from gesso.sampling.log_probabilities import LogProbabilities
from gesso.sampling.pins import Pins
from gesso.sampling.step import StepResult


def run_request(network: Network, request: Request, *, page_length: int | None = None) -> Iterator[Event]:
    """Write one text.

    The prompt is encoded; then, canvas by canvas, noise is denoised until it is text, and that text is encoded in turn.
    A canvas is emitted up to the first stop token in it. The last canvas is not encoded, for nothing follows it. Where
    canvases slide, the settled front of one is committed, and the rest begins the next.

    Args:
        network: In eval mode; its weights are not changed.
        request: What to write.
        page_length: Encode the prompt in pieces of this many tokens, as the engine does; None encodes it whole. The two
            differ by rounding alone.

    Yields:
        The events of `gesso.engine.events`, a Finished last. The caller may stop iterating at any time.

    Raises:
        PromptError, SettingError: The request does not fit the network. Raised before any step is run.
        GenerationError: The network's output is not numbers.
    """
    request.check(network.config)
    return _run(network, request, page_length or len(request.prompt_ids))


def _run(network: Network, request: Request, page_length: int) -> Iterator[Event]:
    length = network.config.canvas_length
    cache = network.new_cache(batch=1, max_len=request.max_encoded(length))
    for start in range(0, len(request.prompt_ids), page_length):
        _encode(network, request.prompt_ids[start : start + page_length], cache)

    remaining, rule_state, written = request.max_new_tokens, 0, list(request.prompt_ids)
    rest: Rest | None = None
    for index in itertools.count():
        canvas = Canvas(
            request=request,
            index=index,
            start=len(written) - len(request.prompt_ids),
            remaining=remaining,
            rule_state=rule_state,
            last_id=written[-1],
            pins=canvas_pins(request, len(written) - len(request.prompt_ids), network.device),
            constraint=canvas_constraint(request, rule_state, remaining, length, network.device),
            filters=canvas_filters(request, written, network.config.vocab_size, network.device),
            generator=canvas_generator(request.seed, index),
            rest=rest,
        )
        write = _write_left_to_right if request.mode == "autoregressive" else _denoise
        draft, committed, rest = yield from write(network, cache, canvas)
        emitted, stopped = cut_at_stop(draft, request.stop_ids, remaining)
        remaining -= len(emitted)
        yield replace(committed, token_ids=tuple(emitted), logprobs=committed.logprobs[: len(emitted)])
        if stopped or remaining == 0:
            yield Finished(reason="stop" if stopped else "length")
            return
        rule_state = state_after(request, rule_state, draft)
        written += draft
        _encode(network, draft, cache)


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """A canvas that is to be written: what is known of it before its first step.

    Attributes:
        request: Whose it is.
        index: Which of the request's.
        start: Tokens of its text before it.
        remaining: Tokens that may still be emitted.
        rule_state: Where the text before it has led the request's rule.
        last_id: The last token before it.
        pins: The caller's fixed tokens.
        constraint: Which canvases are valid.
        filters: Which tokens are preferred, and which may be sampled.
        generator: Its randomness.
        rest: What is left of the canvas before it, if that slides on.
    """

    request: Request
    index: int
    start: int
    remaining: int
    rule_state: int
    last_id: int
    pins: Pins | None
    constraint: CanvasConstraint | None
    filters: CanvasFilters | None
    generator: torch.Generator
    rest: Rest | None


Writer = Generator[StepDone, None, tuple[list[int], CanvasCommitted, Rest | None]]
"""Tells of its steps, and returns what is committed, what is to be told of it, its tokens aside, and what is left."""


def _denoise(network: Network, text: Cache, canvas: Canvas) -> Writer:
    """Denoise a canvas; where the mode says so, read the draft, and paint again what follows its first fault."""
    request, config = canvas.request, network.config
    rest, before = None, canvas.rest
    probable = before.probable if before else followed_logprobs(request, config.canvas_length, network.device)
    kept = read_given(
        network,
        text,
        canvas.last_id,
        request,
        start=canvas.start,
        remaining=canvas.remaining,
        rule_state=canvas.rule_state,
        pins=canvas.pins,
        filters=canvas.filters,
        generator=canvas.generator,
    )
    spent, readings = 0, int(kept is not None)
    draft, converged = (kept, True) if isinstance(kept, list) else ([], False)
    pins = kept if isinstance(kept, Pins) else canvas.pins
    initial = None if converged else warm_canvas(network, request, canvas.start, canvas.generator)
    while not converged:
        last: StepResult | None = None
        denoiser = CachedDenoiser(network, text)
        onlooker = Onlooker(denoiser, request.alternatives) if request.is_looked_on else None
        settings = request.draft_settings(spent)
        state = draft_state(
            before,
            settings,
            canvas.generator,
            config,
            initial=initial,
            pins=pins,
            constraint=canvas.constraint,
            filters=canvas.filters,
            device=network.device,
        )
        for last in steps_from(state, onlooker or denoiser, settings, [canvas.generator], config.vocab_size):
            if probable is not None and onlooker is not None and onlooker.logits is not None:
                probable.note(last, onlooker.logits)
            seen = onlooker and onlooker.alternatives
            yield step_done(request, canvas.index, last, config.canvas_length, spent, seen)
            rest = Rest.after(last, probable)
            if rest is not None:
                break
        assert last is not None, "a draft takes at least one step"
        draft, converged = last.state.draft[0].tolist(), bool(last.state.converged[0])
        if rest is not None:
            draft, converged = rest.front, True
        spent += int(last.state.steps_used[0])
        if request.mode != "verified":
            break
        converged = False  # until it has been read
        if spent == request.sampler.max_steps:
            break
        readings += 1
        kept = read_draft(
            network,
            text,
            canvas.last_id,
            request,
            draft,
            remaining=canvas.remaining,
            pins=canvas.pins,
            filters=canvas.filters,
            generator=canvas.generator,
        )
        converged = kept is None
        pins, initial = kept, None
    committed = CanvasCommitted(
        canvas_index=canvas.index,
        token_ids=(),
        steps=spent,
        converged=converged,
        readings=readings,
        logprobs=() if probable is None else probable.tell(),
    )
    return draft, committed, rest


def _write_left_to_right(network: Network, text: Cache, canvas: Canvas) -> Writer:
    """Write a canvas token by token."""
    request, length = canvas.request, network.config.canvas_length
    line = LeftToRightCanvas(
        network, request, canvas.last_id, canvas.remaining, canvas.generator, filters=canvas.filters
    )
    while True:
        result = line.step(text)
        yield step_done(request, canvas.index, result, length)
        if bool(result.state.finished[0]):
            committed = CanvasCommitted(
                canvas_index=canvas.index,
                token_ids=(),
                steps=result.state.step,
                converged=True,
                logprobs=line.logprobs if request.logprobs else (),
            )
            return result.state.draft[0].tolist(), committed, None


@torch.no_grad()
def _encode(network: Network, token_ids: tuple[int, ...] | list[int], cache: Cache) -> None:
    network.encode(torch.tensor([token_ids], device=network.device), cache)


def canvas_pins(request: Request, start: int, device: torch.device) -> Pins | None:
    """The fixed tokens of a canvas of a request, behind the first `start` tokens of its text."""
    first = request.first_canvas
    if first is None or start >= len(first.pinned):
        return None
    behind = len(first.pinned) - start
    mask = torch.tensor([first.pinned], device=device).roll(-start, 1)
    mask[:, behind:] = False
    return Pins(mask=mask, tokens=torch.tensor([first.token_ids], device=device).roll(-start, 1))


def canvas_constraint(
    request: Request, state: int, remaining: int, canvas_length: int, device: torch.device
) -> CanvasConstraint | None:
    """The valid canvases of a request.

    Args:
        request: What is asked.
        state: Where its text so far has led its rule.
        remaining: Tokens that may still be emitted.
        canvas_length: Positions of a canvas.
        device: Where the logits are.
    """
    if request.rule is None:
        return None
    row = constrain_row(request.rule, state=state, remaining=remaining, canvas_length=canvas_length)
    return CanvasConstraint.of([row], canvas_length=canvas_length, device=device)


def canvas_filters(
    request: Request, text: Sequence[int], vocab_size: int, device: torch.device
) -> CanvasFilters | None:
    """The filters of a canvas; None if the request has none, for then a step need not make logits.

    Args:
        request: What is asked.
        text: The prompt, and all that is written.
        vocab_size: Tokens that there are.
        device: Where the logits are.
    """
    if request.filters == Filters():
        return None
    return CanvasFilters.after(
        request.filters,
        prompt_ids=request.prompt_ids,
        emitted=text[len(request.prompt_ids) :],
        stop_ids=request.stop_ids,
        vocab_size=vocab_size,
        device=device,
    )


def followed_logprobs(request: Request, canvas_length: int, device: torch.device) -> LogProbabilities | None:
    """What follows the log-probabilities of a canvas, if the request asks for them."""
    return LogProbabilities(canvas_length, device, request.top_logprobs) if request.logprobs else None


def state_after(request: Request, state: int, canvas: list[int]) -> int:
    """Where a committed canvas leads the request's rule."""
    return state if request.rule is None else request.rule.automaton.advance(state, canvas)


def step_done(
    request: Request,
    canvas_index: int,
    result: StepResult,
    canvas_length: int,
    steps_before: int = 0,
    alternatives: Alternatives | None = None,
) -> StepDone:
    """Tell of a step of one row; `steps_before` are those of the canvas's earlier drafts."""
    return StepDone(
        canvas_index=canvas_index,
        step=steps_before + result.state.step,
        max_steps=request.max_steps(canvas_length),
        draft=tuple(result.state.draft[0].tolist()),
        canvas=tuple(result.state.canvas[0].tolist()),
        accepted=tuple(result.accepted[0].tolist()),
        entropy=tuple(result.entropy[0].tolist()),
        temperature=float(result.temperature[0]),
        alternatives=() if alternatives is None else _pairs(alternatives),
    )


def _pairs(alternatives: Alternatives) -> tuple[tuple[tuple[int, float], ...], ...]:
    rows = zip(alternatives.token_ids[0].tolist(), alternatives.probabilities[0].tolist(), strict=True)
    return tuple(tuple(zip(ids, probabilities, strict=True)) for ids, probabilities in rows)
