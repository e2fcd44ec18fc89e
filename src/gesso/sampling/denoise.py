"""The loop over the steps of one batch of canvases."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch.nn.functional import pad

from gesso.errors import GenerationError, InputError
from gesso.sampling.constraint import Constraint
from gesso.sampling.denoiser import Denoiser
from gesso.sampling.draws import draw_canvas, draw_step
from gesso.sampling.filters import CanvasFilters
from gesso.sampling.pins import Pins
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.step import CanvasState, StepResult, denoise_step, start_state
from gesso.shapes import CanvasIds, RowMask


def denoise_canvas(
    denoiser: Denoiser,
    settings: SamplerSettings,
    generators: Sequence[torch.Generator],
    *,
    canvas_length: int,
    vocab_size: int,
    initial: CanvasIds | None = None,
    pins: Pins | None = None,
    constraint: Constraint | None = None,
    filters: CanvasFilters | None = None,
    device: torch.device | None = None,
) -> Iterator[StepResult]:
    """Refine a batch of canvases step by step, until all rows are finished or the steps run out.

    A row's tokens depend on its own generator, its own text and its own pins, never on its neighbours. The text to
    commit is the draft of the last result's state; a row that is not `finished` there has used all its steps.

    Args:
        denoiser: the network, its cache at the text before the canvases.
        settings: steps, temperature, acceptance and stopping.
        generators: one for each row, such as `canvas_generator` makes; advanced while their row is not finished.
        canvas_length: positions of a canvas.
        vocab_size: tokens that noise is drawn from.
        initial: canvases to start from, such as a text to revise. None: pure noise.
        pins: tokens that are fixed.
        constraint: which canvases are valid. None: all.
        filters: which tokens are preferred, and which may be sampled. None: all alike.
        device: where the canvases are made. None: where `initial` is, or the CPU.

    Yields:
        The result of every step, at least one.

    Raises:
        InputError: `initial` or `pins` have the wrong shape or hold no tokens of this vocabulary, or the pins
            contradict the constraint.
        GenerationError: the network's logits are not numbers.
    """
    state = first_state(
        settings,
        generators,
        canvas_length=canvas_length,
        vocab_size=vocab_size,
        initial=initial,
        pins=pins,
        constraint=constraint,
        filters=filters,
        device=device,
    )
    return steps_from(state, denoiser, settings, generators, vocab_size)


def first_state(
    settings: SamplerSettings,
    generators: Sequence[torch.Generator],
    *,
    canvas_length: int,
    vocab_size: int,
    initial: CanvasIds | None = None,
    pins: Pins | None = None,
    constraint: Constraint | None = None,
    filters: CanvasFilters | None = None,
    device: torch.device | None = None,
) -> CanvasState:
    """Draw or check the canvases that a loop starts from; the arguments are those of `denoise_canvas`.

    Raises:
        InputError: `initial` or `pins` have the wrong shape or hold no tokens of this vocabulary, or the pins
            contradict the constraint.
    """
    shape = (len(generators), canvas_length)
    if initial is not None:
        _check_tokens(initial, shape, vocab_size, "the initial canvas")
        device = initial.device if device is None else device
    if pins is not None:
        _check_tokens(pins.apply(torch.zeros_like(pins.tokens)), shape, vocab_size, "the pins")
    device = torch.device("cpu") if device is None else device
    if initial is None:
        initial = draw_canvas(generators, canvas_length=canvas_length, vocab_size=vocab_size, device=device)
    if pins is not None and constraint is not None:
        _check_agreement(pins, constraint, vocab_size)
    return start_state(initial.to(device), settings, pins, constraint, filters)


def next_step(
    state: CanvasState,
    denoiser: Denoiser,
    settings: SamplerSettings,
    generators: Sequence[torch.Generator],
    vocab_size: int,
) -> StepResult:
    """Draw what a step needs and take it: one turn of the loop, for whoever runs a loop of their own.

    Args:
        state: the canvases; not changed.
        denoiser: the network, its cache at the text before the canvases.
        settings: temperature, acceptance and stopping.
        generators: one for each row; advanced where the row is not finished.
        vocab_size: tokens that noise is drawn from.

    Raises:
        GenerationError: the network's logits are not numbers.
    """
    active = ~state.finished
    draws = draw_step(
        generators,
        canvas_length=state.canvas.shape[1],
        vocab_size=vocab_size,
        device=state.canvas.device,
        active=active.tolist(),
    )
    with torch.no_grad():
        result = denoise_step(state, denoiser, settings, draws)
    check_numbers(result, active, settings.max_steps)
    return result


def slid_state(
    state: CanvasState,
    count: int,
    settings: SamplerSettings,
    generators: Sequence[torch.Generator],
    *,
    vocab_size: int,
    fresh: CanvasIds | None = None,
    pins: Pins | None = None,
    constraint: Constraint | None = None,
    filters: CanvasFilters | None = None,
) -> CanvasState:
    """Slide canvases on: what is behind the first positions moves to the front, and noise comes in at the end.

    Tokens, drafts and what is fed back move together. Steps, and what the stopping rule remembers, begin anew.

    Args:
        state: the canvases after a step; not changed.
        count: positions at the front that have been committed.
        settings: of the canvases to come.
        generators: one for each row; advanced if there is no `fresh`.
        vocab_size: tokens that noise is drawn from.
        fresh: whole canvases of which the end comes in, such as a text to revise. None: pure noise.
        pins: tokens that are fixed in the canvases to come.
        constraint: which of them are valid. None: all.
        filters: which tokens are preferred, and which may be sampled. None: all alike.
    """
    length = state.canvas.shape[1]
    if fresh is None:
        fresh = draw_canvas(generators, canvas_length=length, vocab_size=vocab_size, device=state.canvas.device)
    end = fresh[:, length - count :]
    start = start_state(torch.cat([state.canvas[:, count:], end], dim=1), settings, pins, constraint, filters)
    conditioning = state.conditioning
    return replace(
        start,
        draft=torch.cat([state.draft[:, count:], end], dim=1),
        conditioning=None if conditioning is None else pad(conditioning[:, count:], (0, 0, 0, count)),
        held=pad(state.held[:, count:], (0, count)),
    )


def steps_from(
    state: CanvasState,
    denoiser: Denoiser,
    settings: SamplerSettings,
    generators: Sequence[torch.Generator],
    vocab_size: int,
) -> Iterator[StepResult]:
    """Take steps until all rows are finished or the steps run out: the loop of `denoise_canvas`, from any state."""
    for _ in range(settings.max_steps):
        result = next_step(state, denoiser, settings, generators, vocab_size)
        state = result.state
        yield result
        if bool(state.finished.all()):
            return


def check_numbers(result: StepResult, active: RowMask, max_steps: int) -> None:
    """Refuse a step whose prediction is not numbers in an active row; waits for the device that it was taken on.

    Raises:
        GenerationError: the network's logits are not numbers.
    """
    broken = (active & ~result.entropy.isfinite().all(-1)).nonzero().flatten().tolist()
    if broken:
        raise GenerationError(
            f"the network's logits are not numbers at step {result.state.step} of {max_steps} in row {broken[0]}: the "
            "weights hold values that are not numbers, or numbers too large for their precision; check the checkpoint"
        )


def _check_tokens(tokens: CanvasIds, shape: tuple[int, int], vocab_size: int, name: str) -> None:
    if tuple(tokens.shape) != shape:
        raise InputError(f"{name} has shape {list(tokens.shape)}; give {shape[0]} rows of {shape[1]} tokens")
    outside = tokens[(tokens < 0) | (tokens >= vocab_size)]
    if outside.numel():
        raise InputError(f"{name} holds the token {int(outside[0])}; give ids from 0 to {vocab_size - 1}")


def _check_agreement(pins: Pins, constraint: Constraint, vocab_size: int) -> None:
    pinned = pins.apply_to_logits(torch.zeros(*pins.tokens.shape, vocab_size, device=pins.tokens.device))
    impossible = constraint.log_normalizer(pinned).isneginf().nonzero().flatten().tolist()
    if impossible:
        raise InputError(
            f"no canvas has the pins of row {impossible[0]} and is valid under the constraint; remove one of the "
            "pins or relax the constraint"
        )
