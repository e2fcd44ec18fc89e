"""One request, canvas after canvas, as plainly as it can be said: the oracle of every faster engine."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from gesso.engine.events import CanvasCommitted, Event, Finished, StepDone
from gesso.engine.request import Request
from gesso.model.kv_cache import Cache
from gesso.model.network import Network
from gesso.sampling.denoise import denoise_canvas
from gesso.sampling.draws import canvas_generator
from gesso.sampling.pins import Pins
from gesso.sampling.step import StepResult
from gesso.shapes import CanvasIds, Logits, SoftEmbedding


@dataclass(frozen=True)
class CachedDenoiser:
    """A network with the text before the canvas in its cache: what the sampler sees."""

    network: Network
    cache: Cache

    def denoise(self, canvas: CanvasIds, conditioning: SoftEmbedding | None) -> Logits:
        """Predict the clean canvas."""
        return self.network.denoise(canvas, self.cache, conditioning)

    def soft_embed(self, logits: Logits) -> SoftEmbedding:
        """Embed a prediction."""
        return self.network.soft_embed(logits)


def run_request(network: Network, request: Request, *, page_length: int | None = None) -> Iterator[Event]:
    """Write one text.

    The prompt is encoded; then, canvas by canvas, noise is denoised until it is text, and that text is encoded in turn.
    A canvas is emitted up to the first stop token in it. The last canvas is not encoded, for nothing follows it.

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
    num_canvases = request.num_canvases(length)
    cache = network.new_cache(batch=1, max_len=len(request.prompt_ids) + (num_canvases - 1) * length)
    for start in range(0, len(request.prompt_ids), page_length):
        _encode(network, request.prompt_ids[start : start + page_length], cache)

    remaining = request.max_new_tokens
    for index in range(num_canvases):
        last: StepResult | None = None
        for last in denoise_canvas(
            CachedDenoiser(network, cache),
            request.sampler,
            [canvas_generator(request.seed, index)],
            canvas_length=length,
            vocab_size=network.config.vocab_size,
            pins=canvas_pins(request, index, network.device),
            device=network.device,
        ):
            yield step_done(index, last, request.sampler.max_steps)
        assert last is not None, "a canvas takes at least one step"

        draft = last.state.draft[0].tolist()
        emitted, stopped = cut_at_stop(draft, request.stop_ids, remaining)
        remaining -= len(emitted)
        yield CanvasCommitted(
            canvas_index=index,
            token_ids=tuple(emitted),
            steps=int(last.state.steps_used[0]),
            converged=bool(last.state.finished[0]),
        )
        if stopped or remaining == 0:
            yield Finished(reason="stop" if stopped else "length")
            return
        _encode(network, draft, cache)


def cut_at_stop(tokens: list[int], stop_ids: frozenset[int], limit: int) -> tuple[list[int], bool]:
    """Cut a canvas to the tokens that count, and say whether a stop token is what ended them.

    Args:
        tokens: A canvas.
        stop_ids: Tokens that end the text.
        limit: Tokens that may still be emitted.
    """
    for position, token in enumerate(tokens[:limit]):
        if token in stop_ids:
            return tokens[:position], True
    return tokens[:limit], False


@torch.no_grad()
def _encode(network: Network, token_ids: tuple[int, ...] | list[int], cache: Cache) -> None:
    network.encode(torch.tensor([token_ids], device=network.device), cache)


def canvas_pins(request: Request, canvas_index: int, device: torch.device) -> Pins | None:
    """The fixed tokens of one canvas of a request."""
    first = request.first_canvas
    if first is None or canvas_index > 0:
        return None
    return Pins(mask=torch.tensor([first.pinned], device=device), tokens=torch.tensor([first.token_ids], device=device))


def step_done(canvas_index: int, result: StepResult, max_steps: int) -> StepDone:
    """Tell of a step of one row."""
    return StepDone(
        canvas_index=canvas_index,
        step=result.state.step,
        max_steps=max_steps,
        draft=tuple(result.state.draft[0].tolist()),
        canvas=tuple(result.state.canvas[0].tolist()),
        accepted=tuple(result.accepted[0].tolist()),
        entropy=tuple(result.entropy[0].tolist()),
        temperature=float(result.temperature[0]),
    )
