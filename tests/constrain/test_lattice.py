import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.constrain.lattice import Segments


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.integers(0, 1000))
def test_segments_reduce_what_each_owner_has(owners, seed):
    x = 5 * np.random.default_rng(seed).standard_normal((2, len(owners)))
    x[0, 0] = -np.inf
    segments = Segments.of(np.array(owners), 6)
    ordered = x[:, segments.order]
    for owner in range(6):
        own = x[:, np.array(owners) == owner]
        largest = own.max(axis=1, initial=-np.inf)
        assert (segments.max(ordered)[:, owner] == largest).all()
        with np.errstate(divide="ignore"):
            expected = np.log(np.exp(own).sum(axis=1))
        assert segments.logsumexp(ordered)[:, owner] == pytest.approx(expected)


def test_sums_keep_what_is_far_below_the_range_of_exponentials():
    segments = Segments.of(np.array([0, 0]), 1)
    assert segments.logsumexp(np.array([[-5000.0, -5000.0]]))[0, 0] == pytest.approx(-5000 + np.log(2))
