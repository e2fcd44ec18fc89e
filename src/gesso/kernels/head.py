"""The vocabulary head in one pass over the embedding: what a step needs of the logits, never the logits.

The embedding is walked in chunks that fit the device's cache. For each chunk one kernel makes the weights exp(logit -
m) of a tile of tokens, with the tile's own maximum m, and keeps four numbers a position and tile: the maximum, the sum
of the weights, their sum weighted by logit - m, and the best token. A second kernel adds the chunk's share of the soft
embedding while the chunk is still in the cache. Only one chunk of weights is ever stored. At the end the numbers of
all tiles give entropy, confidence, argmax, and the tile in which the cumulative probability passes the position's
uniform number; a third kernel computes that one tile again and finds the token.

So the sample is the one that `gesso.ops.categorical.invert_cdf` takes for the same uniform number: drawing needs
no noise for every token of the vocabulary, and does not depend on tiles or on who shares the batch. The plain twin is
`gesso.ops.read_head.read_head`. It rounds bfloat16 products to bfloat16 before the
softcap, as the reference does; here they stay float32.
"""

from dataclasses import dataclass
from typing import no_type_check

import torch
import triton
import triton.language as tl
from jaxtyping import Float, Float64, Int
from torch import Tensor

from gesso.errors import InputError
from gesso.kernels.shared_memory import first_that_fits
from gesso.shapes import CanvasEntropy, CanvasIds, SoftEmbedding


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadTile:
    """How the work is cut; it changes the time and, but for rounding, never the result.

    Attributes:
        rows: Positions of a program; a power of two, at least 16.
        tokens: Tokens of a tile; a power of two, at least 16.
        depth: Components of the hidden state that a program sees at a time; a power of two, at least 16.
        columns: Components of the soft embedding of a program; a power of two, at least 16.
        chunk_tiles: Tiles of a chunk; chunk_tiles * tokens * D weights should fit the device's cache.
        splits: Programs among which the tiles of a chunk are divided when the soft embedding is summed.
        warps: Warps of a program.
        stages: Loads in flight.
    """

    rows: int = 128
    tokens: int = 128
    depth: int = 64
    columns: int = 128
    chunk_tiles: int = 64
    splits: int = 3
    warps: int = 8
    stages: int = 3

    def __post_init__(self) -> None:
        for name in ("rows", "tokens", "depth", "columns"):
            size = getattr(self, name)
            if size < 16 or size & (size - 1):
                raise InputError(f"{name} of a head tile is {size}; give a power of two of at least 16")
        for name in ("chunk_tiles", "splits"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} of a head tile is {getattr(self, name)}; give at least 1")


@dataclass(frozen=True, kw_only=True, slots=True)
class _TileSums:
    """What is kept of every tile of tokens, for every position.

    Attributes:
        maximum: The largest tempered logit, m.
        total: Sum of exp(logit - m).
        weighted: Sum of exp(logit - m) * (logit - m).
        best: The token that has the largest logit.
    """

    maximum: Float[Tensor, "T tiles"]
    total: Float[Tensor, "T tiles"]
    weighted: Float[Tensor, "T tiles"]
    best: Int[Tensor, "T tiles"]


def default_tile(embedding: Float[Tensor, "V D"]) -> HeadTile:
    """The larger of two usual tiles, if what both kernels have in flight fits the device's shared memory."""
    return first_that_fits(
        [HeadTile(), HeadTile(rows=64, tokens=64, columns=64, chunk_tiles=128)],
        lambda tile: tile.stages * tile.tokens * (tile.rows + tile.columns) * embedding.element_size(),
        embedding.device,
    )


