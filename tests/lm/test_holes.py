import pytest
import torch

from gesso.errors import PromptError
from gesso.lm import holes
from gesso.lm.encoded_text import EncodedText
from gesso.lm.holes import HoleSize, fill_holes


def test_the_likeliest_of_the_fillings_is_taken(lm, monkeypatch):
    seen = []
    surprises = EncodedText.surprises
    monkeypatch.setattr(
        EncodedText, "surprises", lambda self, texts: (seen.extend(found := surprises(self, texts)), found)[1]
    )
    out = lm.infill("Once upon", " a hill.", seed=1, max_hole_tokens=9)
    num_following = len(lm.tokenizer.encode(" a hill.")) + 1  # and the end
    sizes = [len(one) - num_following for one in seen]
    ranks = [10 * one[:size].mean() + one[size:].sum() for one, size in zip(seen, sizes, strict=True)]
    best = ranks.index(min(ranks))
    assert len(set(sizes)) > 4
    assert (len(out.token_ids), out.nats_per_token) == (sizes[best], pytest.approx(seen[best].mean().item()))


def test_the_suffix_stays_pinned_behind_every_hole(lm, monkeypatch):
    """What the network sees at each step has the suffix where the hole of that row ends."""
    seen = []
    denoise = lm.network.denoise_hidden
    monkeypatch.setattr(
        lm.network, "denoise_hidden", lambda canvas, *rest: (seen.append(canvas.tolist()), denoise(canvas, *rest))[1]
    )
    lm.infill("Once", " the end.", seed=0, max_hole_tokens=10)
    after = lm.tokenizer.encode(" the end.")
    # Eight sizes are ranked after two steps; one of each scale takes its three, and so do those next to the best.
    assert [len(rows) for rows in seen[:5]] == [8, 8, 4, 4, 4]
    assert len({len(rows) for rows in seen[5:]}) == 1
    assert len(seen) == 8
    sizes = [1, 2, 3, 4, 5, 6, 8, 10]
    behind = {size: after + [lm.tokenizer.eos_id] * (len(seen[0][0]) - size - len(after)) for size in range(11)}
    for rows in seen[:2]:
        for size, row in zip(sizes, rows, strict=True):
            assert row[size:] == behind[size]
    for rows in seen[2:5]:
        for scale, row in enumerate(rows):
            assert any(row[size:] == behind[size] for size in sizes[2 * scale : 2 * scale + 2])
    for row in (row for rows in seen[5:] for row in rows):
        assert any(row[size:] == behind[size] for size in range(1, 11))


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
