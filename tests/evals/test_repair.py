import pytest
import torch

from gesso.errors import SettingError
from gesso.evals.repair import MENDING, Repair, damage, damage_and_mend, damaged_text
from gesso.evals.texts import held_out_stories
from tests.evals.doubles import report_of, sample_of, writer


def generators(count, seed=0):
    return [torch.Generator().manual_seed(seed + i) for i in range(count)]


def test_damage_makes_exactly_this_share_of_the_text_wrong_and_nothing_else():
    clean = torch.arange(40).view(2, 20)
    is_text = torch.arange(20) < torch.tensor([[20], [10]])
    for share, wrong in ((0.1, [2, 1]), (0.5, [10, 5]), (1.0, [20, 10]), (0.001, [1, 1])):
        damaged = damage(clean, is_text, share, 50, generators(2))
        assert (damaged != clean).sum(1).tolist() == wrong
        assert damaged[~is_text].equal(clean[~is_text])
    assert clean.equal(torch.arange(40).view(2, 20))


def test_wrong_tokens_are_uniform_over_all_others():
    clean = torch.full((1, 30_000), 2)
    damaged = damage(clean, torch.ones_like(clean, dtype=torch.bool), 1.0, 4, generators(1))
    counts = damaged.flatten().bincount(minlength=4)
    assert counts[2] == 0
    assert ((counts[[0, 1, 3]] - 10_000).abs() < 400).all()


def one_story(sample):
    return held_out_stories(sample.rng(0, "repair"), 1)[0]


def test_a_model_that_knows_the_story_mends_all_and_breaks_nothing(lm):
    sample = sample_of(1)
    knowing = writer(lm, lambda text: one_story(sample))
    report, _ = report_of(Repair(shares=(0.1, 0.5)), knowing, sample)
    assert (report.axis, [point.at for point in report.points]) == ("corrupted", [0.1, 0.5])
    for point in report.points:
        values = {name: figure.value for name, figure in point.figures.items()}
        assert values == {"mended": 1, "broken": 0, "intact": 1, "ok": 1, "steps": 2}
    assert report.example == one_story(sample)


def test_a_canvas_is_mended_by_settings_of_its_own_unless_those_of_the_model_are_wanted(lm):
    sample = sample_of(1, steps=1)
    knowing = writer(lm, lambda text: one_story(sample))
    for sampler, steps in ((MENDING, 2), (None, 1)):
        report, _ = report_of(Repair(shares=(0.5,), sampler=sampler), knowing, sample)
        assert report.points[0].figures["steps"].value == steps


def show_what_is_shown(lm):
    """A model that takes every canvas for the truth."""
    believing = writer(lm, str, 64)
    believing.network.denoise = lambda canvas, cache, conditioning=None: torch.zeros(*canvas.shape, 4096).scatter(
        -1, canvas.unsqueeze(-1), 30.0
    )
    return believing


def test_a_model_that_believes_what_it_sees_mends_nothing_and_breaks_nothing(lm):
    text = "The fox had a red kite and a boat."
    [outcome] = damage_and_mend(show_what_is_shown(lm), [text], 0.3, sample_of().sampler, [0])
    tokens = len(lm.tokenizer.encode(text))
    assert (outcome.mended, outcome.broken) == (0, 0)
    assert outcome.wrong == round(0.3 * tokens)
    assert outcome.wrong + outcome.right == tokens


def test_a_model_that_writes_something_else_breaks_what_was_right(lm):
    text = "The fox had a red kite and a boat."
    [outcome] = damage_and_mend(writer(lm, lambda _: "", 64), [text], 0.3, sample_of().sampler, [0])
    assert (outcome.mended, outcome.broken) == (0, outcome.right)
    assert outcome.text == ""


@pytest.mark.parametrize("shares", [(), (0.0, 0.1), (0.5, 0.1), (0.1, 0.1), (0.5, 1.5)])
def test_impossible_shares_are_refused(shares):
    with pytest.raises(SettingError, match="give ascending numbers above 0 and at most 1"):
        Repair(shares=shares)


def test_the_damaged_text_is_what_mending_begins_with(lm):
    text = "Once upon a time, there was a boy."
    shown = show_what_is_shown(lm)
    [outcome] = damage_and_mend(shown, [text], 0.3, sample_of().sampler, [4])
    assert damaged_text(shown, text, 0.3, 4) == outcome.text != text
