import pytest
import torch

from gesso.errors import InputError
from gesso.ops.gpu_kernels import choose_kernels
from gesso.ops.head import soft_embedding, softcapped_logits
from gesso.sampling.statistics import measure, temper

pytest.importorskip("triton", reason="triton is not installed, so there are no kernels to test")

from gesso.kernels.head import HeadTile

SMALL = HeadTile(rows=16, tokens=16, depth=16, columns=16, chunk_tiles=3, splits=2, warps=4)
SOFTCAP = 30.0


def read_head(hidden, *arguments, **keywords):
    return choose_kernels("triton", hidden.device).read_head(hidden, *arguments, **keywords)


def inputs(drawn, *, batch=2, canvas=9, width=24, vocab=203, sharpness=1.0, dtype=torch.float32):
    hidden, embedding = drawn(batch, canvas, width, dtype=dtype), drawn(vocab, width, dtype=dtype)
    uniforms = torch.rand(batch, canvas, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    temperature = torch.linspace(0.4, 1.3, batch)
    return hidden * sharpness, embedding, temperature.to(hidden.device), uniforms.to(hidden.device)


def plain(hidden, embedding, temperature, uniforms):
    """Statistics and soft embedding by way of all logits."""
    logits = temper(softcapped_logits(hidden, embedding, SOFTCAP), temperature)
    return measure(logits, temperature, uniforms), soft_embedding(logits, embedding, hidden.shape[-1] ** 0.5)


def assert_same(reading, expected, tolerance=1e-4):
    statistics, soft = expected
    assert torch.equal(reading.argmax, statistics.argmax)
    assert torch.equal(reading.sampled, statistics.sampled)
    for name in ("entropy", "confidence"):
        torch.testing.assert_close(
            getattr(reading, name), getattr(statistics, name), rtol=tolerance, atol=tolerance, msg=name
        )
    torch.testing.assert_close(reading.soft_embedding, soft, rtol=10 * tolerance, atol=tolerance)


@pytest.mark.parametrize("sharpness", [0.0, 0.1, 1.0, 10.0])
def test_one_pass_gives_what_all_logits_give(drawn, sharpness):
    hidden, embedding, temperature, uniforms = inputs(drawn, sharpness=sharpness)
    reading = read_head(hidden, embedding, SOFTCAP, temperature, uniforms, tile=SMALL)
    statistics, soft = plain(hidden, embedding, temperature, uniforms)
    if sharpness == 0.0:  # all tokens are equally likely, so any is the argmax
        statistics = type(statistics)(
            **{name: getattr(statistics, name) for name in ("entropy", "confidence", "sampled")}, argmax=reading.argmax
        )
    assert_same(reading, (statistics, soft))


@pytest.mark.parametrize("vocab", [16, 48, 49, 203])
def test_the_vocabulary_may_have_any_size(drawn, vocab):
    arguments = inputs(drawn, vocab=vocab)
    assert_same(read_head(*arguments[:2], SOFTCAP, *arguments[2:], tile=SMALL), plain(*arguments))


@pytest.mark.parametrize(
    "tile", [HeadTile(), HeadTile(rows=32, tokens=64, depth=32, columns=32, chunk_tiles=1, splits=1)]
)
def test_how_the_work_is_cut_changes_nothing(drawn, tile):
    arguments = inputs(drawn)
    assert_same(read_head(*arguments[:2], SOFTCAP, *arguments[2:], tile=tile), plain(*arguments))


def test_samples_follow_the_prediction(drawn, device):
    hidden, embedding, _, _ = inputs(drawn, batch=1, canvas=1, vocab=20, sharpness=0.2)
    uniforms = (torch.arange(100, dtype=torch.float64, device=device)[None] + 0.5) / 100
    temperature = torch.ones(1, device=device)
    sampled = read_head(hidden.expand(1, 100, -1), embedding, SOFTCAP, temperature, uniforms, tile=SMALL).sampled
    shares = sampled.flatten().bincount(minlength=20) / 100
    expected = softcapped_logits(hidden, embedding, SOFTCAP).softmax(-1).flatten()
    torch.testing.assert_close(shares.to(expected), expected, rtol=0, atol=1 / 100)


def test_the_ends_of_the_uniform_range_choose_the_first_and_the_last_possible_token(drawn, device):
    hidden, embedding, temperature, uniforms = inputs(drawn, sharpness=0.05)
    uniforms[:, 0], uniforms[:, 1] = 0.0, 1.0 - 2.0**-53
    sampled = read_head(hidden, embedding, SOFTCAP, temperature, uniforms, tile=SMALL).sampled
    assert sampled[:, 0].tolist() == [0, 0]
    assert sampled[:, 1].tolist() == [202, 202]


def test_at_temperature_zero_the_choice_is_greedy_and_the_prediction_stays(drawn):
    hidden, embedding, temperature, uniforms = inputs(drawn)
    temperature[0] = 0.0
    reading = read_head(hidden, embedding, SOFTCAP, temperature, uniforms, tile=SMALL)
    assert torch.equal(reading.sampled[0], reading.argmax[0])
    assert_same(reading, plain(hidden, embedding, temperature, uniforms))


def test_half_precision_is_near_the_float32_reading_of_the_same_numbers(drawn, half):
    arguments = inputs(drawn, dtype=half, sharpness=0.2)
    reading = read_head(*arguments[:2], SOFTCAP, *arguments[2:], tile=SMALL)
    statistics, soft = plain(*(x.float() for x in arguments[:2]), *arguments[2:])
    assert reading.soft_embedding.dtype == half
    assert torch.equal(reading.argmax, statistics.argmax)
    torch.testing.assert_close(reading.entropy, statistics.entropy, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(reading.soft_embedding.float(), soft, rtol=3e-2, atol=3e-2)


def test_a_row_does_not_depend_on_its_neighbours(drawn):
    hidden, embedding, temperature, uniforms = inputs(drawn)
    together = read_head(hidden, embedding, SOFTCAP, temperature, uniforms, tile=SMALL)
    alone = read_head(hidden[1:], embedding, SOFTCAP, temperature[1:], uniforms[1:], tile=SMALL)
    for name in ("entropy", "confidence", "argmax", "sampled", "soft_embedding"):
        assert torch.equal(getattr(together, name)[1:], getattr(alone, name)), name


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # from numpy, in which the interpreter computes
def test_hidden_states_that_are_not_numbers_show_in_the_entropy(drawn):
    hidden, embedding, temperature, uniforms = inputs(drawn)
    hidden[1, 3] = torch.nan
    entropy = read_head(hidden, embedding, SOFTCAP, temperature, uniforms, tile=SMALL).entropy
    assert entropy.isnan().nonzero().tolist() == [[1, 3]]


@pytest.mark.parametrize("wrong", [{"rows": 8}, {"tokens": 100}, {"chunk_tiles": 0}, {"splits": 0}])
def test_a_tile_that_cannot_be_is_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        HeadTile(**wrong)
