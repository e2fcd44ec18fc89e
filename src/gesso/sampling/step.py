"""One denoising step: predict, measure, accept, renoise.

It has two halves. `predict` runs the network and reads its prediction; `finish_step` decides what becomes of it, and
sees no vocabulary. Both are pure, and take the draws as input: the same input gives the same step.
"""

from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from gesso.diffusion.losses import leave_one_out_logits
from gesso.sampling.constraint import Constraint
from gesso.sampling.denoiser import Denoiser, Reader
from gesso.sampling.draws import Draws
from gesso.sampling.filters import CanvasFilters
from gesso.sampling.pins import Pins
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.statistics import Statistics, measure, temper
from gesso.sampling.stop import StopHistory
from gesso.sampling.transition import Proposal, corrected_level, next_canvas
from gesso.shapes import CanvasEntropy, CanvasIds, CanvasMask, Logits, RowLengths, RowMask, SoftEmbedding


@dataclass(frozen=True, kw_only=True, slots=True)
class CanvasState:
    """A batch of canvases between two steps. A row that is finished never changes again.

    Attributes:
        canvas: what the network sees next: accepted tokens, noise, and pins.
        draft: the most likely tokens of the last step: the text to show, and to commit when denoising ends.
        conditioning: the soft embedding to feed back; None before the first step.
        history: what the stopping rule remembers.
        finished: rows that the stopping rule has ended.
        given_up: those of them that did not converge.
        step: steps taken so far by the batch.
        steps_used: steps taken so far by each row; a finished row takes no more.
        held: steps in a row, up to the last, that gave each position the same draft; 0 where there is none yet.
        pins: tokens that the caller fixed.
        constraint: which canvases are valid; None: all.
        filters: which tokens are preferred, and which may be sampled; None: all alike.
    """

    canvas: CanvasIds
    draft: CanvasIds
    conditioning: SoftEmbedding | None
    history: StopHistory
    finished: RowMask
    given_up: RowMask
    step: int
    steps_used: RowLengths
    held: Int[Tensor, "B C"]
    pins: Pins | None = None
    constraint: Constraint | None = None
    filters: CanvasFilters | None = None

    @property
    def converged(self) -> RowMask:
        """Rows that ended before their steps ran out, and not because more of them would have been in vain."""
        return self.finished & ~self.given_up


@dataclass(frozen=True, kw_only=True, slots=True)
class StepResult:
    """What a step did. In rows that were finished before it, only `state` has a meaning.

    Attributes:
        state: the canvases after the step.
        sampled: the tokens drawn from the prediction.
        accepted: positions whose sampled token is kept, pinned ones included; the others became noise, or
            stayed as they were where the rule says so.
        entropy: entropy of each position's tempered prediction, in nats; zero at pins.
        mean_entropy: its mean over the positions that are neither pinned nor forced.
        temperature: what each row's logits were divided by; zero for a greedy choice.
        settled: positions at the front that may be committed; None where the settings let no canvas slide.
    """

    state: CanvasState
    sampled: CanvasIds
    accepted: CanvasMask
    entropy: CanvasEntropy
    mean_entropy: Float[Tensor, "B"]
    temperature: Float[Tensor, "B"]
    settled: RowLengths | None = None


def start_state(
    canvas: CanvasIds,
    settings: SamplerSettings,
    pins: Pins | None = None,
    constraint: Constraint | None = None,
    filters: CanvasFilters | None = None,
) -> CanvasState:
    """Prepare canvases, of noise or of a text to revise, for their first step; pins are put in their places."""
    batch, canvas_length = canvas.shape
    if pins is not None:
        canvas = pins.apply(canvas)
    return CanvasState(
        canvas=canvas,
        draft=canvas,
        conditioning=None,
        history=settings.stop.start(batch, canvas_length, canvas.device),
        finished=torch.zeros(batch, dtype=torch.bool, device=canvas.device),
        given_up=torch.zeros(batch, dtype=torch.bool, device=canvas.device),
        step=0,
        steps_used=torch.zeros(batch, dtype=torch.int64, device=canvas.device),
        held=torch.zeros_like(canvas),
        pins=pins,
        constraint=constraint,
        filters=filters,
    )


