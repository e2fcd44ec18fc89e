import pytest
import torch

from gesso.errors import SettingError
from gesso.sampling.filters import Filters
from gesso.sampling.pins import Pins
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.verification import Verification, pins_of_what_holds

C, V = 6, 5
DRAFT = torch.tensor([0, 1, 2, 3, 4, 0])


def logits_of(probabilities):
    """The draft's token has this probability at each position, the next token all of the rest."""
    logits = torch.full((C, V), -100.0)
    for position, probability in enumerate(probabilities):
        logits[position, DRAFT[position]] = torch.tensor(probability).log()
        logits[position, (DRAFT[position] + 1) % V] = torch.tensor(1 - probability).log()
    return logits


def read(probabilities, **changes):
    given = {
        "end": C,
        "pins": None,
        "verification": Verification(min_share=0.25),
        "temperature": 0.0,
        "uniforms": torch.full((C,), 0.5, dtype=torch.float64),
    }
    return pins_of_what_holds(DRAFT, logits_of(probabilities), **(given | changes))


def test_a_token_holds_if_it_is_not_much_less_likely_than_the_likeliest():
    share = Verification(min_share=0.25)
    # 0.2 is a quarter of 0.8, and 0.19 less than a quarter of 0.81.
    holds = share.holds(logits_of([0.9, 0.5, 0.21, 0.19, 0.6, 0.01]), DRAFT)
    assert holds.tolist() == [True, True, True, False, True, False]


def test_nothing_is_pinned_if_all_holds():
    assert read([0.9] * C) is None


def test_the_first_fault_is_written_anew_and_what_follows_is_left_open():
    pins = read([0.9, 0.9, 0.1, 0.9, 0.1, 0.9])
    assert pins.mask.tolist() == [[True, True, True, False, False, False]]
    assert pins.tokens[0, :3].tolist() == [0, 1, 3]


def test_without_writing_anew_only_what_stands_before_the_fault_is_kept():
    pins = read([0.9, 0.9, 0.1, 0.9, 0.9, 0.9], writes_anew=False)
    assert pins.mask.tolist() == [[True, True, False, False, False, False]]


def test_a_fault_behind_the_end_is_none():
    assert read([0.9, 0.9, 0.1, 0.9, 0.9, 0.9], end=2) is None


def test_the_callers_pins_hold_whatever_the_reading_says_and_stay():
    pinned = Pins(
        mask=torch.tensor([[False, False, True, False, False, True]]), tokens=torch.tensor([[9, 9, 2, 9, 9, 4]])
    )
    pins = read([0.9, 0.9, 0.1, 0.1, 0.9, 0.9], pins=pinned)
    assert pins.mask.tolist() == [[True, True, True, True, False, True]]
    assert pins.tokens[0].tolist()[:4] == [0, 1, 2, 4]
    assert int(pins.tokens[0, 5]) == 4


def test_the_new_token_is_drawn_as_the_temperature_says():
    low, high = (
        read([0.1] * C, temperature=1.0, uniforms=torch.full((C,), u, dtype=torch.float64)) for u in (0.05, 0.5)
    )
    assert (int(low.tokens[0, 0]), int(high.tokens[0, 0])) == (0, 1)


def test_the_new_token_is_one_that_may_be_sampled():
    low = torch.full((C,), 0.05, dtype=torch.float64)
    assert int(read([0.1] * C, temperature=1.0, uniforms=low).tokens[0, 0]) == 0
    assert int(read([0.1] * C, temperature=1.0, uniforms=low, filters=Filters(top_k=1)).tokens[0, 0]) == 1


def test_a_canvas_with_few_steps_spends_them_on_several_drafts():
    rule = Verification(draft_steps=16, redraft_steps=4)
    plan = lambda budget, spent: rule.settings(SamplerSettings(max_steps=budget), spent).max_steps  # noqa: E731
    assert [plan(96, 0), plan(96, 16), plan(96, 94)] == [16, 4, 2]
    assert [plan(12, 0), plan(12, 4), plan(1, 0)] == [4, 1, 1]


@pytest.mark.parametrize("values", [{"draft_steps": 0}, {"redraft_steps": 0}, {"min_share": 0.0}, {"min_share": 1.5}])
def test_what_makes_no_sense_is_refused(values):
    with pytest.raises(SettingError):
        Verification(**values)
