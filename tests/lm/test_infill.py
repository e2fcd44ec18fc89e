import pytest

from gesso.errors import PromptError, SettingError
from gesso.lm.infill import infill
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


def test_the_surprise_is_that_of_the_causal_mode(lm):
    import torch

    out = lm.infill("Once upon", " a hill.", seed=2, max_hole_tokens=3)
    context = lm.tokenizer.encode("Once upon", add_bos=True)
    rest = [*out.token_ids, *lm.tokenizer.encode(" a hill."), lm.tokenizer.eos_id]
    cache = lm.network.new_cache(batch=1, max_len=len(context) + len(rest))
    log_probabilities = lm.network.head(lm.network.encode(torch.tensor([context + rest]), cache))[0].log_softmax(-1)
    nats = [-log_probabilities[len(context) - 1 + i, token].item() for i, token in enumerate(rest)]
    assert out.nats_per_token == pytest.approx(sum(nats) / len(nats), rel=1e-5)


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
        ("kite " * 245, " end.", {}, PromptError, "the context of 256"),
        ("Once", " end.", {"max_hole_tokens": 0}, SettingError, "max_hole_tokens is 0"),
        ("Once", " end.", {"steps": 0}, SettingError, "steps is 0"),
    ],
)
def test_bad_input_is_refused(lm, prefix, suffix, settings, error, words):
    with pytest.raises(error, match=words):
        lm.infill(prefix, suffix, **settings)
