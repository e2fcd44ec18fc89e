import pytest
import torch

from gesso.ops.attention import attend, attend_to_all

HEADS, KV_HEADS, WIDTH = 6, 2, 8


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def by_definition(queries, keys, values, visible):
    """Unscaled scores, hidden keys at minus infinity, softmax, weighted sum; query head n reads key head n // 3."""
    keys, values = (x.repeat_interleave(HEADS // KV_HEADS, dim=1) for x in (keys, values))
    scores = queries @ keys.transpose(-1, -2)
    return scores.masked_fill(~visible, -torch.inf).softmax(dim=-1) @ values


def inputs(length, num_keys):
    queries = drawn(2, HEADS, length, WIDTH, seed=1)
    keys, values = drawn(2, 2, KV_HEADS, num_keys, WIDTH, seed=2)
    return queries, keys, values


def test_without_a_mask_every_query_sees_every_key():
    queries, keys, values = inputs(4, 9)
    everything = torch.ones(4, 9, dtype=torch.bool)
    torch.testing.assert_close(attend(queries, keys, values), by_definition(queries, keys, values, everything))


@pytest.mark.parametrize("shape", [(2, 1, 4, 9), (2, 1, 1, 9), (1, 1, 4, 9)])
def test_a_mask_hides_keys(shape):
    queries, keys, values = inputs(4, 9)
    visible = drawn(*shape) > 0
    visible[..., 0] = True
    expected = by_definition(queries, keys, values, visible)
    torch.testing.assert_close(attend(queries, keys, values, visible), expected)


def test_causal_is_the_lower_triangle():
    queries, keys, values = inputs(5, 5)
    triangle = torch.ones(5, 5, dtype=torch.bool).tril()
    expected = by_definition(queries, keys, values, triangle)
    torch.testing.assert_close(attend(queries, keys, values, causal=True), expected)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
def test_two_products_are_attention_to_all(dtype, tolerance):
    queries, keys, values = (x.to(dtype) for x in inputs(4, 9))
    expected = attend(queries, keys, values, torch.ones(1, 1, 1, 9, dtype=torch.bool))
    torch.testing.assert_close(attend_to_all(queries, keys, values), expected, rtol=tolerance, atol=tolerance)


def test_two_products_take_heads_in_any_layout():
    queries, keys, values = inputs(4, 9)
    laid_out = [x.transpose(1, 2).contiguous().transpose(1, 2) for x in (queries, keys, values)]
    torch.testing.assert_close(attend_to_all(*laid_out), attend_to_all(queries, keys, values))
