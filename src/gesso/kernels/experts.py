"""The chosen experts of few tokens each, as two grouped products: no loop on the host, no wait for the device.

A canvas sends about two dozen tokens to each expert, so the time is that of reading the experts' weights. Choices are
sorted by expert and cut into blocks of tokens with one expert each; a program multiplies one block. How many blocks
are in use is known on the device only: the grid has room for the most that there can be, and the rest end at once.

Weights may be narrower than the tokens (int8 or an 8-bit float), with one scale for each output row of each expert:
they are widened as they are read. The plain twin is `gesso.ops.experts.mix_experts_sparse`.
"""

from dataclasses import dataclass
from typing import no_type_check

import torch
import triton
import triton.language as tl
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from gesso.errors import InputError
from gesso.kernels.shared_memory import first_that_fits


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpertTile:
    """How the work is cut; it changes the time and, but for rounding, never the result.

    Attributes:
        tokens: Tokens of a block, all with one expert; a power of two, at least 16.
        columns: Outputs of a program; a power of two, at least 16.
        depth: Inputs that a program sees at a time; a power of two, at least 16.
        warps: Warps of a program.
        stages: Loads in flight.
    """

    tokens: int = 32
    columns: int = 64
    depth: int = 64
    warps: int = 4
    stages: int = 4

    def __post_init__(self) -> None:
        for name in ("tokens", "columns", "depth"):
            size = getattr(self, name)
            if size < 16 or size & (size - 1):
                raise InputError(f"{name} of an expert tile is {size}; give a power of two of at least 16")


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpertBlocks:
    """The choices of all tokens, sorted by expert and cut into blocks; a choice is token * top_k + its number.

    Attributes:
        order: The choices, sorted by expert.
        expert: The expert of each block.
        start: Where each block begins in `order`.
        size: How many choices each block holds; zero in blocks that are not used.
    """

    order: Int[Tensor, " choices"]
    expert: Int[Tensor, " blocks"]
    start: Int[Tensor, " blocks"]
    size: Int[Tensor, " blocks"]


