from itertools import pairwise

import pytest

from gesso.lm.hole_sizes import GROWTH, sizes_to_try


@pytest.mark.parametrize("most", [1, 2, 3, 7, 40, 41, 200])
def test_sizes_go_from_one_to_the_largest_and_none_is_far_from_the_next(most):
    sizes = sizes_to_try(most)
    assert (sizes[0], sizes[-1]) == (1, most)
    for size, larger in pairwise(sizes):
        assert size < larger <= max(size + 1, round(size * GROWTH))


def test_few_sizes_are_tried_of_many():
    assert sizes_to_try(5) == [1, 2, 3, 4, 5]
    assert len(sizes_to_try(40)) <= 14
    assert len(sizes_to_try(200)) <= 20