def denoise_step(state: CanvasState, denoiser: Denoiser, settings: SamplerSettings, draws: Draws) -> StepResult:
    """Take one step with a batch of canvases that share their settings and their step number.

    Args:
        state: the canvases; not changed.
        denoiser: the network, its cache at the text before the canvases.
        settings: temperature, acceptance and stopping.
        draws: the randomness of the step.
    """
    value = settings.temperature.at(state.step, settings.max_steps)
    temperature = torch.full(state.finished.shape, value, dtype=torch.float32, device=state.canvas.device)
    level = corrected_level(settings.acceptance, state.step, settings.max_steps)
    statistics, conditioning = predict(state, denoiser, temperature, draws.uniforms, level)
    return finish_step(state, statistics, conditioning, temperature, draws, settings)


def predict(
    state: CanvasState,
    denoiser: Denoiser,
    temperature: Float[Tensor, "B"],
    uniforms: Float64[Tensor, "B C"],
    corrected_level: float | None = None,
) -> tuple[Statistics, SoftEmbedding]:
    """Run the network and read its prediction: the half of a step that a fused implementation replaces.

    Args:
        state: the canvases.
        denoiser: the network.
        temperature: what to divide each row's logits by; zero for a greedy choice.
        uniforms: a number in [0, 1) for each position, which chooses its token.
        corrected_level: sample as if no position showed its own token, in canvases of this keep probability; None: not.

    Returns:
        The statistics of the tempered prediction, and its soft embedding for the next step; both describe certainty
        where a token is pinned, and the prediction among valid canvases where there is a constraint.
    """
    if isinstance(denoiser, Reader) and corrected_level is None and state.filters is None:
        return _read_without_logits(state, denoiser, temperature, uniforms)
    prediction = denoiser.denoise(state.canvas, state.conditioning)
    statistics, logits = _read(state, prediction, temperature, uniforms)
    if corrected_level is not None:
        keep = torch.full((len(prediction), 1), corrected_level, device=prediction.device)
        without_own_token = leave_one_out_logits(prediction, state.canvas, keep)
        sampled = _read(state, without_own_token, temperature, uniforms)[0].sampled
        statistics = replace(statistics, sampled=sampled)
    return statistics, denoiser.soft_embed(logits)


def _read_without_logits(
    state: CanvasState, reader: Reader, temperature: Float[Tensor, "B"], uniforms: Float64[Tensor, "B C"]
) -> tuple[Statistics, SoftEmbedding]:
    """The fast path of `predict`: the network reads its own prediction, and pins are put in afterwards."""
    by = None
    if state.constraint is not None:
        pinned = None if state.pins is None else state.pins.tokens.masked_fill(~state.pins.mask, -1)
        by = partial(state.constraint.read_head, pinned=pinned)
    reading = reader.read(state.canvas, state.conditioning, temperature, uniforms, by)
    statistics = Statistics(
        entropy=reading.entropy, confidence=reading.confidence, argmax=reading.argmax, sampled=reading.sampled
    )
    if state.pins is None:
        return statistics, reading.soft_embedding
    certain = reader.embed(state.pins.apply(torch.zeros_like(state.canvas)))
    conditioning = torch.where(state.pins.mask[..., None], certain, reading.soft_embedding)
    return state.pins.apply_to_statistics(statistics), conditioning