def cut_into_blocks(chosen: Int[Tensor, "T k"], num_experts: int, block: int) -> ExpertBlocks:
    """Sort choices by expert and cut them into blocks of at most `block` with one expert each.

    Nothing waits for the device: all shapes follow from those of the arguments.
    """
    flat = chosen.flatten()
    order = flat.argsort(stable=True)
    counts = (flat[:, None] == torch.arange(num_experts, device=flat.device)).sum(0)
    blocks_each = (counts + block - 1) // block
    last_block, last_choice = blocks_each.cumsum(0), counts.cumsum(0)
    # At most one block of each expert is not full, and there are no more blocks than choices.
    most = min(flat.numel(), flat.numel() // block + num_experts)
    number = torch.arange(most, device=flat.device)
    expert = torch.searchsorted(last_block, number, right=True).clamp(max=num_experts - 1)
    within = (number - (last_block - blocks_each)[expert]) * block
    size = (counts[expert] - within).clamp(0, block)
    return ExpertBlocks(order=order, expert=expert, start=(last_choice - counts)[expert] + within, size=size)


def default_tile(x: Float[Tensor, "T D"]) -> ExpertTile:
    """The usual tile, with as many loads in flight as fit the device's shared memory."""
    return first_that_fits(
        [ExpertTile(stages=stages) for stages in (4, 3, 2)],
        lambda tile: tile.stages * (tile.tokens + 2 * tile.columns) * tile.depth * x.element_size(),
        x.device,
    )


def mix_experts_grouped(
    x: Float[Tensor, "T D"],
    gate_up: Shaped[Tensor, "E F2 D"],
    down: Shaped[Tensor, "E D F"],
    weights: Float[Tensor, "T k"],
    chosen: Int[Tensor, "T k"],
    *,
    gate_up_scale: Float[Tensor, "E F2"] | None = None,
    down_scale: Float[Tensor, "E D"] | None = None,
    tile: ExpertTile | None = None,
) -> Float[Tensor, "T D"]:
    """Weighted sum of what each token's chosen experts make of it.

    Args:
        x: Normed tokens.
        gate_up: Gate and up projections of every expert, one above the other.
        down: Down projection of every expert.
        weights: Weight of each choice.
        chosen: Expert of each choice.
        gate_up_scale: What each row of `gate_up` is multiplied by; None for one.
        down_scale: What each row of `down` is multiplied by; None for one.
        tile: How the work is cut; None for `default_tile`.
    """
    tile = tile or default_tile(x)
    num_tokens, width = x.shape
    num_experts, _, inner_width = down.shape
    top_k = chosen.shape[1]
    x, gate_up, down = x.contiguous(), gate_up.contiguous(), down.contiguous()
    blocks = cut_into_blocks(chosen, num_experts, tile.tokens)
    table = (blocks.order, blocks.expert, blocks.start, blocks.size)
    sizes = {"TOKENS": tile.tokens, "COLUMNS": tile.columns, "DEPTH": tile.depth}
    launch = {"num_warps": tile.warps, "num_stages": tile.stages}
    num_blocks = blocks.expert.numel()

    inner = torch.empty(num_tokens * top_k, inner_width, dtype=x.dtype, device=x.device)
    _gate_up_kernel[(triton.cdiv(inner_width, tile.columns), num_blocks)](
        x, gate_up, x if gate_up_scale is None else gate_up_scale, inner, *table, width, inner_width, top_k,
        HAS_SCALE=gate_up_scale is not None, **sizes, **launch,
    )  # fmt: skip
    # Each choice has a row of its own, so the sum over choices has one order and the same bits every time.
    out = torch.empty(num_tokens * top_k, width, dtype=torch.float32, device=x.device)
    _down_kernel[(triton.cdiv(width, tile.columns), num_blocks)](
        inner, down, x if down_scale is None else down_scale, weights.contiguous(), out, *table, inner_width, width,
        HAS_SCALE=down_scale is not None, **sizes, **launch,
    )  # fmt: skip
    return out.view(num_tokens, top_k, width).sum(1).to(x.dtype)


@triton.jit
@no_type_check
def _gate_up_kernel(
    x, gate_up, scale, inner, order, block_expert, block_start, block_size, width, inner_width, top_k,
    HAS_SCALE: tl.constexpr, TOKENS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    """gelu(gate(x)) * up(x) for a block of choices and some columns."""
    size = tl.load(block_size + tl.program_id(1))
    if size > 0:
        expert = tl.load(block_expert + tl.program_id(1)).to(tl.int64)
        slot = tl.arange(0, TOKENS)
        is_choice = slot < size
        choice = tl.load(order + tl.load(block_start + tl.program_id(1)) + slot, mask=is_choice, other=0)
        column = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
        is_column = column < inner_width
        gate_rows = gate_up + (expert * 2 * inner_width + column)[:, None] * width
        up_rows = gate_up + (expert * 2 * inner_width + inner_width + column)[:, None] * width
        token_rows = x + (choice // top_k)[:, None] * width

        gate = tl.zeros((TOKENS, COLUMNS), tl.float32)
        up = tl.zeros((TOKENS, COLUMNS), tl.float32)
        for start in range(0, width, DEPTH):
            component = start + tl.arange(0, DEPTH)[None, :]
            is_component = component < width
            tokens = tl.load(token_rows + component, mask=is_choice[:, None] & is_component, other=0.0)
            is_weight = is_column[:, None] & is_component
            gate_block = tl.load(gate_rows + component, mask=is_weight, other=0.0).to(tokens.dtype)
            up_block = tl.load(up_rows + component, mask=is_weight, other=0.0).to(tokens.dtype)
            gate += tl.dot(tokens, tl.trans(gate_block), input_precision="ieee")
            up += tl.dot(tokens, tl.trans(up_block), input_precision="ieee")
        if HAS_SCALE:
            scale_row = scale + expert * 2 * inner_width + column
            gate *= tl.load(scale_row, mask=is_column, other=0.0).to(tl.float32)[None, :]
            up *= tl.load(scale_row + inner_width, mask=is_column, other=0.0).to(tl.float32)[None, :]
        # The tanh form of gelu, written with a sigmoid: (1 + tanh(a)) / 2 = sigmoid(2 a).
        activated = gate * tl.sigmoid(1.5957691216057308 * (gate + 0.044715 * gate * gate * gate))
        write = inner + choice[:, None] * inner_width + column[None, :]
        tl.store(write, (activated * up).to(inner.dtype.element_ty), mask=is_choice[:, None] & is_column[None, :])


@triton.jit
@no_type_check
def _down_kernel(
    inner, down, scale, weights, out, order, block_expert, block_start, block_size, inner_width, width,
    HAS_SCALE: tl.constexpr, TOKENS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    """The weighted down projection for a block of choices and some columns."""
    size = tl.load(block_size + tl.program_id(1))
    if size > 0:
        expert = tl.load(block_expert + tl.program_id(1)).to(tl.int64)
        slot = tl.arange(0, TOKENS)
        is_choice = slot < size
        choice = tl.load(order + tl.load(block_start + tl.program_id(1)) + slot, mask=is_choice, other=0)
        column = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
        is_column = column < width
        down_rows = down + (expert * width + column)[:, None] * inner_width

        mixed = tl.zeros((TOKENS, COLUMNS), tl.float32)
        for start in range(0, inner_width, DEPTH):
            component = start + tl.arange(0, DEPTH)[None, :]
            is_component = component < inner_width
            hidden = tl.load(
                inner + choice[:, None] * inner_width + component, mask=is_choice[:, None] & is_component, other=0.0
            )
            block = tl.load(down_rows + component, mask=is_column[:, None] & is_component, other=0.0).to(hidden.dtype)
            mixed += tl.dot(hidden, tl.trans(block), input_precision="ieee")
        if HAS_SCALE:
            mixed *= tl.load(scale + expert * width + column, mask=is_column, other=0.0).to(tl.float32)[None, :]
        mixed *= tl.load(weights + choice, mask=is_choice, other=0.0)[:, None]
        write = out + choice[:, None] * width + column[None, :]
        tl.store(write, mixed, mask=is_choice[:, None] & is_column[None, :])
