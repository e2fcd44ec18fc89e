"""Texts with holes in them, and what is written there.

A hole has a canvas of its own, which begins where the hole does: before it lies the text as it is by then, encoded once
for all that is tried; behind it stands, pinned, as much of the following text as the canvas has room for, and the end
of the sequence after the text's end. So the denoiser sees both sides, wherever in a long text the hole is.

How long a hole is nobody knows. Sizes from one token up are denoised for two steps, and of each scale, small to large,
the one in which the network is surest of what it writes is denoised to the end, and so are the sizes next to the best
of them. The best is the filling that reads most natural, and after which the following text does, from left to right by
the same network's causal mode.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import torch
from jaxtyping import Float
from torch import Tensor

from gesso.errors import PromptError
from gesso.lm.encoded_text import EncodedText
from gesso.lm.hole_denoiser import HoleDenoiser
from gesso.lm.hole_sizes import sizes_to_try, surest_of_each_scale
from gesso.model.network import Network
from gesso.sampling.denoise import denoise_canvas
from gesso.sampling.draws import canvas_generator, draw_canvas
from gesso.sampling.pins import Pins
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.step import StepResult
from gesso.sampling.stop import NeverStop
from gesso.text.tokenizer import Tokenizer

RANKING_STEPS = 2
"""Denoising steps after which the sizes are ranked."""

FINALISTS = 4
"""Sizes that are denoised to the end."""

NEARBY = 2
"""Sizes so much smaller and larger than the best of them are denoised to the end, too."""

HOLE_STEPS = 16
"""Denoising steps that a hole may take unless asked otherwise: it is smaller than a canvas."""

USUAL_SIZE = 10
"""Tokens that a hole is expected to hold where nobody says: a short sentence."""

ROWS_AT_ONCE = 8
"""Holes that are denoised as one batch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Filling:
    """What is written into a hole.

    Attributes:
        text: It stands between the texts on both sides.
        token_ids: Its tokens, and those of the spaces that the text before it ends with.
        nats_per_token: Mean left-to-right surprise of the filling and of what follows it in the canvas.
    """

    text: str
    token_ids: tuple[int, ...]
    nats_per_token: float


@dataclass(frozen=True, kw_only=True, slots=True)
class HoleSize:
    """What is known of the size of a hole, in tokens.

    Attributes:
        most: The largest size that is tried.
        expected: How large it most likely is. For so many tokens its fillings count when they are compared, and so wide
            it stands in the canvases of the holes before it.
    """

    most: int
    expected: int = USUAL_SIZE


def fill_holes(
    network: Network,
    tokenizer: Tokenizer,
    sampler: SamplerSettings,
    pieces: Sequence[str],
    sizes: Sequence[HoleSize],
    *,
    seed: int,
) -> list[Filling]:
    """Fill the holes between pieces of text, first to last; each sees the fillings of those before it.

    Args:
        network: In eval mode.
        tokenizer: Its tokens.
        sampler: How holes are denoised.
        pieces: What is kept. The first and the last may be empty, not both; one more than there are holes.
        sizes: Of each hole.
        seed: Source of all randomness.

    Raises:
        PromptError: The text has no room in the context. Raised before any step is run.
        GenerationError: The network's output is not numbers.
    """
    # A word's token begins with the space before it: spaces at the end of a piece are for the hole to write.
    kept = [*(piece.rstrip(" ") for piece in pieces[:-1]), pieces[-1]]
    ids = [tokenizer.encode(piece, add_bos=place == 0) for place, piece in enumerate(kept)]
    _check_room(network, ids, sizes)
    before = EncodedText(network, ids[0])
    fillings = []
    for place, size in enumerate(sizes):
        num_spaces = len(pieces[place]) - len(kept[place])
        hole = _Hole(
            before=before,
            tokenizer=tokenizer,
            num_spaces=num_spaces,
            after=_after(ids, sizes, place),
            size=size,
            place=place,
            seed=seed,
        )
        fillings.append(hole.fill(sampler))
        if place + 1 < len(sizes):
            before.extend([*tokenizer.encode(" " * num_spaces + fillings[-1].text), *ids[place + 1]])
    return fillings


def _check_room(network: Network, ids: Sequence[Sequence[int]], sizes: Sequence[HoleSize]) -> None:
    canvas, context = network.config.canvas_length, network.config.max_position_embeddings
    longest = sum(map(len, ids[:-1])) + sum(size.most for size in sizes[:-1])
    if longest + canvas > context:
        raise PromptError(
            f"the text before the last hole may have {longest} tokens and a canvas {canvas}; together they exceed the "
            f"context of {context}: shorten the text"
        )


def _after(ids: Sequence[Sequence[int]], sizes: Sequence[HoleSize], place: int) -> list[int | None]:
    """Tokens behind a hole; None where another hole is still open."""
    others = (chain([None] * sizes[one].expected, ids[one + 1]) for one in range(place + 1, len(sizes)))
    return [*ids[place + 1], *chain.from_iterable(others)]


