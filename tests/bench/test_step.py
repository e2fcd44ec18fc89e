import pytest
import torch

from gesso.bench.step import StepSetup, by_kind, measure_step, step_parts
from gesso.errors import SettingError
from tests.bench.measured import measured
from tests.tiny_model import tiny_network


@pytest.fixture(scope="module")
def rows():
    return measured(measure_step(tiny_network(), StepSetup(batches=(1, 2), context=8), repeats=2, warmup=0))[1]


def test_a_step_is_its_parts_and_a_rest(rows):
    assert [row["batch"] for row in rows] == [1, 2]
    for row in rows:
        assert row["step_ms"].count == row["rest_ms"].count == 2
        assert row["step_gflop"] == pytest.approx(row["layers_gflop"] + row["reading_gflop"], rel=1e-6)


def test_the_arithmetic_grows_with_the_batch_and_no_part_is_above_the_peak(rows):
    # Self-conditioning and layers are linear in the canvases; so is reading them.
    assert rows[1]["step_gflop"] == pytest.approx(2 * rows[0]["step_gflop"], rel=0.01)
    for row in rows:
        assert 0 < row["of_peak"] < 1


def test_shares_of_the_kinds_add_up(rows):
    for row in rows:
        assert sum(row["by_kind"].values()) == pytest.approx(1, abs=1e-3)
        assert list(row["by_kind"].values()) == sorted(row["by_kind"].values(), reverse=True)


def test_a_matrix_product_is_told_from_an_exponential():
    one = torch.randn(400, 400)
    assert by_kind(lambda: one @ one)["matrix products"] > 0.5
    assert by_kind(lambda: one.tanh())["exponentials"] > 0.5


def test_calls_of_a_part_do_not_change_the_next():
    parts = step_parts(tiny_network(), 1, 8)
    first, second = parts["layers"](), parts["layers"]()
    assert torch.equal(first, second)


def test_a_context_beyond_what_the_network_sees_is_refused():
    with pytest.raises(SettingError, match="a context of 256 tokens and a canvas of 16 exceed the 256 positions"):
        step_parts(tiny_network(), 1, 256)


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"batches": ()}, r"the batches are \[\]"), ({"batches": (2, 2)}, "give each once"), ({"context": 0}, "0 tokens")],
)
def test_a_setup_that_cannot_be_is_refused(settings, said):
    with pytest.raises(SettingError, match=said):
        StepSetup(**settings)