def read_head(
    hidden: SoftEmbedding,
    embedding: Float[Tensor, "V D"],
    softcap: float,
    temperature: Float[Tensor, " B"],
    uniforms: Float64[Tensor, "B C"],
    *,
    tile: HeadTile | None = None,
) -> tuple[CanvasEntropy, Float[Tensor, "B C"], CanvasIds, CanvasIds, SoftEmbedding]:
    """Read softcapped, tempered logits without storing them.

    Args:
        hidden: Final hidden states, normed.
        embedding: The tied embedding.
        softcap: Logits lie in (-softcap, softcap) before they are divided by the temperature.
        temperature: Temperature of each row; where it is zero the choice is greedy and logits are divided by one.
        uniforms: A number in [0, 1) for each position, which chooses its token.
        tile: How the work is cut; None for `default_tile`.

    Returns:
        Entropy of the tempered prediction in nats, probability of the most likely token, that token, the token that the
        uniform number chooses, and the soft embedding: the fields of `gesso.ops.read_head.HeadReading`.
    """
    tile = tile or default_tile(embedding)
    batch, canvas_length, width = hidden.shape
    rows, embedding = hidden.reshape(-1, width).contiguous(), embedding.contiguous()
    divisor = temperature.masked_fill(temperature == 0, 1.0).repeat_interleave(canvas_length)
    sums, mixed = _walk(rows, embedding, softcap, divisor, tile)

    # Each tile's numbers are relative to its own maximum; from here on they are relative to the largest.
    relative = sums.maximum - sums.maximum.amax(-1, keepdim=True)
    totals = sums.total * relative.exp()
    total = totals.sum(-1)
    weighted = (sums.weighted * relative.exp() + relative * totals).sum(-1)
    argmax = sums.best.gather(-1, sums.maximum.argmax(-1, keepdim=True)).squeeze(-1)
    chosen_tile, rest = _choose_tile(totals, relative, uniforms.flatten())
    sampled = torch.empty_like(argmax)
    _find_token_kernel[(len(rows),)](
        rows, embedding, divisor, sums.maximum, chosen_tile, rest, sampled, len(embedding), width,
        sums.maximum.shape[1], softcap, TOKENS=tile.tokens, DEPTH=tile.depth,
    )  # fmt: skip
    # Rounded to the embedding's dtype first, as in the plain twin.
    scale = torch.full((), width**0.5, dtype=embedding.dtype, device=rows.device).float()
    shape = (batch, canvas_length)
    return (
        # Rounding may carry an entropy of nothing below zero.
        (total.log() - weighted / total).clamp(min=0).view(shape),
        (1.0 / total).view(shape),
        argmax.view(shape),
        torch.where((temperature == 0)[:, None], argmax.view(shape), sampled.view(shape)),
        (mixed.sum(0) * (scale / total)[:, None]).to(hidden.dtype).view_as(hidden),
    )


def _walk(
    rows: Float[Tensor, "T D"],
    embedding: Float[Tensor, "V D"],
    softcap: float,
    divisor: Float[Tensor, " T"],
    tile: HeadTile,
) -> tuple[_TileSums, Float[Tensor, "splits T D"]]:
    """Go through the embedding once: the sums of all tiles, and the mixed embedding in `splits` parts.

    The mixed embedding is weighted by exp(logit - the largest logit) of its position.
    """
    (num_rows, width), (vocab_size, _) = rows.shape, embedding.shape
    num_tiles = triton.cdiv(vocab_size, tile.tokens)
    num_chunks = triton.cdiv(num_tiles, tile.chunk_tiles)
    make = {"device": rows.device, "dtype": torch.float32}
    maximum, total, weighted = (torch.empty(num_rows, num_tiles, **make) for _ in range(3))
    best = torch.empty(num_rows, num_tiles, dtype=torch.int64, device=rows.device)
    weights = torch.empty(num_rows, tile.chunk_tiles * tile.tokens, dtype=rows.dtype, device=rows.device)
    mixed = torch.zeros(tile.splits, num_rows, width, **make)
    # What each chunk finds as the largest logit so far, so that no chunk writes what another program may still read.
    largest = torch.full((num_chunks + 1, num_rows), float("-inf"), **make)
    launch = {"num_warps": tile.warps, "num_stages": tile.stages}
    row_tiles = triton.cdiv(num_rows, tile.rows)
    for chunk in range(num_chunks):
        first = chunk * tile.chunk_tiles
        count = min(tile.chunk_tiles, num_tiles - first)
        _weigh_kernel[(row_tiles, count)](
            rows, embedding, divisor, weights, maximum, total, weighted, best,
            first, num_rows, vocab_size, width, num_tiles, softcap,
            ROWS=tile.rows, TOKENS=tile.tokens, DEPTH=tile.depth, CHUNK_TILES=tile.chunk_tiles, **launch,
        )  # fmt: skip
        _mix_kernel[(row_tiles, triton.cdiv(width, tile.columns), tile.splits)](
            weights, embedding, maximum, largest[chunk], largest[chunk + 1], mixed,
            first, count, num_rows, vocab_size, width, num_tiles,
            ROWS=tile.rows, TOKENS=tile.tokens, COLUMNS=tile.columns, CHUNK_TILES=tile.chunk_tiles,
            TILES=triton.next_power_of_2(tile.chunk_tiles), SPLITS=tile.splits, **launch,
        )  # fmt: skip
    return _TileSums(maximum=maximum, total=total, weighted=weighted, best=best), mixed


