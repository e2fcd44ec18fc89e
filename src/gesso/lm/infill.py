"""Writing what is missing between two texts.

The suffix stands in the canvas, pinned, after a hole; the denoiser sees both sides at once. How long the hole is nobody
knows, so holes of several sizes are denoised, and the filling is taken whose text, filling and suffix, reads likeliest
from left to right by the same network's causal mode.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from gesso.engine.reference import CachedDenoiser
from gesso.errors import PromptError, SettingError
from gesso.model.network import Network
from gesso.sampling.denoise import denoise_canvas
from gesso.sampling.draws import canvas_generator
from gesso.sampling.pins import Pins
from gesso.sampling.settings import SamplerSettings
from gesso.text.tokenizer import Tokenizer

HOLE_STEP = 1
"""Difference between the hole sizes that are tried, in tokens."""

ROWS_AT_ONCE = 8
"""Holes that are denoised as one batch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Infill:
    """A filled hole.

    Attributes:
        text: What stands in the hole: prefix + text + suffix is the whole.
        token_ids: Its tokens, and those of the spaces that the prefix ends with.
        nats_per_token: Mean left-to-right surprise of filling and suffix; lower reads more natural.
        seed: Repeats the result.
    """

    text: str
    token_ids: tuple[int, ...]
    nats_per_token: float
    seed: int


@torch.no_grad()
def infill(
    network: Network,
    tokenizer: Tokenizer,
    sampler: SamplerSettings,
    prefix: str,
    suffix: str,
    *,
    seed: int,
    max_hole_tokens: int,
) -> Infill:
    """Fill the hole between `prefix` and `suffix`; see `LanguageModel.infill`."""
    if not prefix and not suffix:
        raise PromptError("prefix and suffix are both empty; give at least one, or generate instead")
    if max_hole_tokens < 1:
        raise SettingError(f"max_hole_tokens is {max_hole_tokens}; a hole needs at least 1")
    # A word's token begins with the space before it: spaces at the end of the prefix are for the hole to write.
    words = prefix.rstrip(" ")
    num_spaces = len(prefix) - len(words)
    context = tokenizer.encode(words, add_bos=True)
    after = tokenizer.encode(suffix)
    sizes = range(1, min(max_hole_tokens, _room(network, context, after)) + 1, HOLE_STEP)

    candidates: list[tuple[bool, float, list[int]]] = []
    for filling in _fillings(network, sampler, context, after, sizes, seed):
        lacks_space = num_spaces > 0 and not tokenizer.decode(filling).startswith(" ")
        candidates.append((lacks_space, _surprise(network, context, [*filling, *after]), filling))
    _, surprise, filling = min(candidates, key=lambda candidate: candidate[:2])
    return Infill(
        text=_without_spaces(tokenizer.decode(filling), num_spaces),
        token_ids=tuple(filling),
        nats_per_token=surprise,
        seed=seed,
    )


def _room(network: Network, context: list[int], after: list[int]) -> int:
    """Positions that the suffix leaves in a canvas."""
    config = network.config
    if len(after) >= config.canvas_length:
        raise PromptError(f"the suffix has {len(after)} tokens and a canvas {config.canvas_length}; shorten the suffix")
    if len(context) + config.canvas_length > config.max_position_embeddings:
        raise PromptError(
            f"the prefix has {len(context)} tokens and a canvas {config.canvas_length}; together they exceed the "
            f"context of {config.max_position_embeddings}: shorten the prefix"
        )
    return config.canvas_length - len(after)


def _fillings(
    network: Network, sampler: SamplerSettings, context: list[int], after: list[int], sizes: range, seed: int
) -> Iterator[list[int]]:
    """One filling of each size."""
    for first in range(0, len(sizes), ROWS_AT_ONCE):
        yield from _fill(network, sampler, context, after, sizes[first : first + ROWS_AT_ONCE], seed)


def _fill(
    network: Network, sampler: SamplerSettings, context: list[int], after: list[int], sizes: range, seed: int
) -> list[list[int]]:
    length = network.config.canvas_length
    mask = torch.zeros(len(sizes), length, dtype=torch.bool)
    tokens = torch.zeros(len(sizes), length, dtype=torch.int64)
    for row, size in enumerate(sizes):
        mask[row, size : size + len(after)] = True
        tokens[row, size : size + len(after)] = torch.tensor(after, dtype=torch.int64)
    cache = network.new_cache(batch=len(sizes), max_len=len(context))
    network.encode(torch.tensor([context] * len(sizes), device=network.device), cache)
    steps = denoise_canvas(
        CachedDenoiser(network, cache),
        sampler,
        [canvas_generator(seed, size) for size in sizes],
        canvas_length=length,
        vocab_size=network.config.vocab_size,
        pins=Pins(mask=mask.to(network.device), tokens=tokens.to(network.device)),
        device=network.device,
    )
    last = deque(steps, maxlen=1).pop()
    return [row[:size] for row, size in zip(last.state.draft.tolist(), sizes, strict=True)]


def _surprise(network: Network, context: list[int], continuation: list[int]) -> float:
    """Mean nats a token of `continuation` after `context`, left to right."""
    ids = torch.tensor([[*context, *continuation]], device=network.device)
    hidden = network.encode(ids, network.new_cache(batch=1, max_len=ids.shape[1]))
    logits = network.head(hidden[:, len(context) - 1 : -1])
    return torch.nn.functional.cross_entropy(logits[0], ids[0, len(context) :]).item()


def _without_spaces(text: str, count: int) -> str:
    """Text without its first spaces, at most `count` of them."""
    spaces = len(text) - len(text.lstrip(" "))
    return text[min(count, spaces) :]
