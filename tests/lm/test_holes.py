import pytest
import torch

from gesso.errors import PromptError
from gesso.lm import holes
from gesso.lm.encoded_text import EncodedText
from gesso.lm.holes import HoleSize, fill_holes


@pytest.fixture
def watched(lm, monkeypatch):
    """What the network sees at each denoising step, row by row, and what the causal mode reads."""
    steps, readings = [], []
    denoise, surprises = lm.network.denoise_hidden, EncodedText.surprises
    monkeypatch.setattr(
        lm.network, "denoise_hidden", lambda canvas, *rest: (steps.append(canvas.tolist()), denoise(canvas, *rest))[1]
    )
    monkeypatch.setattr(
        EncodedText,
        "surprises",
        lambda self, texts: (readings.append((texts, found := surprises(self, texts))), found)[1],
    )
    return steps, readings


def test_the_likeliest_of_the_fillings_is_taken(lm, watched):
    out = lm.infill("Once upon", " a hill.", seed=1, max_hole_tokens=9)
    behind = [*lm.tokenizer.encode(" a hill."), lm.tokenizer.eos_id]
    ranks = {}
    for texts, found in watched[1]:
        for text, nats in zip(texts, found, strict=True):
            assert text[-len(behind) :] == behind
            size = len(text) - len(behind)
            ranks[tuple(text[:size])] = (10 * nats[:size].mean() + nats[size:].sum(), nats.mean().item())
    best = min(ranks, key=ranks.__getitem__)
    assert len({len(one) for one in ranks}) > 4
    assert (out.token_ids, out.nats_per_token) == (best, pytest.approx(ranks[best][1], abs=1e-4))


def test_the_suffix_stays_pinned_behind_every_hole(lm, watched):
    """What the network sees at each step has the suffix where the hole of that row ends."""
    lm.infill("Once", " the end.", seed=0, max_hole_tokens=10)
    steps, after = watched[0], lm.tokenizer.encode(" the end.")
    length = len(steps[0][0])
    behind = {size: after + [lm.tokenizer.eos_id] * (length - size - len(after)) for size in range(1, 11)}
    for rows in steps[: holes.DRAFT_STEPS]:
        assert [next(size for size in behind if row[size:] == behind[size]) for row in rows] == [
            1,
            2,
            3,
            4,
            5,
            6,
            8,
            10,
        ]
    assert all(any(row[size:] == behind[size] for size in behind) for rows in steps for row in rows)


def test_what_held_before_a_fault_is_kept_in_the_next_drafts(lm, watched, monkeypatch):
    """Of the likeliest filling two tokens hold; in place of the third each size has one that is drawn anew."""
    filling = holes.Filling(text="", token_ids=(7, 8, 9, 10), nats_per_token=1.0)
    monkeypatch.setattr(holes._Hole, "_likeliest", lambda *_: holes._Candidate(rank=(False, 1.0), filling=filling))
    monkeypatch.setattr(EncodedText, "num_holding", lambda self, texts, _: [min(2, len(text)) for text in texts])
    monkeypatch.setattr(EncodedText, "next_tokens", lambda self, kept, count, *_: list(range(100, 100 + count)))
    lm.infill("Once", " the end.", seed=0, max_hole_tokens=7, steps=2 * holes.DRAFT_STEPS)
    rows = watched[0][-1]
    assert [row[:3] for row in rows] == [[7, 8, 100 + number] for number in range(5)]  # sizes 3 to 7


def test_the_steps_of_all_drafts_together_are_bounded(lm, watched, monkeypatch):
    monkeypatch.setattr(EncodedText, "num_holding", lambda self, texts, _: [0 for _ in texts])
    monkeypatch.setattr(holes, "TRIES", 99)
    lm.infill("Once", " the end.", seed=0, max_hole_tokens=4, steps=7)
    assert len(watched[0]) == 7


def test_a_search_ends_when_nothing_gets_better(lm, watched, monkeypatch):
    monkeypatch.setattr(EncodedText, "num_holding", lambda self, texts, _: [0 for _ in texts])
    monkeypatch.setattr(holes._Hole, "_likeliest", lambda self, fresh: equals.pop(0))
    filling = holes.Filling(text="", token_ids=(7, 8), nats_per_token=1.0)
    equals = [holes._Candidate(rank=(False, 1.0), filling=filling)] * (1 + holes.TRIES)
    assert lm.infill("Once", " the end.", seed=0, max_hole_tokens=4, steps=99).token_ids == (7, 8)
    assert not equals
    assert len(watched[0]) == holes.DRAFT_STEPS * (1 + holes.TRIES)


def test_a_filling_does_not_depend_on_the_holes_beside_it(lm, monkeypatch):
    together = lm.infill("Once", " end.", seed=0, max_hole_tokens=12)
    monkeypatch.setattr(holes, "ROWS_AT_ONCE", 1)
    assert lm.infill("Once", " end.", seed=0, max_hole_tokens=12).token_ids == together.token_ids


def test_what_ends_a_text_is_written_only_where_nothing_follows(lm, monkeypatch):
    head, eos = lm.network.head, lm.tokenizer.eos_id

    def eager(hidden):
        logits = head(hidden)
        logits[..., eos] += 50
        return logits

    monkeypatch.setattr(lm.network, "head", eager)
    assert set(lm.infill("Once", "", seed=0, max_hole_tokens=3).token_ids) == {eos}
    assert not lm.tokenizer.special_ids & set(lm.infill("Once", " end.", seed=0, max_hole_tokens=3).token_ids)


def test_a_quarter_of_the_canvas_is_left_for_a_long_suffix(lm, monkeypatch):
    seen = []
    denoise = lm.network.denoise_hidden
    monkeypatch.setattr(
        lm.network, "denoise_hidden", lambda canvas, *rest: (seen.extend(canvas.tolist()), denoise(canvas, *rest))[1]
    )
    suffix = " kite" * 40
    after = lm.tokenizer.encode(suffix)
    assert 1 <= len(lm.infill("Once", suffix, seed=0).token_ids) <= 12
    assert all(row[-4:] == after[:4] for row in seen)


def test_a_filling_counts_for_the_expected_size_however_long_it_is():
    short, long = torch.tensor([3.0, 1.0, 2.0]), torch.tensor([2.0, 4.0, 3.0, 3.0, 1.0, 2.0])
    for expected in (1, 10):
        assert holes._unlikelihood(short, 1, expected) == expected * 3.0 + 3.0
        assert holes._unlikelihood(long, 4, expected) == expected * 3.0 + 3.0


def test_a_text_without_room_is_refused_before_any_step(lm, monkeypatch):
    monkeypatch.setattr(lm.network, "encode", None)
    with pytest.raises(PromptError, match="the text before the last hole may have 247 tokens and a canvas 16"):
        fill_holes(
            lm.network,
            lm.tokenizer,
            lm.sampler,
            ["Once", " kite" * 242, ""],
            [HoleSize(most=3), HoleSize(most=50)],
            seed=0,
        )