def _choose_tile(
    totals: Float[Tensor, "T tiles"], relative: Float[Tensor, "T tiles"], uniforms: Float64[Tensor, " T"]
) -> tuple[Int[Tensor, " T"], Float[Tensor, " T"]]:
    """The tile in which the cumulative sum passes the uniform share of the whole, and how much of it is below.

    Returns:
        The tile of each position, and what its own cumulative sum, relative to its own maximum, must pass.
    """
    cumulative = totals.cumsum(-1, dtype=torch.float64)
    whole = cumulative[:, -1:].contiguous()
    target = uniforms[:, None] * whole
    chosen = torch.minimum(
        torch.searchsorted(cumulative, target, right=True), torch.searchsorted(cumulative, whole)
    ).clamp(max=totals.shape[1] - 1)
    below = cumulative.gather(-1, chosen) - totals.gather(-1, chosen)
    rest = (target - below) * (-relative.gather(-1, chosen).double()).exp()
    return chosen.squeeze(-1), rest.squeeze(-1).to(torch.float32)


@triton.jit
@no_type_check
def _temper(products, softcap, divisor):
    """The tempered logits of products; tanh(a) is written as 2 sigmoid(2 a) - 1."""
    return softcap * (2.0 * tl.sigmoid(2.0 * products / softcap) - 1.0) / divisor


