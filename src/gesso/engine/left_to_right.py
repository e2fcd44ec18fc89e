"""The causal mode of a network: it reads texts and canvases from left to right, and can write them so."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from gesso.engine.request import Request, cut_at_stop
from gesso.errors import GenerationError
from gesso.model.kv_cache import Cache, Lookahead
from gesso.model.network import Network
from gesso.sampling.draws import draw_step
from gesso.sampling.filters import CanvasFilters
from gesso.sampling.log_probabilities import top_logprobs
from gesso.sampling.pins import Pins
from gesso.sampling.statistics import measure, temper
from gesso.sampling.step import CanvasState, StepResult
from gesso.sampling.token_logprob import TokenLogprob
from gesso.sampling.verification import pins_of_what_holds
from gesso.shapes import Hidden


@torch.no_grad()
def surprise(
    network: Network,
    context: Sequence[int],
    continuation: Sequence[int],
    *,
    end_ids: frozenset[int] = frozenset(),
) -> Float[Tensor, " N"]:
    """Nats of each token of a continuation, given all before it.

    Args:
        network: In eval mode; the pass that would commit the text also reads it.
        context: Tokens before; at least one.
        continuation: Tokens to be read; may be empty if there are `end_ids`.
        end_ids: Any of these is expected behind the continuation; none if the text goes on.

    Returns:
        Float32: one number for each token, and one more for the end if there are `end_ids`.
    """
    ids = torch.tensor([[*context, *continuation]], device=network.device)
    hidden = network.encode(ids, network.new_cache(batch=1, max_len=ids.shape[1]))
    logs = network.head(hidden[:, len(context) - 1 :])[0].float().log_softmax(-1)
    nats = -logs[:-1].gather(1, ids[0, len(context) :, None]).squeeze(1)
    if not end_ids:
        return nats
    end = -logs[-1, sorted(end_ids)].logsumexp(0, keepdim=True)
    return torch.cat([nats, end])


@torch.no_grad()
def read_draft(
    network: Network,
    text: Cache,
    last_id: int,
    request: Request,
    draft: Sequence[int],
    *,
    remaining: int,
    pins: Pins | None,
    generator: torch.Generator,
    filters: CanvasFilters | None = None,
) -> Pins | None:
    """Read a canvas as the pass that commits it would, and see which of its tokens hold.

    Args:
        network: In eval mode.
        text: One row: the encoded text before the canvas; not changed.
        last_id: The last token of that text.
        request: Whose canvas it is.
        draft: The canvas.
        remaining: Tokens that may still be emitted; what follows them is not read.
        pins: The caller's tokens.
        generator: The canvas's; advanced.
        filters: Bias and penalties shift what is read, as they shift what is drafted: else a reading would never be
            content with a draft that obeys them. What is written anew is sampled as they say.

    Returns:
        What the next draft shall keep, one row; None if the canvas holds.
    """
    device = network.device
    logits = network.head(_extend(network, Lookahead(text, text.lengths[0] - 1), [last_id, *draft[:-1]]))[0]
    if filters is not None:
        canvas = torch.tensor([draft], device=device)
        logits = filters.shift(logits[None].float(), canvas, torch.ones_like(canvas, dtype=torch.bool))[0]
    counted, stopped = cut_at_stop(list(draft), request.stop_ids, remaining)
    draws = draw_step([generator], canvas_length=len(draft), vocab_size=logits.shape[-1], device=device)
    return pins_of_what_holds(
        torch.tensor(draft, device=device),
        logits,
        end=len(counted) + stopped,
        pins=pins,
        verification=request.verification,
        temperature=left_to_right_temperature(request),
        uniforms=draws.uniforms[0],
        # A new token could lead where the rule, or what is pinned behind it, has no way on; what stands before cannot.
        writes_anew=request.rule is None and pins is None,
        filters=filters and filters.filters,
    )


class LeftToRightCanvas:
    """A canvas that is written token by token. One of its steps writes one token.

    Args:
        network: In eval mode.
        request: Whose canvas it is.
        last_id: The last token of the text before it.
        remaining: Tokens that may still be emitted.
        generator: The canvas's; advanced here, for all its tokens at once.
        filters: Which tokens are preferred, and which may be sampled; None: all alike.
    """

    def __init__(
        self,
        network: Network,
        request: Request,
        last_id: int,
        remaining: int,
        generator: torch.Generator,
        *,
        filters: CanvasFilters | None = None,
    ) -> None:
        self._network = network
        self._request = request
        self._written: list[int] = []
        self._entropies: list[float] = []
        self._logprobs: list[TokenLogprob] = []
        self._last_id = last_id
        self._remaining = remaining
        self._filters = filters
        config = network.config
        self._uniforms: Float64[Tensor, "1 C"] = draw_step(
            [generator], canvas_length=config.canvas_length, vocab_size=config.vocab_size, device=network.device
        ).uniforms
        self._cache: Lookahead | None = None

    @torch.no_grad()
    def step(self, text: Cache) -> StepResult:
        """Write the next token. Mutates this canvas alone.

        Args:
            text: One row: the encoded text before the canvas, the same at every step, wherever it lies.

        Raises:
            GenerationError: The network's output is not numbers.
        """
        network = self._network
        if self._cache is None:
            self._cache = Lookahead(text, text.lengths[0] - 1)
        self._cache.base = text
        position = len(self._written)
        temperature = torch.full((1,), left_to_right_temperature(self._request), device=network.device)
        uniforms = self._uniforms[:, position : position + 1]
        prediction = network.head(_extend(network, self._cache, [self._last_id]))
        if self._filters is not None:
            here = torch.tensor([[self._last_id]], device=network.device)
            prediction = self._filters.shift(prediction, here, torch.zeros_like(here, dtype=torch.bool))
        logits = temper(prediction, temperature)
        measured = measure(logits, temperature, uniforms)
        if not bool(measured.entropy.isfinite().all()):
            raise GenerationError(
                f"the network's logits are not numbers at position {position} of the canvas: the weights hold values "
                "that are not numbers, or numbers too large for their precision; check the checkpoint"
            )
        sampled = measured.sampled
        if self._filters is not None:
            if self._filters.filters.truncates:
                sampled = measure(self._filters.filters.truncate(logits), temperature, uniforms).sampled
            self._filters = self._filters.grown(sampled[0].tolist())
        self._last_id = int(sampled)
        self._written.append(self._last_id)
        self._entropies.append(float(measured.entropy))
        if self._request.logprobs:
            logprob = float(logits[0, 0].log_softmax(-1)[self._last_id])
            num = self._request.top_logprobs
            top = top_logprobs(logits, num)[0] if num else ()
            self._logprobs.append(TokenLogprob(last=logprob, accepted=logprob, top=top))
        return self._result(network.config.canvas_length, math.log(network.config.vocab_size), temperature)

    @property
    def logprobs(self) -> tuple[TokenLogprob, ...]:
        """How probable the tokens were that are written; nothing unless the request asks for it."""
        return tuple(self._logprobs)

    def _result(self, length: int, most_nats: float, temperature: Float[Tensor, "1"]) -> StepResult:
        count = len(self._written)
        rest = length - count
        stop_ids = self._request.stop_ids
        finished = self._last_id in stop_ids or count in (length, self._remaining)
        # What is not written yet reads as the end of the text.
        ids = torch.tensor([self._written + [min(stop_ids, default=0)] * rest], device=temperature.device)
        entropy = torch.tensor([self._entropies + [most_nats] * rest], device=temperature.device)
        state = CanvasState(
            canvas=ids,
            draft=ids,
            conditioning=None,
            history=(),
            finished=torch.tensor([finished]),
            given_up=torch.tensor([False]),
            step=count,
            steps_used=torch.tensor([count]),
            held=torch.ones_like(ids),
        )
        return StepResult(
            state=state,
            sampled=ids,
            accepted=(torch.arange(length, device=ids.device) < count)[None],
            entropy=entropy,
            mean_entropy=entropy.mean(-1),
            temperature=temperature,
        )


def left_to_right_temperature(request: Request) -> float:
    """What the causal mode's logits are divided by: the temperature of a canvas's first step."""
    return request.sampler.temperature.at(0, request.sampler.max_steps)


def _extend(network: Network, cache: Cache, token_ids: Sequence[int]) -> Hidden:
    return network.encode(torch.tensor([list(token_ids)], device=network.device), cache)