def _read(
    state: CanvasState, prediction: Logits, temperature: Float[Tensor, "B"], uniforms: Float64[Tensor, "B C"]
) -> tuple[Statistics, Logits]:
    """Temper a prediction, make it keep to filters, pins and constraint, and measure it."""
    if state.filters is not None:
        prediction = state.filters.shift(prediction, state.draft, _written(state))
    logits = temper(prediction, temperature)
    if state.pins is not None:
        logits = state.pins.apply_to_logits(logits)
    if state.constraint is None:
        statistics = measure(logits, temperature, uniforms)
        if state.filters is not None and state.filters.filters.truncates:
            kept = state.filters.filters.truncate(logits)
            statistics = replace(statistics, sampled=measure(kept, temperature, uniforms).sampled)
        return statistics, logits
    logits, sampled, best = state.constraint.condition(logits, uniforms)
    statistics = measure(logits, temperature, uniforms)
    sampled = torch.where((temperature == 0)[:, None], best, sampled)
    constrained = state.constraint.constrained[:, None]
    statistics = replace(
        statistics,
        argmax=torch.where(constrained, best, statistics.argmax),
        sampled=torch.where(constrained, sampled, statistics.sampled),
    )
    return statistics, logits


def _written(state: CanvasState) -> CanvasMask:
    """Positions whose draft is text: before its first step it is noise, but for the pins."""
    drafted = state.held > 0
    return drafted if state.pins is None else drafted | state.pins.mask


def finish_step(
    state: CanvasState,
    statistics: Statistics,
    conditioning: SoftEmbedding,
    temperature: Float[Tensor, "B"],
    draws: Draws,
    settings: SamplerSettings,
) -> StepResult:
    """Decide what becomes of a prediction: the half of a step after the network.

    Args:
        state: the canvases that the prediction was made from.
        statistics: the prediction, as `predict` reads it.
        conditioning: its soft embedding.
        temperature: what each row's logits were divided by.
        draws: the randomness of the step.
        settings: acceptance and stopping.
    """
    fixed = _fixed(state)
    proposal = Proposal(
        canvas=state.canvas,
        sampled=statistics.sampled,
        noise=draws.renoise,
        coins=draws.coins,
        entropy=statistics.entropy,
        confidence=statistics.confidence,
        fixed=fixed,
        vocab_size=draws.vocab_size,
        step=state.step,
        max_steps=settings.max_steps,
    )
    canvas, accepted = next_canvas(settings.acceptance, proposal)

    draft = _keep(state.finished, state.draft, statistics.argmax)
    held = _keep(state.finished, state.held, torch.where(draft == state.draft, state.held, 0) + 1)
    mean_entropy = _mean_of_free(statistics.entropy, fixed)
    decision = settings.stop.decide(state.history, draft, mean_entropy)
    return StepResult(
        state=CanvasState(
            canvas=_keep(state.finished, state.canvas, canvas),
            draft=draft,
            conditioning=_keep(state.finished, state.conditioning, conditioning),
            history=decision.history,
            finished=state.finished | decision.converged | decision.given_up,
            given_up=state.given_up | (decision.given_up & ~state.finished),
            step=state.step + 1,
            steps_used=state.steps_used + ~state.finished,
            held=held,
            pins=state.pins,
            constraint=state.constraint,
            filters=state.filters,
        ),
        sampled=statistics.sampled,
        accepted=accepted,
        entropy=statistics.entropy,
        mean_entropy=mean_entropy,
        temperature=temperature,
        settled=None if settings.slide is None else settings.slide.num_settled(held, statistics.entropy),
    )


def _keep(finished: RowMask, old: Tensor | None, new: Tensor) -> Tensor:
    if old is None:
        return new
    return torch.where(finished.view(-1, *[1] * (new.ndim - 1)), old, new)


def _fixed(state: CanvasState) -> CanvasMask | None:
    """Positions that are not the network's to decide: those that are pinned, and those that the constraint forces."""
    masks = [state.pins.mask] if state.pins is not None else []
    masks += [state.constraint.forced] if state.constraint is not None else []
    return torch.stack(masks).any(0) if masks else None


def _mean_of_free(entropy: CanvasEntropy, fixed: CanvasMask | None) -> Float[Tensor, "B"]:
    """Mean over the positions that are not fixed, or zero: a fixed token must not make the others look certain."""
    if fixed is None:
        return entropy.mean(-1)
    return entropy.masked_fill(fixed, 0.0).sum(-1) / (~fixed).sum(-1).clamp(min=1)
