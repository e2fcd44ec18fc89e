"""A denoising step of many requests as one function of tensors, sampler included: what a CUDA graph records.

Its shapes follow from the number of rows alone, and nothing in it waits for the device. Whatever differs between
requests comes in as numbers: their settings, how far they are, their pins, and where their text lies.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from gesso.engine.denoiser import HiddenDenoiser
from gesso.engine.kv_pool import KVPool
from gesso.model.network import Network
from gesso.sampling.draws import Draws
from gesso.sampling.pins import Pins
from gesso.sampling.row_rules import row_settings, start_history
from gesso.sampling.step import CanvasState, StepResult, finish_step, predict
from gesso.shapes import CanvasEntropy, CanvasIds, CanvasMask, RowLengths, RowMask


class StepInputs(NamedTuple):
    """What the host adds to the canvases of a step.

    Attributes:
        pages: The pages of each row's text; those behind it may be any.
        context: Positions of each row's text.
        numbers: `gesso.sampling.row_rules.RowNumbers` of each row.
        uniforms: As in `Draws`.
        renoise: As in `Draws`.
    """

    pages: Int[Tensor, "B T"]
    context: RowLengths
    numbers: Float64[Tensor, "B R"]
    uniforms: Float64[Tensor, "B C"]
    renoise: CanvasIds


class StepReport(NamedTuple):
    """What the host wants to know of a step: parts of `CanvasState` and `StepResult`, a few numbers a position."""

    canvas: CanvasIds
    draft: CanvasIds
    finished: RowMask
    given_up: RowMask
    steps_used: RowLengths
    sampled: CanvasIds
    accepted: CanvasMask
    entropy: CanvasEntropy
    mean_entropy: Float[Tensor, "B"]
    temperature: Float[Tensor, "B"]

    @classmethod
    def of(cls, result: StepResult) -> "StepReport":
        """The report of a step."""
        after = result.state
        return cls(
            canvas=after.canvas,
            draft=after.draft,
            finished=after.finished,
            given_up=after.given_up,
            steps_used=after.steps_used,
            sampled=result.sampled,
            accepted=result.accepted,
            entropy=result.entropy,
            mean_entropy=result.mean_entropy,
            temperature=result.temperature,
        )

    def row(self, index: int) -> StepResult:
        """What the step did in one row."""
        own = StepReport(*(tensor[index : index + 1] for tensor in self))
        state = CanvasState(
            canvas=own.canvas,
            draft=own.draft,
            conditioning=None,
            held=torch.zeros_like(own.draft),
            history=(),
            finished=own.finished,
            given_up=own.given_up,
            step=int(own.steps_used),
            steps_used=own.steps_used,
        )
        return StepResult(
            state=state,
            sampled=own.sampled,
            accepted=own.accepted,
            entropy=own.entropy,
            mean_entropy=own.mean_entropy,
            temperature=own.temperature,
        )


STATE_TENSORS = 12
"""How many tensors `state_tensors` gives."""


def graphed_step(network: Network, pool: KVPool, *tensors: Tensor) -> tuple[Tensor, ...]:
    """Take one step with canvases that have settings, step numbers and texts of their own.

    Args:
        network: In eval mode.
        pool: Holds the texts; read only.
        tensors: `state_tensors` of the canvases, followed by `StepInputs`.

    Returns:
        `state_tensors` of the canvases after the step, followed by `StepReport`.
    """
    state, inputs = state_of(tensors[:STATE_TENSORS]), StepInputs(*tensors[STATE_TENSORS:])
    temperature, settings = row_settings(inputs.numbers)
    draws = Draws(uniforms=inputs.uniforms, renoise=inputs.renoise, vocab_size=network.config.vocab_size)
    text = pool.mapped(inputs.pages, inputs.context)
    hidden = network.denoise_hidden(state.canvas, text, state.conditioning, context=inputs.context)
    statistics, conditioning = predict(state, HiddenDenoiser(network, hidden), temperature, draws.uniforms)
    result = finish_step(state, statistics, conditioning, temperature, draws, settings)
    return (*state_tensors(result.state), *StepReport.of(result))


def graphed_state(first: CanvasState, network: Network) -> CanvasState:
    """Prepare canvases for their first `graphed_step`: no tensor of theirs is ever missing, and all are on the device.

    Nothing is pinned where there are no pins, and true zeros are fed back, which pass the network as nothing.
    """
    config, device = network.config, network.device
    batch, length = first.canvas.shape
    pins = first.pins or Pins(mask=torch.zeros_like(first.canvas, dtype=torch.bool), tokens=first.canvas)
    finished = torch.zeros(batch, dtype=torch.bool, device=device)
    canvas = to_device(first.canvas, device)
    return CanvasState(
        canvas=canvas,
        draft=canvas,
        conditioning=torch.zeros(batch, length, config.hidden_size, dtype=network.dtype, device=device),
        held=torch.zeros_like(canvas),
        history=start_history(batch, length, device),
        finished=finished,
        given_up=finished,
        step=0,
        steps_used=torch.zeros(batch, dtype=torch.int64, device=device),
        pins=Pins(mask=to_device(pins.mask, device), tokens=to_device(pins.tokens, device)),
    )


def state_tensors(state: CanvasState) -> tuple[Tensor, ...]:
    """The tensors of canvases that `graphed_state` has prepared."""
    assert state.conditioning is not None, "zeros are fed back to a canvas in its first step"
    assert state.pins is not None, "pins hold nothing where nothing is pinned"
    ended = (state.finished, state.given_up, state.steps_used)
    canvas = (state.canvas, state.draft, state.conditioning, state.held, *state.history)
    return *canvas, *ended, state.pins.mask, state.pins.tokens


def state_of(tensors: Sequence[Tensor], step: int = 0) -> CanvasState:
    """The canvases that have these tensors; where they have taken unlike numbers of steps, `step` means nothing."""
    canvas, draft, conditioning, held, *history, finished, given_up, steps_used, mask, tokens = tensors
    return CanvasState(
        canvas=canvas,
        draft=draft,
        conditioning=conditioning,
        held=held,
        history=tuple(history),
        finished=finished,
        given_up=given_up,
        step=step,
        steps_used=steps_used,
        pins=Pins(mask=mask, tokens=tokens),
    )


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy from the host without waiting for the device, which a copy from memory that is not pinned would do."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)
