"""One pass over chunks of the vocabulary reads what the plain operations read from whole logits."""

import math

import pytest
import torch

from gesso.ops.head import soft_embedding, softcapped_logits
from gesso.ops.read_head import read_head
from gesso.sampling.statistics import measure, temper

BATCH, CANVAS, WIDTH, CAP = 3, 10, 24, 30.0
TEMPERATURE = torch.tensor([0.8, 0.0, 0.4])


def drawn(vocab_size, dtype, seed=0):
    generator = torch.Generator().manual_seed(seed)
    hidden = (
        2 * torch.rand(BATCH, CANVAS, 1, generator=generator) * torch.randn(BATCH, CANVAS, WIDTH, generator=generator)
    )
    embedding = torch.randn(vocab_size, WIDTH, generator=generator)
    return (
        hidden.to(dtype),
        embedding.to(dtype),
        torch.rand(BATCH, CANVAS, generator=generator, dtype=torch.float64),
    )


def plain(hidden, embedding, uniforms):
    logits = temper(softcapped_logits(hidden, embedding, CAP), TEMPERATURE)
    return measure(logits, TEMPERATURE, uniforms), soft_embedding(logits, embedding, WIDTH**0.5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("vocab_size", "chunk"), [(7, 4096), (500, 4096), (512, 128), (500, 128), (500, 1), (99, 98)])
def test_a_reading_in_chunks_is_that_of_whole_logits(vocab_size, chunk, dtype):
    inputs = drawn(vocab_size, dtype)
    statistics, soft = plain(*inputs)
    reading = read_head(inputs[0], inputs[1], CAP, TEMPERATURE, inputs[2], chunk=chunk)
    assert reading.argmax.equal(statistics.argmax)
    assert reading.sampled.equal(statistics.sampled)
    torch.testing.assert_close(reading.entropy, statistics.entropy, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(reading.confidence, statistics.confidence, rtol=1e-4, atol=1e-5)
    error = (reading.soft_embedding - soft).float().norm() / soft.float().norm()
    assert reading.soft_embedding.dtype == dtype
    assert error < (1e-5 if dtype == torch.float32 else 1e-2)


def test_the_soft_embedding_is_as_exact_in_chunks_as_in_one_product():
    hidden, embedding, uniforms = drawn(2000, torch.bfloat16)
    logits = temper(softcapped_logits(hidden, embedding, CAP), TEMPERATURE)
    truth = logits.double().softmax(-1) @ embedding.double() * torch.tensor(WIDTH**0.5).bfloat16().double()
    one_product = soft_embedding(logits, embedding, WIDTH**0.5)
    chunks = read_head(hidden, embedding, CAP, TEMPERATURE, uniforms, chunk=100).soft_embedding
    assert (chunks - truth).norm() <= 1.2 * (one_product - truth).norm()


def test_a_certain_prediction_has_no_entropy_and_embeds_as_its_token():
    embedding = torch.eye(300, WIDTH)
    hidden = 1e4 * embedding[[0, 5, 23]][:, None]
    reading = read_head(hidden, embedding, CAP, torch.full((3,), 0.1), torch.rand(3, 1, dtype=torch.float64), chunk=64)
    assert reading.argmax.flatten().tolist() == reading.sampled.flatten().tolist() == [0, 5, 23]
    assert reading.entropy.tolist() == [[0.0]] * 3
    torch.testing.assert_close(reading.soft_embedding, embedding[[0, 5, 23]][:, None] * WIDTH**0.5)


def test_samples_follow_the_distribution_across_chunks():
    embedding = torch.tensor([0.5, 0.3, 0.1, 0.1]).log()[:, None]
    hidden, count = torch.ones(1, 20_000, 1), 20_000
    uniforms = torch.rand(1, count, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    reading = read_head(hidden, embedding, 1e4, torch.ones(1), uniforms, chunk=2)
    expected = count * torch.tensor([0.5, 0.3, 0.1, 0.1])
    # 3 degrees of freedom: above 16.3 once in a thousand times.
    assert ((reading.sampled.flatten().bincount(minlength=4) - expected) ** 2 / expected).sum() < 16.3


@pytest.mark.parametrize("chunk", [64, 4096])
def test_a_hidden_state_that_is_not_a_number_shows_in_the_entropy_of_its_position_alone(chunk):
    hidden, embedding, uniforms = drawn(300, torch.float32)
    hidden[1, 4, 0] = math.nan
    reading = read_head(hidden, embedding, CAP, TEMPERATURE, uniforms, chunk=chunk)
    assert (~reading.entropy.isfinite()).nonzero().tolist() == [[1, 4]]
    assert ((reading.sampled >= 0) & (reading.sampled < 300)).all()


def test_no_tensor_is_nearly_as_large_as_the_logits():
    hidden, embedding, uniforms = drawn(5000, torch.float32)
    largest = 0

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            nonlocal largest
            result = function(*args, **(kwargs or {}))
            if isinstance(result, torch.Tensor):
                largest = max(largest, result.numel())
            return result

    with Watch():
        read_head(hidden, embedding, CAP, TEMPERATURE, uniforms, chunk=64)
    assert CANVAS * 64 <= largest < BATCH * CANVAS * 5000 / 20
