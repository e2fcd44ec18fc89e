"""Texts with holes in them, and what is written there.

A hole has a canvas of its own, which begins where the hole does: before it lies the text as it is by then, encoded once
for all that is tried; behind it stands, pinned, as much of the following text as the canvas has room for, and the end
of the sequence after the text's end. So the denoiser sees both sides, wherever in a long text the hole is.

How long a hole is nobody knows. Drafts of all sizes are denoised for a few steps, and the same network's causal mode
reads them, as it reads the drafts of a text that is verified. Whatever part of a draft holds is a filling by itself:
too long a hole often begins with the right words, and goes on after them. The likeliest filling is the one that reads
most natural, and after which the following text does. Where it still has a fault, all before the fault is kept, and
what is left of the hole is drafted anew, in all sizes.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, takewhile

import torch
from jaxtyping import Float
from torch import Tensor

from gesso.errors import PromptError
from gesso.lm.encoded_text import EncodedText
from gesso.lm.hole_denoiser import HoleDenoiser
from gesso.lm.hole_sizes import sizes_to_try
from gesso.model.network import Network
from gesso.sampling.denoise import denoise_canvas
from gesso.sampling.draws import canvas_generator, draw_canvas
from gesso.sampling.pins import Pins
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.step import StepResult
from gesso.sampling.verification import Verification
from gesso.text.tokenizer import Tokenizer

HOLE_STEPS = 16
"""Denoising steps that all drafts of a hole may take together, unless asked otherwise."""

DRAFT_STEPS = 2
"""Those of one draft."""

TRIES = 3
"""So many times in a row nothing gets better before the search ends; each begins anew with an empty hole."""

NEARBY = 2
"""Sizes so much smaller and larger than the likeliest filling's are drafted, too, when it has a fault."""

LOOK_AHEAD = 12
"""Tokens behind a hole by which fillings are sifted, and which must hold after the one that is taken."""

FINALISTS = 8
"""Fillings that are judged with all that follows them."""

USUAL_SIZE = 10
"""Tokens that a hole is expected to hold where nobody says: a short sentence."""

ROWS_AT_ONCE = 8
"""Holes that are denoised as one batch."""

