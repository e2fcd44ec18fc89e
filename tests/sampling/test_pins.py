import math

import torch

from gesso.sampling.pins import Pins
from gesso.sampling.statistics import measure

PINS = Pins(mask=torch.tensor([[True, False, True]]), tokens=torch.tensor([[4, -1, 2]]))


def test_pins_replace_the_tokens_in_their_places_alone():
    assert PINS.apply(torch.tensor([[7, 8, 9]])).tolist() == [[4, 8, 2]]


def test_a_pinned_prediction_is_certain_and_the_others_are_as_they_were():
    logits = torch.randn(1, 3, 5, generator=torch.Generator().manual_seed(0))
    pinned = PINS.apply_to_logits(logits)
    assert pinned[0, 1].equal(logits[0, 1])
    assert pinned[0, 0].softmax(-1).tolist() == [0, 0, 0, 0, 1]
    assert pinned[0, 2].softmax(-1).tolist() == [0, 0, 1, 0, 0]


def test_what_is_measured_at_a_pin_is_the_pin_even_where_the_network_is_broken():
    logits = torch.full((1, 3, 5), math.nan)
    for number in (0.0, 0.999):
        statistics = measure(
            PINS.apply_to_logits(logits), torch.ones(1), torch.full((1, 3), number, dtype=torch.float64)
        )
        for column, token in ((0, 4), (2, 2)):
            assert statistics.argmax[0, column] == statistics.sampled[0, column] == token
            assert statistics.entropy[0, column] == 0
            assert statistics.confidence[0, column] == 1