@triton.jit
@no_type_check
def _weigh_kernel(
    rows, embedding, divisor, weights, maximum, total, weighted, best,
    first_tile, num_rows, vocab_size, width, num_tiles, softcap,
    ROWS: tl.constexpr, TOKENS: tl.constexpr, DEPTH: tl.constexpr, CHUNK_TILES: tl.constexpr,
):  # fmt: skip
    """Weights and sums of one tile of tokens for some positions."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    tile = first_tile + tl.program_id(1)
    token = tile * TOKENS + tl.arange(0, TOKENS)
    is_row, is_token = row < num_rows, token < vocab_size
    row_start = rows + row.to(tl.int64)[:, None] * width
    token_start = embedding + token.to(tl.int64)[:, None] * width
    products = tl.zeros((ROWS, TOKENS), tl.float32)
    for start in range(0, width, DEPTH):
        component = start + tl.arange(0, DEPTH)[None, :]
        is_component = component < width
        hidden = tl.load(row_start + component, mask=is_row[:, None] & is_component, other=0.0)
        embedded = tl.load(token_start + component, mask=is_token[:, None] & is_component, other=0.0)
        products += tl.dot(hidden, tl.trans(embedded), input_precision="ieee")
    logits = _temper(products, softcap, tl.load(divisor + row, mask=is_row, other=1.0)[:, None])
    logits = tl.where(is_token[None, :], logits, float("-inf"))
    largest = tl.max(logits, axis=1)
    relative = tl.where(is_token[None, :], logits - largest[:, None], 0.0)
    weight = tl.where(is_token[None, :], tl.exp(relative), 0.0)

    place = row.to(tl.int64) * num_tiles + tile
    tl.store(maximum + place, largest, mask=is_row)
    tl.store(total + place, tl.sum(weight, axis=1), mask=is_row)
    tl.store(weighted + place, tl.sum(weight * relative, axis=1), mask=is_row)
    tl.store(best + place, (tile * TOKENS + tl.argmax(logits, axis=1)).to(tl.int64), mask=is_row)
    column = tl.program_id(1) * TOKENS + tl.arange(0, TOKENS)[None, :]
    write = weights + row.to(tl.int64)[:, None] * (CHUNK_TILES * TOKENS) + column
    tl.store(write, weight.to(weights.dtype.element_ty), mask=is_row[:, None])


@triton.jit
@no_type_check
def _mix_kernel(
    weights, embedding, maximum, largest, new_largest, mixed,
    first_tile, count, num_rows, vocab_size, width, num_tiles,
    ROWS: tl.constexpr, TOKENS: tl.constexpr, COLUMNS: tl.constexpr, CHUNK_TILES: tl.constexpr,
    TILES: tl.constexpr, SPLITS: tl.constexpr,
):  # fmt: skip
    """Add a chunk's share to some columns of one part of the mixed embedding."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    split = tl.program_id(2)
    is_row, is_column = row < num_rows, column < width
    own_maximum = maximum + row.to(tl.int64) * num_tiles + first_tile
    tiles = tl.arange(0, TILES)
    seen = tl.load(own_maximum[:, None] + tiles[None, :], is_row[:, None] & (tiles < count)[None, :], float("-inf"))
    before = tl.load(largest + row, mask=is_row, other=0.0)
    now = tl.maximum(before, tl.max(seen, axis=1))
    now = tl.where(is_row, now, 0.0)
    tl.store(new_largest + row, now, mask=is_row)

    place = mixed + (split * num_rows + row).to(tl.int64)[:, None] * width + column[None, :]
    is_place = is_row[:, None] & is_column[None, :]
    share = tl.load(place, mask=is_place, other=0.0) * tl.exp(before - now)[:, None]
    weight_start = weights + row.to(tl.int64)[:, None] * (CHUNK_TILES * TOKENS)
    for tile in range(split, count, SPLITS):
        within = tile * TOKENS + tl.arange(0, TOKENS)
        token = (first_tile * TOKENS + within).to(tl.int64)
        weight = tl.load(weight_start + within[None, :], mask=is_row[:, None], other=0.0)
        factor = tl.exp(tl.load(own_maximum + tile, mask=is_row, other=0.0) - now)
        embedded = tl.load(
            embedding + token[:, None] * width + column[None, :],
            mask=(token < vocab_size)[:, None] & is_column[None, :], other=0.0,
        )  # fmt: skip
        share += tl.dot((weight * factor[:, None]).to(embedded.dtype), embedded, input_precision="ieee")
    tl.store(place, share, mask=is_place)


@triton.jit
@no_type_check
def _find_token_kernel(
    rows, embedding, divisor, maximum, chosen_tile, rest, sampled, vocab_size, width, num_tiles, softcap,
    TOKENS: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    """Compute one position's chosen tile again, and find the token at which its cumulative sum passes `rest`."""
    row = tl.program_id(0).to(tl.int64)
    tile = tl.load(chosen_tile + row)
    within = tl.arange(0, TOKENS)
    token = tile * TOKENS + within
    is_token = token < vocab_size
    products = tl.zeros((TOKENS,), tl.float32)
    for start in range(0, width, DEPTH):
        component = start + tl.arange(0, DEPTH)
        is_component = component < width
        hidden = tl.load(rows + row * width + component, mask=is_component, other=0.0).to(tl.float32)
        embedded = tl.load(
            embedding + token[:, None] * width + component[None, :],
            mask=is_token[:, None] & is_component[None, :], other=0.0,
        )  # fmt: skip
        products += tl.sum(embedded.to(tl.float32) * hidden[None, :], axis=1)
    logits = _temper(products, softcap, tl.load(divisor + row))
    weight = tl.where(is_token, tl.exp(logits - tl.load(maximum + row * num_tiles + tile)), 0.0)
    passed = tl.sum((tl.cumsum(weight, axis=0) <= tl.load(rest + row)).to(tl.int32), axis=0)
    # Rounding may carry `rest` past the whole; then the last token that has any probability is meant.
    last = tl.max(tl.where(weight > 0, within, 0), axis=0)
    tl.store(sampled + row, tile * TOKENS + tl.minimum(passed, last))
