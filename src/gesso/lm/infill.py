"""Writing what is missing between two texts.

The suffix stands in the canvas, pinned, after a hole, and the end of the sequence after the suffix; the denoiser sees
both sides at once. How long the hole is nobody knows. So holes of every size are denoised for a few steps, those in
which the network is surest of what it writes are denoised to the end, and of these the filling is taken whose text,
filling and suffix, reads likeliest from left to right by the same network's causal mode.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from gesso.engine.left_to_right import surprise
from gesso.engine.reference import CachedDenoiser
from gesso.errors import PromptError, SettingError
from gesso.model.network import Network
from gesso.sampling.denoise import denoise_canvas
from gesso.sampling.draws import canvas_generator
from gesso.sampling.pins import Pins
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.step import StepResult
from gesso.sampling.stop import NeverStop
from gesso.text.tokenizer import Tokenizer

RANKING_STEPS = 4
"""Denoising steps after which the sizes are ranked."""

MOST_REFINED = 6
"""Sizes that are denoised to the end."""

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
    task = _Task(network, context, after, tokenizer.eos_id, seed)
    sizes = list(range(1, min(max_hole_tokens, _room(network, context, after)) + 1))
    if len(sizes) > MOST_REFINED:
        first_steps = replace(sampler, max_steps=min(RANKING_STEPS, sampler.max_steps), stop=NeverStop())
        unsure = {size: entropy for size, entropy, _ in task.fill(sizes, first_steps)}
        sizes = sorted(sorted(sizes, key=unsure.__getitem__)[:MOST_REFINED])

    candidates: list[tuple[bool, float, list[int]]] = []
    for _, _, filling in task.fill(sizes, sampler):
        lacks_space = num_spaces > 0 and not tokenizer.decode(filling).startswith(" ")
        candidates.append((lacks_space, surprise(network, context, [*filling, *after]).mean().item(), filling))
    _, nats_per_token, filling = min(candidates, key=lambda candidate: candidate[:2])
    return Infill(
        text=_without_spaces(tokenizer.decode(filling), num_spaces),
        token_ids=tuple(filling),
        nats_per_token=nats_per_token,
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


@dataclass(frozen=True)
class _Task:
    """A hole to fill, of any size.

    Attributes:
        network: What fills it.
        context: Tokens before the hole.
        after: Tokens after it.
        eos_id: Fills the canvas behind them.
        seed: Source of the randomness; a size has its own, whatever sizes it is tried with.
    """

    network: Network
    context: list[int]
    after: list[int]
    eos_id: int
    seed: int

    def fill(self, sizes: list[int], sampler: SamplerSettings) -> Iterator[tuple[int, float, list[int]]]:
        """For each size: the size, the mean entropy of the hole in nats, and its filling."""
        for first in range(0, len(sizes), ROWS_AT_ONCE):
            rows = sizes[first : first + ROWS_AT_ONCE]
            last = deque(self._steps(rows, sampler), maxlen=1).pop()
            for row, size in enumerate(rows):
                yield size, last.entropy[row, :size].mean().item(), last.state.draft[row, :size].tolist()

    def _steps(self, sizes: list[int], sampler: SamplerSettings) -> Iterator[StepResult]:
        network = self.network
        length = network.config.canvas_length
        mask = torch.ones(len(sizes), length, dtype=torch.bool)
        tokens = torch.full((len(sizes), length), self.eos_id)
        for row, size in enumerate(sizes):
            mask[row, :size] = False
            tokens[row, size : size + len(self.after)] = torch.tensor(self.after, dtype=torch.int64)
        cache = network.new_cache(batch=len(sizes), max_len=len(self.context))
        network.encode(torch.tensor([self.context] * len(sizes), device=network.device), cache)
        return denoise_canvas(
            CachedDenoiser(network, cache),
            sampler,
            [canvas_generator(self.seed, size) for size in sizes],
            canvas_length=length,
            vocab_size=network.config.vocab_size,
            pins=Pins(mask=mask.to(network.device), tokens=tokens.to(network.device)),
            device=network.device,
        )


def _without_spaces(text: str, count: int) -> str:
    """Text without its first spaces, at most `count` of them."""
    spaces = len(text) - len(text.lstrip(" "))
    return text[min(count, spaces) :]
