"""Many requests, canvas by canvas, in batches: the same tokens as `run_request` gives each of them alone, sooner."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch

from gesso.engine.reference import CachedDenoiser, cut_at_stop
from gesso.engine.request import Request
from gesso.errors import SettingError
from gesso.model.network import Network
from gesso.sampling.denoise import denoise_canvas
from gesso.sampling.draws import canvas_generator
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
        converged: Whether the stopping rule ended every canvas before its steps ran out.
    """

    token_ids: tuple[int, ...]
    steps: tuple[int, ...]
    converged: bool


@dataclass
class _Row:
    """A request that is being written."""

    index: int
    request: Request
    context: list[int]
    emitted: list[int] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    converged: bool = True
    done: bool = False


def write_requests(network: Network, requests: Sequence[Request]) -> Iterator[tuple[int, Written]]:
    """Write a text for each request.

    Rows of similar length share a batch. Between two canvases the rows that go on are sorted anew, and read again from
    their beginning.

    Args:
        network: In eval mode; its weights are not changed.
        requests: What to write; all with the same sampler settings.

    Yields:
        The number of a request and what was written for it, as soon as it is finished, in any order.

    Raises:
        PromptError, SettingError: A request does not fit the network, or the settings differ. Raised before any step.
        GenerationError: The network's output is not numbers.
    """
    for request in requests:
        request.check(network.config)
    if any(request.sampler != requests[0].sampler for request in requests):
        raise SettingError("requests with different sampler settings cannot share a batch; write them apart")
    return _rounds(network, [_Row(i, request, list(request.prompt_ids)) for i, request in enumerate(requests)])


def _rounds(network: Network, rows: list[_Row]) -> Iterator[tuple[int, Written]]:
    while rows:
        rows.sort(key=lambda row: len(row.context))
        for first in range(0, len(rows), ROWS_AT_ONCE):
            batch = rows[first : first + ROWS_AT_ONCE]
            _write_canvas(network, batch)
            yield from ((row.index, _written(row)) for row in batch if row.done)
        rows = [row for row in rows if not row.done]


def _write_canvas(network: Network, rows: list[_Row]) -> None:
    """Write the next canvas of each row. Mutates the rows."""
    requests = [row.request for row in rows]
    state = denoise_after(
        network,
        [row.context for row in rows],
        requests[0].sampler,
        [canvas_generator(row.request.seed, len(row.steps)) for row in rows],
        pins=_pins(rows, network),
    )
    for i, row in enumerate(rows):
        draft = state.draft[i].tolist()
        tokens, stopped = cut_at_stop(draft, row.request.stop_ids, row.request.max_new_tokens - len(row.emitted))
        row.emitted += tokens
        row.context += draft
        row.steps.append(int(state.steps_used[i]))
        row.converged &= bool(state.finished[i])
        row.done = stopped or len(row.emitted) == row.request.max_new_tokens


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
    padded = torch.zeros(len(contexts), max(lengths), dtype=torch.int64)
    for row, context in enumerate(contexts):
        padded[row, : len(context)] = torch.tensor(context)
    cache = network.new_cache(batch=len(contexts), max_len=max(lengths))
    with torch.no_grad():
        network.encode(padded.to(network.device), cache, lengths=lengths)
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


def _pins(rows: list[_Row], network: Network) -> Pins | None:
    firsts = [None if row.steps else row.request.first_canvas for row in rows]
    if not any(firsts):
        return None
    length = network.config.canvas_length
    mask = [[False] * length if first is None else list(first.pinned) for first in firsts]
    tokens = [[0] * length if first is None else list(first.token_ids) for first in firsts]
    return Pins(mask=torch.tensor(mask, device=network.device), tokens=torch.tensor(tokens, device=network.device))


def _written(row: _Row) -> Written:
    return Written(token_ids=tuple(row.emitted), steps=tuple(row.steps), converged=row.converged)
