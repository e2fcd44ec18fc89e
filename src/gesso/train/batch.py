"""A batch for one training step: texts encoded once, and several canvases denoised against each."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from gesso.errors import DataError, SettingError
from gesso.train.examples import Example


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Tensors of one training step. B canvases belong to R texts of L tokens.

    Attributes:
        text: Clean tokens that the encoder reads: a context and as much of its canvases as fits, then padding.
        is_text: False on padding.
        row: For each canvas, the text that it belongs to.
        context: For each canvas, how many tokens of that text come before it. The denoiser sees those and no more.
        clean: The clean tokens of each canvas.
    """

    text: Int[Tensor, "R L"]
    is_text: Bool[Tensor, "R L"]
    row: Int[Tensor, " B"]
    context: Int[Tensor, " B"]
    clean: Int[Tensor, "B C"]

    def to(self, device: torch.device) -> "Batch":
        """The same batch on a device."""
        return Batch(**{one.name: getattr(self, one.name).to(device) for one in fields(self)})

    def part(self, index: int, count: int) -> "Batch":
        """One of `count` equal parts: texts that stand side by side, and the canvases that belong to them.

        Args:
            index: Number of the part, from 0.
            count: Number of parts.

        Raises:
            SettingError: The texts, or their canvases, cannot be split into so many equal parts.
        """
        num_texts, num_canvases = len(self.text), len(self.clean)
        if num_texts % count or num_canvases % count:
            raise SettingError(
                f"a batch of {num_texts} texts and {num_canvases} canvases cannot be split among {count} processes; "
                f"give each step a multiple of {count} texts"
            )
        texts, canvases = part_of(num_texts, index, count), part_of(num_canvases, index, count)
        row = self.row[canvases] - texts.start
        if ((row < 0) | (row >= num_texts // count)).any():
            raise SettingError(
                f"the canvases of a batch are not in the order of its {num_texts} texts, or not equally many for each; "
                "make batches with gesso.train.batch.collate to split them among processes"
            )
        return Batch(
            text=self.text[texts],
            is_text=self.is_text[texts],
            row=row,
            context=self.context[canvases],
            clean=self.clean[canvases],
        )


def part_of(length: int, index: int, count: int) -> slice:
    """Where part number `index` of `count` equal parts of a sequence stands."""
    size = length // count
    return slice(index * size, (index + 1) * size)


def collate(
    examples: Sequence[Example],
    *,
    text_length: int,
    canvases_per_text: int,
    pad_id: int,
    rng: random.Random,
    whole_responses: bool = False,
) -> Batch:
    """Stack examples into a batch of fixed shapes.

    Every text gets `canvases_per_text` canvases: different ones where it has enough whose context fits, and further
    noise draws of the same ones where it has not. The shapes do not depend on the examples, so a compiled step is
    compiled once.

    Args:
        examples: R examples.
        text_length: L; a context must fit into it whole.
        canvases_per_text: Noise draws for each encoded text.
        pad_id: Fills up `text`.
        rng: Chooses canvases where there are more than are asked for.
        whole_responses: Every canvas must fit into its text besides, as left-to-right training needs.

    Raises:
        DataError: A context, or with `whole_responses` what follows it, does not fit into `text_length`.
    """
    text = torch.full((len(examples), text_length), pad_id)
    is_text = torch.zeros(len(examples), text_length, dtype=torch.bool)
    rows, contexts, clean = [], [], []
    for row, example in enumerate(examples):
        if len(example.context) > text_length:
            raise DataError(
                f"a context of {len(example.context)} tokens does not fit into {text_length}; "
                "shorten it or raise text_length"
            )
        tokens = [*example.context, *(token for canvas in example.canvases for token in canvas)]
        if whole_responses and len(tokens) > text_length:
            raise DataError(
                f"a context and its canvases of {len(tokens)} tokens do not fit into {text_length}; "
                "use fewer canvases or raise text_length"
            )
        tokens = tokens[:text_length]
        text[row, : len(tokens)] = torch.tensor(tokens)
        is_text[row, : len(tokens)] = True
        for index in _choose(example, text_length, canvases_per_text, rng):
            rows.append(row)
            contexts.append(len(example.context) + index * len(example.canvases[index]))
            clean.append(example.canvases[index])
    return Batch(
        text=text,
        is_text=is_text,
        row=torch.tensor(rows),
        context=torch.tensor(contexts),
        clean=torch.tensor(clean),
    )


def _choose(example: Example, text_length: int, count: int, rng: random.Random) -> list[int]:
    length = len(example.canvases[0])
    fitting = [i for i in range(len(example.canvases)) if len(example.context) + i * length <= text_length]
    rounds, rest = divmod(count, len(fitting))
    return fitting * rounds + rng.sample(fitting, rest)
