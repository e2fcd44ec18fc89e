import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesso.errors import DataError
from gesso.train.examples import lay_out

TOKENS = st.lists(st.integers(2, 99), min_size=1, max_size=40)


@given(TOKENS, TOKENS, st.integers(1, 16))
def test_canvases_hold_the_response_and_then_only_eos(context, response, length):
    example = lay_out(context, response, canvas_length=length, eos_id=1, max_canvases=100)
    flat = [token for canvas in example.canvases for token in canvas]
    assert example.context == tuple(context)
    assert flat[: len(response)] == response
    assert set(flat[len(response) :]) <= {1}
    assert {len(canvas) for canvas in example.canvases} == {length}
    assert len(flat) - len(response) < length


def test_a_long_response_is_cut_at_a_canvas_border():
    example = lay_out([2], list(range(10, 20)), canvas_length=4, eos_id=1, max_canvases=2)
    assert example.canvases == ((10, 11, 12, 13), (14, 15, 16, 17))


@pytest.mark.parametrize(("context", "response"), [([], [5]), ([2], [])])
def test_nothing_to_condition_on_or_to_learn_is_an_error(context, response):
    with pytest.raises(DataError, match="is empty"):
        lay_out(context, response, canvas_length=4, eos_id=1, max_canvases=1)
