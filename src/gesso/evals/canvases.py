"""Many requests at once: the same tokens as `run_request` gives each of them alone, sooner."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from gesso.engine.denoiser import CachedDenoiser
from gesso.engine.engine import Engine, EngineSettings
from gesso.engine.events import CanvasCommitted, Event, Finished, StepDone
from gesso.engine.request import Request
from gesso.lm.encoded_text import pad
from gesso.model.network import Network
from gesso.sampling.denoise import denoise_canvas
from gesso.sampling.pins import Pins
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.step import CanvasState

ROWS_AT_ONCE = 16
"""Canvases that are denoised as one batch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What was written for one request.

    Attributes:
        token_ids: Its tokens, up to the first stop token or the length asked for.
        steps: Denoising steps of each canvas.
        readings: How often drafts of each were read from left to right.
        converged: Whether the stopping rule found every canvas final before its steps ran out.
    """

    token_ids: tuple[int, ...]
    steps: tuple[int, ...]
    readings: tuple[int, ...]
    converged: bool


def write_requests(network: Network, requests: Sequence[Request]) -> Iterator[tuple[int, Written]]:
    """Write a text for each request, side by side.

    Args:
        network: In eval mode; its weights are not changed.
        requests: What to write.

    Yields:
        The number of a request and what was written for it, as soon as it is finished, in any order.

    Raises:
        PromptError, SettingError: A request does not fit the network. Raised before any step.
        GenerationError: The network's output is not numbers.
    """
    for request in requests:
        request.check(network.config)
    return _rounds(Engine(network, EngineSettings(max_waiting=max(1, len(requests)))), requests)


def _rounds(engine: Engine, requests: Sequence[Request]) -> Iterator[tuple[int, Written]]:
    streams = {number: engine.submit(request) for number, request in enumerate(requests)}
    events: dict[int, list[Event]] = {number: [] for number in streams}
    while streams:
        engine.step()
        for number, stream in list(streams.items()):
            events[number] += [event for event in stream.take() if not isinstance(event, StepDone)]
            if events[number] and isinstance(events[number][-1], Finished):
                del streams[number]
                yield number, _written(events.pop(number))


def _written(events: Sequence[Event]) -> Written:
    canvases = [event for event in events if isinstance(event, CanvasCommitted)]
    return Written(
        token_ids=tuple(token for canvas in canvases for token in canvas.token_ids),
        steps=tuple(canvas.steps for canvas in canvases),
        readings=tuple(canvas.readings for canvas in canvases),
        converged=all(canvas.converged for canvas in canvases),
    )


def denoise_after(
    network: Network,
    contexts: Sequence[Sequence[int]],
    sampler: SamplerSettings,
    generators: Sequence[torch.Generator],
    *,
    initial: torch.Tensor | None = None,
    pins: Pins | None = None,
) -> CanvasState:
    """Denoise one canvas after each context, as one batch, and return the canvases as they are in the end.

    Args:
        network: In eval mode.
        contexts: Tokens before each canvas; at least one each.
        sampler: Steps, temperature, acceptance and stopping.
        generators: One for each row; advanced.
        initial: Canvases to start from, [B, C]; None: pure noise.
        pins: Tokens that are fixed.

    Raises:
        GenerationError: The network's output is not numbers.
    """
    lengths = [len(context) for context in contexts]
    cache = network.new_cache(batch=len(contexts), max_len=max(lengths))
    with torch.no_grad():
        network.encode(pad(contexts).to(network.device), cache, lengths=lengths)
    steps = denoise_canvas(
        CachedDenoiser(network, cache),
        sampler,
        generators,
        canvas_length=network.config.canvas_length,
        vocab_size=network.config.vocab_size,
        initial=initial,
        pins=pins,
        device=network.device,
    )
    return deque(steps, maxlen=1).pop().state
