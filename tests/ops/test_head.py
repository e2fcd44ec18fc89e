import pytest
import torch

from gesso.ops.head import soft_embedding, softcapped_logits


def drawn(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def test_logits_are_capped_products_with_the_embedding():
    hidden, embedding = drawn(2, 3, 8), drawn(11, 8)
    expected = 5 * torch.tanh(torch.einsum("bld,vd->blv", hidden, embedding) / 5)
    torch.testing.assert_close(softcapped_logits(hidden, embedding, 5.0), expected)


def test_large_products_come_near_the_cap_and_never_pass_it():
    logits = softcapped_logits(1e4 * drawn(2, 3, 8), drawn(11, 8), 30.0)
    assert 29.9 < logits.abs().max() <= 30.0


def test_small_products_are_left_as_they_are():
    hidden, embedding = 1e-3 * drawn(2, 3, 8), drawn(11, 8)
    torch.testing.assert_close(softcapped_logits(hidden, embedding, 30.0), hidden @ embedding.T)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_logits_are_float32(dtype):
    assert softcapped_logits(drawn(1, 2, 8).to(dtype), drawn(11, 8).to(dtype), 30.0).dtype == torch.float32


def test_the_soft_embedding_is_the_expected_scaled_embedding():
    logits, embedding = drawn(2, 3, 11), drawn(11, 8)
    expected = sum(logits.softmax(dim=-1)[..., v, None] * embedding[v] for v in range(11)) * 8**0.5
    torch.testing.assert_close(soft_embedding(logits, embedding, 8**0.5), expected)


def test_a_certain_prediction_is_its_token_embedding():
    logits, embedding = torch.full((1, 1, 11), -1e4), drawn(11, 8)
    logits[0, 0, 7] = 0
    torch.testing.assert_close(soft_embedding(logits, embedding, 3.0)[0, 0], 3 * embedding[7])


def test_a_shift_of_all_logits_changes_nothing():
    logits, embedding = drawn(2, 3, 11), drawn(11, 8)
    torch.testing.assert_close(soft_embedding(logits + 20, embedding, 1.0), soft_embedding(logits, embedding, 1.0))


def test_the_soft_embedding_has_the_dtype_of_the_embedding():
    assert soft_embedding(drawn(1, 2, 11), drawn(11, 8).bfloat16(), 1.0).dtype == torch.bfloat16
