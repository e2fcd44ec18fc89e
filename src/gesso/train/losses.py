"""What one training step minimises.

`BlockDiffusionLoss` is the objective of the DiffusionGemma report (section 8; arXiv 2608.00146). The encoder reads the
clean text left to right and is asked for each next token; the denoiser sees the cache up to where its canvas begins and
is asked for the canvas's clean tokens. Gradients of the second flow through the cache into the first, so the encoder
learns to write what the denoiser needs.

`LeftToRightLoss` is the encoder's part alone: an autoregressive model of the same shape, from the same batches.

A loss has two halves. `draw` holds all of its randomness; `losses` is a pure function of what was drawn, whose shapes
hardly ever change, so that it can be compiled. Where several processes share a batch, each draws for all of it, takes
its `part` of the batch and of the draws, and weighs its means so that their mean over the processes is that of the
whole.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gesso.diffusion.corruption import UniformCorruption
from gesso.diffusion.levels import LevelSampler
from gesso.diffusion.losses import FlatCrossEntropy, Objective, next_token_cross_entropy, z_loss
from gesso.errors import DataError
from gesso.model.kv_cache import GrowingCache, KeysOrValues
from gesso.model.network import Network
from gesso.sampling.draws import Draws
from gesso.shapes import CanvasIds, SoftEmbedding
from gesso.train.batch import Batch, part_of
from gesso.train.unroll import ContextDenoiser, Unroll

Weigh = Callable[[Float[Tensor, ""], Int[Tensor, ""]], Float[Tensor, ""]]
"""From a mean over some things and their number, to what stands for it in the loss."""


def as_it_is(mean: Float[Tensor, ""], count: Int[Tensor, ""]) -> Float[Tensor, ""]:
    """The mean itself: there is nobody whose share of the batch would count besides."""
    return mean


@dataclass(frozen=True, kw_only=True)
class StepLosses:
    """Losses of one batch, in nats a token. A loss that denoises no canvases has B = 0.

    Attributes:
        total: What is minimised.
        encode: Mean next-token cross-entropy of the encoder.
        denoise: Mean loss of each canvas.
        level: Mean noise level of each canvas.
    """

    total: Float[Tensor, ""]
    encode: Float[Tensor, ""]
    denoise: Float[Tensor, " B"]
    level: Float[Tensor, " B"]


@runtime_checkable
class StepLoss(Protocol):
    """What one training step minimises, in two halves.

    Attributes:
        weigh: What a mean over a part of a batch is worth beside the other parts.
    """

    weigh: Weigh

    def draw(self, batch: Batch, generator: torch.Generator) -> Any:
        """Draw what is random about the loss of a batch; whatever it returns is handed to `losses`."""
        ...

    def part(self, draws: Any, index: int, count: int) -> Any:
        """The draws for part number `index` of `count` equal parts of the batch; see `Batch.part`."""
        ...

    def losses(self, network: Network, batch: Batch, draws: Any) -> StepLosses:
        """Run the network over a batch. Pure: the same input gives the same losses."""
        ...


@dataclass(frozen=True, kw_only=True)
class CanvasDraws:
    """The randomness of one batch of canvases.

    Attributes:
        noisy: The canvases after corruption.
        t: Noise level of each position.
        fed_back: Numbers of the canvases that are fed back a first prediction.
        unrolled: Numbers of the canvases that take transitions of the sampler first; never one of `fed_back`.
        transitions: The randomness of each of these transitions.
        idle_fed_back: The last so many of `fed_back` are passed through the network for company alone: processes that
            share the weights must make the same passes, and another has more canvases that are fed back.
        idle_unrolled: Likewise the last so many of `unrolled`.
    """

    noisy: CanvasIds
    t: Float[Tensor, "B C"]
    fed_back: Int[Tensor, " P"]
    unrolled: Int[Tensor, " U"]
    transitions: tuple[Draws, ...] = ()
    idle_fed_back: int = 0
    idle_unrolled: int = 0


@dataclass(frozen=True, kw_only=True)
class BlockDiffusionLoss:
    """Encoder cross-entropy plus denoiser loss.

    Attributes:
        corruption: What noise does to a canvas.
        levels: How noise levels are drawn.
        objective: What the denoiser minimises.
        encode_weight: Weight of the encoder's loss beside the denoiser's 1.
        z_weight: Weight of the squared log-partition of both modes' logits; 0 leaves it out.
        self_conditioning: Share of canvases that are fed back a first prediction, made without gradient. For the others
            the signal is truly absent. Counts among the canvases that are not unrolled.
        gradients_into_prefix: Whether the denoiser's loss teaches the encoder through the cache.
        unroll: How canvases are led on by the sampler before they are learnt from; None for none.
        weigh: What a mean over a part of a batch is worth beside the other parts.
    """

    corruption: UniformCorruption
    levels: LevelSampler
    objective: Objective = field(default_factory=FlatCrossEntropy)
    encode_weight: float = 1.0
    z_weight: float = 0.0
    self_conditioning: float = 0.5
    gradients_into_prefix: bool = True
    unroll: Unroll | None = None
    weigh: Weigh = as_it_is

    def draw(self, batch: Batch, generator: torch.Generator) -> CanvasDraws:
        """Draw noise, and which canvases are fed back or unrolled.

        Their numbers are fixed up to rounding, so a batch costs what the shares say and shapes hardly ever change.

        Args:
            batch: Clean texts and canvases.
            generator: Source of the randomness, on the CPU.
        """
        num_canvases, length = batch.clean.shape
        device = batch.clean.device
        t = self.levels.draw(num_canvases, length, generator).to(device)
        noisy = self.corruption.corrupt(batch.clean, t, generator)
        order = torch.randperm(num_canvases, generator=generator).to(device)
        num_unrolled = 0 if self.unroll is None else _count(self.unroll.share, num_canvases, generator)
        num_fed_back = _count(self.self_conditioning, num_canvases - num_unrolled, generator)
        transitions: tuple[Draws, ...] = ()
        if self.unroll is not None and num_unrolled:
            transitions = self.unroll.draw(
                num_unrolled,
                canvas_length=length,
                vocab_size=self.corruption.vocab_size,
                generator=generator,
                device=device,
            )
        return CanvasDraws(
            noisy=noisy,
            t=t,
            fed_back=order[num_unrolled : num_unrolled + num_fed_back],
            unrolled=order[:num_unrolled],
            transitions=transitions,
        )

    def part(self, draws: CanvasDraws, index: int, count: int) -> CanvasDraws:
        """The draws for part number `index` of `count` equal parts of the batch."""
        canvases = part_of(len(draws.noisy), index, count)
        fed_back = _Selection.of_part(draws.fed_back, canvases)
        unrolled = _Selection.of_part(draws.unrolled, canvases)
        return CanvasDraws(
            noisy=draws.noisy[canvases],
            t=draws.t[canvases],
            fed_back=fed_back.canvases,
            unrolled=unrolled.canvases,
            transitions=tuple(
                replace(drawn, uniforms=drawn.uniforms[unrolled.places], renoise=drawn.renoise[unrolled.places])
                for drawn in draws.transitions
            ),
            idle_fed_back=fed_back.num_idle,
            idle_unrolled=unrolled.num_idle,
        )

    def losses(self, network: Network, batch: Batch, draws: CanvasDraws) -> StepLosses:
        """Run both modes over a batch.

        Args:
            network: The network.
            batch: Clean texts and canvases.
            draws: What `draw` gave for this batch.
        """
        cache, text_logits = _read(network, batch)
        encode = self.weigh(next_token_cross_entropy(text_logits, batch.text, batch.is_text), _num_learnt(batch))
        noisy, conditioning = self._look_ahead(network, cache, batch, draws)
        context_cache = cache.repeat_rows(batch.row)
        seen = context_cache if self.gradients_into_prefix else _Detached(context_cache)
        logits = network.denoise(noisy, seen, conditioning, context=batch.context)
        loss = self.objective.loss(logits, batch.clean, noisy, draws.t)
        total = self.weigh(loss.mean(), loss.counted.sum()) + self.encode_weight * encode
        if self.z_weight:
            of_text = self.weigh(z_loss(text_logits, batch.is_text), batch.is_text.sum())
            total = total + self.z_weight * (z_loss(logits) + of_text)
        denoise = loss.nats.sum(1) / loss.counted.sum(1).clamp(min=1)
        return StepLosses(total=total, encode=encode, denoise=denoise, level=draws.t.mean(1))

    @torch.no_grad()
    def _look_ahead(
        self, network: Network, cache: GrowingCache, batch: Batch, draws: CanvasDraws
    ) -> tuple[CanvasIds, SoftEmbedding | None]:
        """What the denoiser will see, after first predictions for the canvases that want one and for no others."""
        noisy = draws.noisy
        if not len(draws.fed_back) and not len(draws.unrolled):
            return noisy, None
        conditioning = torch.zeros(*noisy.shape, network.config.hidden_size, dtype=network.dtype, device=noisy.device)
        if len(draws.fed_back):
            denoiser = _denoiser_of(draws.fed_back, network, cache, batch)
            prediction = denoiser.soft_embed(denoiser.denoise(noisy[draws.fed_back], None))
            kept = len(draws.fed_back) - draws.idle_fed_back
            conditioning = conditioning.index_copy(0, draws.fed_back[:kept], prediction[:kept])
        if self.unroll is not None and len(draws.unrolled):
            denoiser = _denoiser_of(draws.unrolled, network, cache, batch)
            canvas, prediction = self.unroll.advance(denoiser, noisy[draws.unrolled], draws.transitions)
            kept = len(draws.unrolled) - draws.idle_unrolled
            noisy = noisy.index_copy(0, draws.unrolled[:kept], canvas[:kept])
            conditioning = conditioning.index_copy(0, draws.unrolled[:kept], prediction[:kept])
        return noisy, conditioning


@dataclass(frozen=True, kw_only=True)
class LeftToRightLoss:
    """The encoder's cross-entropy alone, over texts that hold their responses whole.

    Attributes:
        z_weight: Weight of the squared log-partition of the logits; 0 leaves it out.
        weigh: What a mean over a part of a batch is worth beside the other parts.
    """

    z_weight: float = 0.0
    weigh: Weigh = as_it_is

    def draw(self, batch: Batch, generator: torch.Generator) -> None:
        """Nothing is random; but see that the texts are whole.

        Raises:
            DataError: A canvas of the batch does not stand in its text, so nothing would be learnt from it.
        """
        held = batch.is_text.sum(1)[batch.row]
        cut = (batch.context + batch.clean.shape[1] > held).nonzero().flatten().tolist()
        if cut:
            raise DataError(
                f"text {int(batch.row[cut[0]])} of the batch ends after {int(held[cut[0]])} tokens, before its "
                "response does; for left-to-right training collate with whole_responses=True and a larger text_length"
            )

    def part(self, draws: None, index: int, count: int) -> None:
        """Nothing, as `draw` gave."""

    def losses(self, network: Network, batch: Batch, draws: None) -> StepLosses:
        """Run the encoder over a batch.

        Args:
            network: The network.
            batch: Clean texts; their canvases have no part of their own.
            draws: None, as `draw` gave.
        """
        _, logits = _read(network, batch)
        encode = self.weigh(next_token_cross_entropy(logits, batch.text, batch.is_text), _num_learnt(batch))
        total = encode
        if self.z_weight:
            total = total + self.z_weight * self.weigh(z_loss(logits, batch.is_text), batch.is_text.sum())
        none = encode.new_zeros(0)
        return StepLosses(total=total, encode=encode, denoise=none, level=none)


def left_to_right_loss(network: Network, batch: Batch) -> Float[Tensor, ""]:
    """How well any network predicts the batch's texts left to right, whatever it was trained for.

    Args:
        network: The network; run this under `torch.no_grad` where no gradient is wanted.
        batch: Clean texts; only what stands in `text` counts, and padding does not.

    Returns:
        Nats a token: the mean of each text's predictions, and of those the mean.
    """
    return next_token_cross_entropy(_read(network, batch)[1], batch.text, batch.is_text)


def _read(network: Network, batch: Batch) -> tuple[GrowingCache, Float[Tensor, "R L V"]]:
    cache = GrowingCache(network.config, batch=batch.text.shape[0])
    return cache, network.head(network.encode(batch.text, cache))


def _num_learnt(batch: Batch) -> Int[Tensor, ""]:
    """How many texts hold a token that can be predicted from the one before it."""
    return (batch.is_text[:, :-1] & batch.is_text[:, 1:]).any(1).sum()


def _denoiser_of(canvases: Int[Tensor, " P"], network: Network, cache: GrowingCache, batch: Batch) -> ContextDenoiser:
    return ContextDenoiser(
        network=network, cache=cache.repeat_rows(batch.row[canvases]), context=batch.context[canvases]
    )


def _count(share: float, of: int, generator: torch.Generator) -> int:
    """A whole number whose mean is `share * of`: one of the two beside it."""
    return min(of, math.floor(share * of + float(torch.rand((), generator=generator))))


@dataclass(frozen=True, kw_only=True)
class _Selection:
    """Those of some canvases that belong to a part of a batch, and as many idle ones as make all parts alike.

    Attributes:
        canvases: Their numbers within the part; idle ones are its first.
        places: Where they stand among all that were selected; idle ones share the first place.
        num_idle: How many at the end are idle.
    """

    canvases: Int[Tensor, " P"]
    places: Int[Tensor, " P"]
    num_idle: int

    @classmethod
    def of_part(cls, selected: Int[Tensor, " S"], part: slice) -> "_Selection":
        size = part.stop - part.start
        in_part: Bool[Tensor, " S"] = selected // size == part.start // size
        places = in_part.nonzero().flatten()
        num_idle = max(torch.bincount(selected // size).tolist(), default=0) - len(places)
        idle = places.new_zeros(num_idle)
        return cls(
            canvases=torch.cat([selected[places] - part.start, idle]),
            places=torch.cat([places, idle]),
            num_idle=num_idle,
        )


class _Detached:
    """A cache that is read without gradient."""

    def __init__(self, cache: GrowingCache) -> None:
        self.cache = cache
        self.lengths = cache.lengths

    def append(self, layer: int, keys: KeysOrValues, values: KeysOrValues) -> None:
        raise AssertionError("denoising never writes the cache")

    def read(self, layer: int, start: int, stop: int) -> tuple[KeysOrValues, KeysOrValues]:
        keys, values = self.cache.read(layer, start, stop)
        return keys.detach(), values.detach()

    def advance(self, counts: list[int]) -> None:
        raise AssertionError("denoising never writes the cache")
