import pytest

from gesso.errors import SettingError
from gesso.evals.calibration import calibration_error, reliability


def test_answers_of_like_confidence_share_a_bin():
    curve = reliability([0.1, 0.15, 0.5, 0.95, 1.0], [False, True, True, True, False], num_bins=5)
    assert [(one.confidence, one.right.value, one.right.count) for one in curve] == [
        (pytest.approx(0.125), 0.5, 2),
        (0.5, 1.0, 1),
        (pytest.approx(0.975), 0.5, 2),
    ]


def test_who_says_what_is_right_has_no_error():
    confidences, right = [0.75] * 8 + [1.0] * 4, [True] * 6 + [False] * 2 + [True] * 4
    assert calibration_error(reliability(confidences, right)).value == 0
    assert calibration_error(reliability(confidences, right, num_bins=1)).value == pytest.approx(0)


def test_the_error_is_the_mean_distance_over_answers():
    error = calibration_error(reliability([0.9] * 3 + [0.1], [False] * 3 + [False]))
    assert (error.value, error.count) == (pytest.approx((3 * 0.9 + 0.1) / 4), 4)
    assert error.standard_error == 0
    assert calibration_error(reliability([0.9] * 4, [True, True, False, False])).standard_error > 0


def test_what_is_no_probability_and_what_is_empty_are_refused():
    with pytest.raises(SettingError, match=r"the confidence 1.5 is no probability"):
        reliability([1.5], [True])
    with pytest.raises(SettingError, match="0 bins"):
        reliability([0.5], [True], num_bins=0)
    with pytest.raises(SettingError, match="without answers"):
        calibration_error([])
