import dataclasses
import random

import pytest
import torch

from gesso.errors import DataError, SettingError
from gesso.train.batch import collate
from gesso.train.examples import lay_out

CANVAS = 4


def example(context_length, response_length):
    first = 10 * context_length
    return lay_out(
        [2, *range(first, first + context_length - 1)],
        list(range(500, 500 + response_length)),
        canvas_length=CANVAS,
        eos_id=1,
        max_canvases=5,
    )


def batch_of(examples, **changes):
    settings = {"text_length": 12, "canvases_per_text": 2, "pad_id": 0, "rng": random.Random(0)}
    return collate(examples, **(settings | changes))


def test_each_canvas_follows_its_context():
    examples = [example(3, 4), example(5, 7), example(2, 9)]
    batch = batch_of(examples)
    for row, context, clean in zip(batch.row.tolist(), batch.context.tolist(), batch.clean, strict=True):
        whole = [*examples[row].context, *(token for canvas in examples[row].canvases for token in canvas)]
        assert whole[context : context + CANVAS] == clean.tolist()
        visible = batch.text[row, :context]
        assert visible.tolist() == whole[:context]
        assert batch.is_text[row, :context].all()


def test_a_text_with_too_few_canvases_gives_further_noise_draws_of_them():
    batch = batch_of([example(3, 4)], canvases_per_text=3)
    assert batch.context.tolist() == [3, 3, 3]


def test_canvases_whose_context_does_not_fit_are_left_out():
    batch = batch_of([example(3, 20)], text_length=8, canvases_per_text=2)
    assert set(batch.context.tolist()) == {3, 7}


def test_shapes_do_not_depend_on_the_examples():
    short, long = batch_of([example(2, 1)] * 3), batch_of([example(11, 20)] * 3)
    for name in ("text", "is_text", "row", "context", "clean"):
        assert getattr(short, name).shape == getattr(long, name).shape


def test_padding_is_marked():
    batch = batch_of([example(2, 4)])
    assert batch.is_text[0].tolist() == [True] * 6 + [False] * 6
    assert torch.equal(batch.text[0, 6:], torch.zeros(6, dtype=torch.int64))


def test_a_context_that_does_not_fit_is_an_error():
    with pytest.raises(DataError, match="13 tokens does not fit into 12"):
        batch_of([example(13, 4)])


def test_whole_responses_are_held_whole_or_refused():
    batch = batch_of([example(3, 8)], text_length=11, whole_responses=True)
    assert batch.is_text.all()
    with pytest.raises(DataError, match="context and its canvases of 11 tokens do not fit into 10"):
        batch_of([example(3, 8)], text_length=10, whole_responses=True)


def test_a_batch_moves_to_a_device_whole():
    batch = batch_of([example(3, 4)]).to(torch.device("meta"))
    assert {getattr(batch, one.name).device.type for one in dataclasses.fields(batch)} == {"meta"}


def test_the_parts_of_a_batch_are_batches_of_its_texts():
    examples = [example(3, 4), example(5, 7), example(2, 9), example(4, 4)]
    batch = batch_of(examples)
    parts = [batch.part(index, 2) for index in range(2)]
    for index, part in enumerate(parts):
        twin = batch_of(examples[2 * index : 2 * index + 2])
        assert torch.equal(part.text, twin.text)
        assert torch.equal(part.is_text, twin.is_text)
        assert torch.equal(part.row, twin.row)
    assert torch.equal(torch.cat([part.clean for part in parts]), batch.clean)
    assert torch.equal(torch.cat([part.context for part in parts]), batch.context)


def test_a_batch_that_cannot_be_split_evenly_is_refused():
    batch = batch_of([example(3, 4), example(5, 7), example(2, 9)])
    with pytest.raises(
        SettingError, match="3 texts and 6 canvases cannot be split among 2 processes; give each step a"
    ):
        batch.part(0, 2)
    mixed = dataclasses.replace(batch, row=batch.row.flip(0))
    with pytest.raises(SettingError, match="the canvases of a batch are not in the order of its 3 texts"):
        mixed.part(0, 3)
