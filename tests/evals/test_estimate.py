import math

import pytest

from gesso.errors import SettingError
from gesso.evals.estimate import mean, ratio


def test_a_share_has_the_error_of_a_binomial_sample():
    share = mean([True] * 30 + [False] * 70)
    assert share.value == pytest.approx(0.3)
    assert share.standard_error == pytest.approx(math.sqrt(0.3 * 0.7 / 99))
    assert share.count == 100


def test_what_never_varies_has_no_error():
    assert mean([2.5] * 4).standard_error == 0
    assert ratio([1, 2, 3], [2, 4, 6]).standard_error == 0


def test_a_single_observation_has_no_spread_to_measure():
    assert mean([0.7]).standard_error == 0


def test_a_ratio_is_of_the_totals_and_not_the_mean_of_ratios():
    assert ratio([1, 9], [10, 10]).value == 0.5
    assert ratio([1, 0], [1, 9]).value == pytest.approx(0.1)


def test_tokens_of_one_canvas_count_as_one_observation():
    alone = ratio([1, 0, 1, 0] * 10, [1] * 40)
    in_clusters = ratio([10, 0, 10, 0], [10] * 4)
    assert in_clusters.value == alone.value
    assert in_clusters.standard_error > 3 * alone.standard_error


def test_the_error_covers_the_truth_as_often_as_it_should():
    import random

    rng, covered = random.Random(0), 0
    for _ in range(1000):
        sizes = [rng.randint(1, 20) for _ in range(50)]
        successes = [sum(rng.random() < 0.2 for _ in range(size)) for size in sizes]
        share = ratio(successes, sizes)
        covered += abs(share.value - 0.2) < 2 * share.standard_error
    assert 920 < covered < 980


def test_json_keeps_value_error_and_count():
    assert mean([1, 0]).as_json() == {"value": 0.5, "standard_error": 0.5, "count": 2}


@pytest.mark.parametrize("observations", [([], []), ([0.0], [0.0])])
def test_no_observations_give_no_figure(observations):
    with pytest.raises(SettingError, match="evaluate more items"):
        ratio(*observations)
