import pytest

from gesso.errors import PromptError, SettingError
from gesso.lm.infill import Infill, infill
from gesso.sampling.settings import SamplerSettings


def test_prefix_filling_and_suffix_are_the_whole(lm):
    out = lm.infill("Once upon a time", " the end.", seed=0, max_hole_tokens=4)
    assert 1 <= len(out.token_ids) <= 4
    assert out.text == lm.tokenizer.decode(out.token_ids)
    assert out.nats_per_token > 0


def test_a_seed_repeats_an_infill(lm):
    first = lm.infill("Once", " end.", seed=5, max_hole_tokens=3)
    assert lm.infill("Once", " end.", seed=5, max_hole_tokens=3) == first
    others = {lm.infill("Once", " end.", seed=seed, max_hole_tokens=3).token_ids for seed in (6, 7)}
    assert others != {first.token_ids}
    assert lm.infill("Once", " end.", max_hole_tokens=1).seed >= 0


def test_the_likeliest_of_all_holes_is_taken(lm):
    def best(size: int) -> Infill:
        return infill(lm.network, lm.tokenizer, lm.sampler, "Once upon", " a hill.", seed=1, max_hole_tokens=size)

    surprises = [best(size).nats_per_token for size in (1, 2, 5, 9)]
    assert surprises == sorted(surprises, reverse=True)
    assert len(set(surprises)) > 1


def test_the_surprise_is_that_of_the_causal_mode(lm):
    import torch

    out = lm.infill("Once upon", " a hill.", seed=2, max_hole_tokens=3)
    context = lm.tokenizer.encode("Once upon", add_bos=True)
    rest = [*out.token_ids, *lm.tokenizer.encode(" a hill.")]
    cache = lm.network.new_cache(batch=1, max_len=len(context) + len(rest))
    log_probabilities = lm.network.head(lm.network.encode(torch.tensor([context + rest]), cache))[0].log_softmax(-1)
    nats = [-log_probabilities[len(context) - 1 + i, token].item() for i, token in enumerate(rest)]
    assert out.nats_per_token == pytest.approx(sum(nats) / len(nats), rel=1e-5)


def test_the_suffix_stays_pinned_behind_every_hole(lm, monkeypatch):
    """What the network sees at each step has the suffix where the hole of that row ends."""
    seen = []
    denoise = lm.network.denoise
    monkeypatch.setattr(
        lm.network, "denoise", lambda canvas, *rest: (seen.append(canvas.tolist()), denoise(canvas, *rest))[1]
    )
    lm.infill("Once", " the end.", seed=0, max_hole_tokens=10)
    after = lm.tokenizer.encode(" the end.")
    assert [len(rows) for rows in seen] == [
        8,
        8,
        8,
        2,
        2,
        2,
        6,
        6,
        6,
    ]  # ten holes ranked, six refined; three steps each
    behind = [after + [lm.tokenizer.eos_id] * (len(seen[0][0]) - size - len(after)) for size in range(11)]
    for rows, first in zip(seen[:6], (1, 1, 1, 9, 9, 9), strict=True):
        for size, row in enumerate(rows, start=first):
            assert row[size:] == behind[size]
    refined = {tuple(size for size in range(1, 11) for row in rows if row[size:] == behind[size]) for rows in seen[6:]}
    assert len(refined) == 1
    assert len(refined.pop()) == 6


@pytest.mark.parametrize(("prefix", "suffix"), [("", " the end."), ("Once upon a time", "")])
def test_one_side_may_be_empty(lm, prefix, suffix):
    assert lm.infill(prefix, suffix, seed=0, max_hole_tokens=2).token_ids


def test_spaces_at_the_end_of_the_prefix_are_written_once(lm):
    """Word tokens carry the space before them, so the hole writes it; the text in the hole is without."""
    out = lm.infill("Once upon ", " end.", seed=0, max_hole_tokens=8)
    bare = lm.infill("Once upon", " end.", seed=0, max_hole_tokens=8)
    decoded = lm.tokenizer.decode(out.token_ids)
    assert out.text == decoded.removeprefix(" ")
    assert decoded.startswith(" ") or out.token_ids == bare.token_ids


def test_the_hole_is_no_larger_than_the_canvas_leaves_room_for(lm):
    suffix = " kite" * 14
    assert len(lm.tokenizer.encode(suffix)) == 14
    assert len(lm.infill("Once", suffix, seed=0).token_ids) <= 2


def test_settings_reach_the_sampler(lm):
    direct = infill(
        lm.network,
        lm.tokenizer,
        SamplerSettings().with_overrides(steps=1, temperature=0.0),
        "Once",
        " end.",
        seed=0,
        max_hole_tokens=2,
    )
    assert lm.infill("Once", " end.", seed=0, max_hole_tokens=2, steps=1, temperature=0.0) == direct


@pytest.mark.parametrize(
    ("prefix", "suffix", "settings", "error", "words"),
    [
        ("", "", {}, PromptError, "both empty"),
        ("Once", " kite" * 16, {}, PromptError, "the suffix has 16 tokens and a canvas 16"),
        ("kite " * 245, " end.", {}, PromptError, "the context of 256"),
        ("Once", " end.", {"max_hole_tokens": 0}, SettingError, "max_hole_tokens is 0"),
        ("Once", " end.", {"steps": 0}, SettingError, "steps is 0"),
    ],
)
def test_bad_input_is_refused(lm, prefix, suffix, settings, error, words):
    with pytest.raises(error, match=words):
        lm.infill(prefix, suffix, **settings)
