"""Batches of texts of like length.

A row of a batch holds one text and no other, so there is nothing that a mask would have to keep apart: the encoder
reads a text from left to right, and a canvas sees the positions of its own text that come before it, and itself. Texts
that shared a row would need a mask between documents in every layer and positions that begin anew, which the network
does not have. Instead, texts of like length share a batch, so that little of a row is padding and few shapes are
compiled.
"""

import bisect
import random
from collections.abc import Iterator

from gesso.train.batch import Batch, collate
from gesso.train.token_store import TokenStore


class LengthBuckets:
    """Draws the batch of a step: first a bucket, by how many texts it holds, then texts from it.

    The draw depends on the given generator alone, and the loop seeds one for each step: a run that is resumed sees the
    data that it would have seen. Every text is as likely as any other; within a batch none comes twice while there are
    enough.

    Args:
        store: The texts.
        canvas_length: C.
        eos_id: Fills the last canvas.
        pad_id: Fills the rows.
        texts_per_batch: R.
        canvases_per_text: Noise draws against each encoded text.
        whole_responses: Rows hold the last canvas whole, as left-to-right training needs.
    """

    def __init__(
        self,
        store: TokenStore,
        *,
        canvas_length: int,
        eos_id: int,
        pad_id: int,
        texts_per_batch: int,
        canvases_per_text: int,
        whole_responses: bool = False,
    ) -> None:
        self._store = store
        self._canvas_length = canvas_length
        self._eos_id, self._pad_id = eos_id, pad_id
        self._texts_per_batch, self._canvases_per_text = texts_per_batch, canvases_per_text
        self._whole_responses = whole_responses
        filled = canvas_length - 1 if whole_responses else 0  # at most, wherever a border is drawn
        lengths = [length + filled for length in store.lengths]
        rungs = list(_ladder(canvas_length, max(lengths)))
        by_length: dict[int, list[int]] = {rung: [] for rung in rungs}
        for index, length in enumerate(lengths):
            by_length[rungs[bisect.bisect_left(rungs, length)]].append(index)
        self.texts_by_length = {rung: texts for rung, texts in by_length.items() if texts}
        """Numbers of the texts in each bucket, by the row length that holds the longest of them."""

    def __call__(self, rng: random.Random) -> Batch:
        """One batch."""
        weights = [len(texts) for texts in self.texts_by_length.values()]
        text_length, texts = rng.choices(list(self.texts_by_length.items()), weights)[0]
        rounds, rest = divmod(self._texts_per_batch, len(texts))
        chosen = texts * rounds + rng.sample(texts, rest)
        examples = [
            self._store[index].example(canvas_length=self._canvas_length, eos_id=self._eos_id, rng=rng)
            for index in chosen
        ]
        return collate(
            examples,
            text_length=text_length,
            canvases_per_text=self._canvases_per_text,
            pad_id=self._pad_id,
            rng=rng,
            whole_responses=self._whole_responses,
        )


def _ladder(canvas_length: int, longest: int) -> Iterator[int]:
    """Row lengths: a quarter of a canvas, and each half as long again or a third longer: 64, 96, 128, 192, 256, ..."""
    rung = max(4, canvas_length // 4)
    while True:
        for length in (rung, rung * 3 // 2):
            yield length
            if length >= longest:
                return
        rung *= 2
