"""Batches from documents, and what a canvas of them can see."""

import dataclasses
import random

import pytest
import torch

from gesso.train.documents import parse_document
from gesso.train.length_buckets import LengthBuckets
from gesso.train.token_store import write_token_store
from tests.tiny_model import tiny_network
from tests.train.chat_text import CANVAS, TOKENIZER, document_tokenizer, turns

VALUES = [
    turns("Who?", "Mia had a kite. " * 3, "Where?", "Home was far away. " * 4),
    {"prompt": "One day", "response": " it rained. " * 5},
    *({"text": f"{name} saw a kite. " * n} for n, name in enumerate(("Tom", "Mia", "Ben", "Ann", "Leo"), start=1)),
]


@pytest.fixture
def buckets(tmp_path):
    return make_buckets(tmp_path)


def make_buckets(tmp_path, **settings):
    documents = document_tokenizer()
    texts = [text for value in VALUES for text in documents.tokenize(parse_document(value)[0])]
    return LengthBuckets(
        write_token_store(tmp_path / "data", texts),
        canvas_length=CANVAS,
        eos_id=TOKENIZER.eos_id,
        pad_id=TOKENIZER.pad_id,
        texts_per_batch=3,
        canvases_per_text=2,
        **settings,
    )


def number_of(tokens, buckets):
    """Which text a row begins with."""
    texts = [buckets._store[i] for i in range(8)]
    (number,) = (i for i, text in enumerate(texts) if tokens[: len(text)] == [*text.context, *text.response])
    return number


def test_every_text_is_in_the_shortest_bucket_that_holds_it(buckets):
    rungs = list(buckets.texts_by_length)
    assert rungs == sorted(rungs)
    assert sorted(i for texts in buckets.texts_by_length.values() for i in texts) == list(range(8))
    lengths = buckets._store.lengths
    for shorter, rung in zip([0, *rungs], rungs, strict=False):
        assert all(shorter < lengths[i] <= rung for i in buckets.texts_by_length[rung])


def test_a_batch_depends_on_the_generator_of_its_step_alone(buckets):
    for step in range(5):
        one = buckets(random.Random(f"0:{step}"))
        buckets(random.Random("another"))
        again = buckets(random.Random(f"0:{step}"))
        for field in dataclasses.fields(one):
            assert torch.equal(getattr(one, field.name), getattr(again, field.name))


def test_every_text_is_drawn_equally_often(buckets):
    counts = [0] * 8
    for step in range(600):
        for row in buckets(random.Random(step)).text:
            counts[number_of(row.tolist(), buckets)] += 1
    assert all(1800 / 8 * 0.7 < count < 1800 / 8 * 1.3 for count in counts)


def test_a_row_holds_one_text_and_padding(buckets):
    for step in range(20):
        batch = buckets(random.Random(step))
        for row, is_text in zip(batch.text, batch.is_text, strict=True):
            tokens = row[is_text].tolist()
            text = buckets._store[number_of(tokens, buckets)]
            assert set(tokens[len(text) :]) <= {TOKENIZER.eos_id}
            assert row[~is_text].eq(TOKENIZER.pad_id).all()


def test_rows_hold_the_last_canvas_whole_where_that_is_asked_for(tmp_path):
    buckets = make_buckets(tmp_path, whole_responses=True)
    for step in range(40):
        batch = buckets(random.Random(step))
        assert (batch.context + CANVAS <= batch.is_text.sum(1)[batch.row]).all()


def test_no_canvas_sees_its_own_clean_text(buckets):
    network = tiny_network()
    later_noticed = False
    for step in range(12):
        batch = buckets(random.Random(step))
        noisy = torch.randint(4096, batch.clean.shape, generator=torch.Generator().manual_seed(step))
        before = logits(network, batch, noisy)
        for index in range(len(batch.clean)):
            row, start = batch.row[index], int(batch.context[index])
            text = batch.text.clone()
            text[row, start : start + CANVAS] = (text[row, start : start + CANVAS] + 7) % 4096
            after = logits(network, dataclasses.replace(batch, text=text), noisy)
            assert torch.equal(before[index], after[index])
            # The test can fail: a later canvas of the same text does see what was changed.
            later = (batch.row == row) & (batch.context >= start + CANVAS)
            later_noticed |= bool(later.any()) and not torch.equal(before[later], after[later])
            # And no other text sees anything of it.
            others = batch.row != row
            assert torch.equal(before[others], after[others])
    assert later_noticed


@torch.no_grad()
def logits(network, batch, noisy):
    cache = network.new_cache(batch=len(batch.clean), max_len=batch.text.shape[1])
    network.encode(batch.text[batch.row], cache)
    return network.denoise(noisy, cache, context=batch.context)