@dataclass(frozen=True, kw_only=True)
class _Hole:
    """A hole of any size.

    Attributes:
        before: The text before it, without the spaces that it ends with.
        tokenizer: Spells its tokens.
        num_spaces: How many spaces those are.
        after: Tokens behind it; None where another hole is still open.
        size: What is known of its size.
        place: Which hole of the text, from 0.
        seed: Source of the randomness; a size has its own, whatever sizes it shares a batch with.
    """

    before: EncodedText
    tokenizer: Tokenizer
    num_spaces: int
    after: list[int | None]
    size: HoleSize
    place: int
    seed: int

    @property
    def width(self) -> int:
        """Positions of a canvas that the hole may take; a quarter is left for what follows it."""
        length = self.before.network.config.canvas_length
        return min(self.size.most, length - min(len(self.after), length // 4))

    def fill(self, sampler: SamplerSettings) -> Filling:
        """Try sizes, and take the likeliest filling."""
        tried = sizes_to_try(self.width)
        if len(tried) > FINALISTS:
            first_steps = replace(sampler, max_steps=min(RANKING_STEPS, sampler.max_steps), stop=NeverStop())
            unsure = {size: entropy for size, entropy, _ in self._denoise(tried, first_steps)}
            tried = surest_of_each_scale(unsure, FINALISTS)
        finished = {size: tokens for size, _, tokens in self._denoise(tried, sampler)}
        best = self._likeliest(list(finished.values()))
        around = range(len(best.token_ids) - NEARBY, len(best.token_ids) + NEARBY + 1)
        near = [size for size in around if 1 <= size <= self.width and size not in finished]
        if not near:
            return best
        return self._likeliest([list(best.token_ids), *(tokens for _, _, tokens in self._denoise(near, sampler))])

    def _likeliest(self, candidates: list[list[int]]) -> Filling:
        # All are judged with the same text behind them: what every one of them has room for, its end included.
        room = self.before.network.config.canvas_length - self.width
        following = [*self.after, self.tokenizer.eos_id][:room]
        known = following[: following.index(None)] if None in following else following
        nats = self.before.surprises([[*tokens, *known] for tokens in candidates])
        texts = [self.tokenizer.decode(tokens) for tokens in candidates]
        ranks = [
            (self.num_spaces > 0 and not text.startswith(" "), _unlikelihood(surprise, len(tokens), self.size.expected))
            for text, tokens, surprise in zip(texts, candidates, nats, strict=True)
        ]
        best = ranks.index(min(ranks))
        return Filling(
            text=_without_spaces(texts[best], self.num_spaces),
            token_ids=tuple(candidates[best]),
            nats_per_token=nats[best].mean().item(),
        )

    def _denoise(self, sizes: list[int], sampler: SamplerSettings) -> Iterator[tuple[int, float, list[int]]]:
        """For each size: the size, the mean entropy of the hole in nats, and what it holds."""
        for first in range(0, len(sizes), ROWS_AT_ONCE):
            rows = sizes[first : first + ROWS_AT_ONCE]
            last = deque(self._steps(rows, sampler), maxlen=1).pop()
            for row, size in enumerate(rows):
                yield size, last.entropy[row, :size].mean().item(), last.state.draft[row, :size].tolist()

    def _steps(self, sizes: list[int], sampler: SamplerSettings) -> Iterator[StepResult]:
        network = self.before.network
        length, vocab_size, device = network.config.canvas_length, network.config.vocab_size, network.device
        # What stays noise is the same for every size.
        drawn = draw_canvas(
            [canvas_generator(self.seed, self._index(0))], canvas_length=length, vocab_size=vocab_size, device=device
        )
        following = [*self.after, *[self.tokenizer.eos_id] * length][:length]
        rows = [[*[None] * size, *following][:length] for size in sizes]
        known = torch.tensor([[token is not None for token in row] for row in rows], device=device)
        tokens = torch.tensor([[token or 0 for token in row] for row in rows], device=device)
        tokens = torch.where(known, tokens, drawn)
        is_open = torch.arange(length, device=device) < torch.tensor(sizes, device=device)[:, None]
        width = self.width
        return denoise_canvas(
            HoleDenoiser(
                network=network,
                cache=self.before.caches(len(sizes)),
                rest=tokens[:, width:],
                noise=~known & ~is_open,
                # Where text follows, what ends a text is no part of it.
                banned=tuple(sorted(self.tokenizer.special_ids)) if self.after else (),
            ),
            sampler,
            [canvas_generator(self.seed, self._index(size)) for size in sizes],
            canvas_length=width,
            vocab_size=vocab_size,
            pins=Pins(mask=~is_open[:, :width], tokens=tokens[:, :width]),
            device=device,
        )

    def _index(self, size: int) -> int:
        """Number of the random source of a size of this hole; that of size 0 draws what stays noise."""
        return self.place * (self.before.network.config.canvas_length + 1) + size


def _unlikelihood(surprise: Float[Tensor, " L"], size: int, expected: int) -> float:
    """What candidates are compared by: the surprise of a filling and of all that follows it.

    A filling counts for as many tokens as are expected, however long it is: by the sum over its own tokens a full stop
    would beat most sentences, and by the mean over all tokens each easy word would speak for a longer filling.
    """
    return (surprise[:size].mean() * expected + surprise[size:].sum()).item()


def _without_spaces(text: str, count: int) -> str:
    """Text without its first spaces, at most `count` of them."""
    spaces = len(text) - len(text.lstrip(" "))
    return text[min(count, spaces) :]