CANDIDATES_AT_ONCE = 32
"""Fillings that are read in one pass."""


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
        seed: Source of the randomness; each draft of a size has its own, whatever sizes it shares a batch with.
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
        """Draft, read, and draft anew what does not hold, until all holds, nothing gets better, or no step is left."""
        kept: list[int] = []
        best: _Candidate | None = None
        seen: set[tuple[int, ...]] = set()
        tries = 0
        for spent in range(0, sampler.max_steps, DRAFT_STEPS):
            few_steps = replace(sampler, max_steps=min(DRAFT_STEPS, sampler.max_steps - spent))
            drafts = list(self._drafts(self._beginnings(kept, best, spent), few_steps, spent))
            fresh = [one for one in self._beginnings_that_hold(drafts, len(kept)) if one not in seen]
            seen.update(fresh)
            likeliest = self._likeliest(fresh)
            if likeliest is None or (best is not None and best.rank <= likeliest.rank):
                kept, tries = [], tries + 1
                if tries == TRIES:
                    break
                continue
            best, tries = likeliest, 0
            ahead = self._following[:LOOK_AHEAD]
            (num_holding,) = self.before.num_holding([[*best.filling.token_ids, *ahead]], Verification())
            if num_holding == len(best.filling.token_ids) + len(ahead):
                break
            kept = list(best.filling.token_ids[:num_holding])
        assert best is not None, "the first drafts are fresh"
        return best.filling

    def _beginnings(self, kept: list[int], best: "_Candidate | None", spent: int) -> dict[int, list[int]]:
        """What each size that is drafted begins with: what was kept, and a word that holds in place of the fault."""
        sizes = {len(kept) + size for size in sizes_to_try(self.width - len(kept))}
        if best is None:
            return dict.fromkeys(sorted(sizes), kept)
        size = len(best.filling.token_ids)
        sizes.update(range(max(len(kept) + 1, size - NEARBY), min(size + NEARBY, self.width) + 1))
        if len(kept) == size:
            return dict.fromkeys(sorted(sizes), kept)
        anew = self.before.next_tokens(kept, len(sizes), Verification(), self._banned, self._generator(0, spent))
        return {size: [*kept, token] for size, token in zip(sorted(sizes), anew, strict=True)}

    @property
    def _following(self) -> list[int]:
        """What every size has room for of the text behind, its end included."""
        room = self.before.network.config.canvas_length - self.width
        following = [*self.after, self.tokenizer.eos_id][:room]
        return list(takewhile(lambda token: token is not None, following))

    def _beginnings_that_hold(self, drafts: Sequence[list[int]], num_kept: int) -> list[tuple[int, ...]]:
        """The drafts, and whatever part of each, longer than what was kept, holds up to its end; none twice."""
        held = self.before.num_holding(drafts, Verification())
        parts = (
            (draft[:size] for size in range(num_kept + 1, num + 1)) for draft, num in zip(drafts, held, strict=True)
        )
        return list(dict.fromkeys(map(tuple, chain(drafts, chain.from_iterable(parts)))))

    def _likeliest(self, candidates: Sequence[tuple[int, ...]]) -> "_Candidate | None":
        sifted = sorted(self._judged(candidates, self._following[:LOOK_AHEAD]), key=lambda one: one.rank)
        finalists = [one.filling.token_ids for one in sifted[:FINALISTS]]
        return min(self._judged(finalists, self._following), key=lambda one: one.rank, default=None)

    def _judged(self, candidates: Sequence[tuple[int, ...]], following: list[int]) -> Iterator["_Candidate"]:
        for first in range(0, len(candidates), CANDIDATES_AT_ONCE):
            some = candidates[first : first + CANDIDATES_AT_ONCE]
            nats = self.before.surprises([[*tokens, *following] for tokens in some])
            for tokens, surprise in zip(some, nats, strict=True):
                text = self.tokenizer.decode(tokens)
                yield _Candidate(
                    rank=(
                        self.num_spaces > 0 and not text.startswith(" "),
                        _unlikelihood(surprise, len(tokens), self.size.expected),
                    ),
                    filling=Filling(
                        text=_without_spaces(text, self.num_spaces),
                        token_ids=tokens,
                        nats_per_token=surprise.mean().item(),
                    ),
                )

    def _drafts(self, beginnings: Mapping[int, list[int]], sampler: SamplerSettings, spent: int) -> Iterator[list[int]]:
        """A draft of the whole hole for each size, whose beginning is pinned."""
        sizes = list(beginnings)
        for first in range(0, len(sizes), ROWS_AT_ONCE):
            some = {size: beginnings[size] for size in sizes[first : first + ROWS_AT_ONCE]}
            state = deque(self._steps(some, sampler, spent), maxlen=1).pop().state
            for row, size in enumerate(some):
                yield state.draft[row, :size].tolist()

    def _steps(self, beginnings: Mapping[int, list[int]], sampler: SamplerSettings, spent: int) -> Iterator[StepResult]:
        network = self.before.network
        length, vocab_size, device = network.config.canvas_length, network.config.vocab_size, network.device
        # What stays noise is the same for every size.
        drawn = draw_canvas([self._generator(0, 0)], canvas_length=length, vocab_size=vocab_size, device=device)
        following = [*self.after, *[self.tokenizer.eos_id] * length]
        rows = [[*begun, *[None] * (size - len(begun)), *following][:length] for size, begun in beginnings.items()]
        known = torch.tensor([[token is not None for token in row] for row in rows], device=device)
        tokens = torch.tensor([[token or 0 for token in row] for row in rows], device=device)
        tokens = torch.where(known, tokens, drawn)
        borders = torch.tensor([[len(begun), size] for size, begun in beginnings.items()], device=device)
        place = torch.arange(length, device=device)
        is_open = (place >= borders[:, :1]) & (place < borders[:, 1:])
        width = self.width
        return denoise_canvas(
            HoleDenoiser(
                network=network,
                cache=self.before.caches(len(rows)),
                rest=tokens[:, width:],
                noise=~known & ~is_open,
                banned=self._banned,
            ),
            sampler,
            [self._generator(size, spent) for size in beginnings],
            canvas_length=width,
            vocab_size=vocab_size,
            pins=Pins(mask=~is_open[:, :width], tokens=tokens[:, :width]),
            device=device,
        )

    @property
    def _banned(self) -> tuple[int, ...]:
        """Where text follows, what ends a text is no part of it."""
        return tuple(sorted(self.tokenizer.special_ids)) if self.after else ()

    def _generator(self, size: int, spent: int) -> torch.Generator:
        """Source of the randomness of a size after so many steps; that of size 0 draws what stays noise."""
        sizes_of_a_hole = self.before.network.config.canvas_length + 1
        return canvas_generator(self.seed, (spent << 32) + self.place * sizes_of_a_hole + size)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Candidate:
    """A filling, and what it is compared by: whether a space is missing before it, and how unlikely it is."""

    rank: tuple[bool, float]
    filling: Filling


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
