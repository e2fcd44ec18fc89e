import random

import pytest

from gesso.errors import PromptError, SettingError
from gesso.lm import holes
from gesso.lm.edit import check_spans
from gesso.lm.encoded_text import EncodedText

TEXT = "Once upon a time, there was a red kite. It flew over the hill and the boat."


@pytest.mark.parametrize("seed", range(4))
def test_everything_outside_the_spans_is_kept(lm, seed):
    places = sorted(random.Random(seed).sample(range(0, len(TEXT), 3), 4))
    spans = [tuple(places[:2]), tuple(places[2:])]
    out = lm.edit(TEXT, spans, seed=seed)
    (first, second), end = spans, len(TEXT)
    new = [span.new for span in out.spans]
    assert out.text == TEXT[: first[0]] + new[0] + TEXT[first[1] : second[0]] + new[1] + TEXT[second[1] : end]
    for span, (start, stop) in zip(out.spans, spans, strict=True):
        assert (span.start, span.stop, span.old) == (start, stop, TEXT[start:stop])
        assert out.text[span.new_start :].startswith(span.new)
        assert 1 <= len(span.token_ids) <= 2 * len(lm.tokenizer.encode(span.old)) + 2
        assert not lm.tokenizer.special_ids & set(span.token_ids)


def test_one_span_is_an_infill_between_what_stands_around_it(lm):
    start, stop = TEXT.index("red"), TEXT.index(" It flew")
    (span,) = lm.edit(TEXT, [(start, stop)], seed=3, max_span_tokens=5).spans
    filling = lm.infill(TEXT[:start], TEXT[stop:], seed=3, max_hole_tokens=5)
    assert (span.new, span.token_ids, span.nats_per_token) == (
        filling.text,
        filling.token_ids,
        filling.nats_per_token,
    )


def test_a_hole_sees_what_was_written_before_it_and_noise_where_another_is_still_open(lm, monkeypatch):
    texts, canvases = [], []
    monkeypatch.setattr(holes, "EncodedText", lambda *words: texts.append(EncodedText(*words)) or texts[-1])
    denoise = lm.network.denoise_hidden
    monkeypatch.setattr(
        lm.network,
        "denoise_hidden",
        lambda canvas, cache, *rest: (
            canvases.append((cache.lengths[0], canvas.tolist())),
            denoise(canvas, cache, *rest),
        )[1],
    )
    text, spans = "Once upon a red kite flew", [(5, 9), (12, 15)]
    out = lm.edit(text, spans, seed=0, max_span_tokens=2)
    encode = lm.tokenizer.encode
    once, between, rest = encode("Once", add_bos=True), encode(" a"), encode(" kite flew")
    red = len(encode("red"))
    before_red = [*once, *encode(" " + out.spans[0].new), *between]
    assert texts[0].token_ids == before_red
    assert {length for length, _ in canvases} == {len(once), len(before_red)}
    for row in (row for length, rows in canvases if length == len(once) for row in rows):
        assert any(
            row[size : size + len(between)] == between and row[size + len(between) + red :][: len(rest)] == rest
            for size in (1, 2)
        )


def test_a_seed_repeats_an_edit_and_spans_come_in_any_order(lm):
    spans = [(18, 23), (5, 9)]
    out = lm.edit(TEXT, spans, seed=5, max_span_tokens=2)
    assert lm.edit(TEXT, spans[::-1], seed=5, max_span_tokens=2) == out
    assert [span.start for span in out.spans] == [5, 18]
    assert lm.edit(TEXT, [(5, 9)], steps=1, max_span_tokens=1).seed >= 0


def test_a_span_at_either_end_of_a_text_can_be_edited(lm):
    assert lm.edit(TEXT, [(0, 4)], seed=0, max_span_tokens=2).text.endswith(TEXT[4:])
    assert lm.edit(TEXT, [(70, len(TEXT))], seed=0, max_span_tokens=2).text.startswith(TEXT[:70])


@pytest.mark.parametrize(
    ("spans", "error", "words"),
    [
        ([], PromptError, "no span to write anew"),
        ([(0, 9)], PromptError, "the whole text"),
        ([(4, 4)], SettingError, "the span 4:4 is empty"),
        ([(4, 10)], SettingError, "the span 4:10 lies outside of the text; it has 9 characters"),
        ([(-1, 3)], SettingError, "the span -1:3 lies outside"),
        ([(5, 3)], SettingError, "the span 5:3 lies outside"),
        ([(0, 4), (3, 6)], SettingError, "the spans 0:4 and 3:6 overlap; give 0:6 instead"),
        ([(3, 6), (0, 3)], SettingError, "the spans 0:3 and 3:6 touch; give 0:6 instead"),
    ],
)
def test_spans_that_cannot_be_are_refused(spans, error, words):
    with pytest.raises(error, match=words):
        check_spans("red kites", spans)


def test_bad_settings_are_refused_before_any_step(lm, monkeypatch):
    monkeypatch.setattr(lm.network, "denoise_hidden", None)
    with pytest.raises(SettingError, match="max_span_tokens is 0"):
        lm.edit(TEXT, [(0, 4)], max_span_tokens=0)
    with pytest.raises(PromptError, match="exceed the context of 256"):
        lm.edit("kite " * 250, [(1200, 1203)])
    with pytest.raises(SettingError, match="touch"):
        lm.edit(TEXT, [(0, 4), (4, 6)])
