import pytest
import torch

from gesso.errors import InputError
from gesso.model.masks import denoise_visibility
from gesso.ops.attention import attend

pytest.importorskip("triton", reason="triton is not installed, so there are no kernels to test")

from gesso.kernels.attention import AttentionTile, attend_canvas

SMALL = AttentionTile(rows=16, keys=16, warps=4)


def inputs(drawn, *, heads=4, kv_heads=2, canvas=10, cached=40, width=16, batch=3, dtype=torch.float32):
    queries = drawn(batch, heads, canvas, width, dtype=dtype)
    keys, values = (drawn(batch, kv_heads, canvas, width, dtype=dtype) for _ in range(2))
    past_keys, past_values = (drawn(batch, kv_heads, cached, width, dtype=dtype) for _ in range(2))
    return queries, keys, values, past_keys, past_values


def plain(queries, keys, values, past_keys, past_values, context, window=None):
    """Join the keys, mask what a row may not see, attend."""
    cached, length = past_keys.shape[2], queries.shape[2]
    visible = denoise_visibility(context, 0, cached, length, window)
    return attend(queries, torch.cat([past_keys, keys], 2), torch.cat([past_values, values], 2), visible)


@pytest.mark.parametrize("window", [None, 2, 9, 1000])
@pytest.mark.parametrize("context", [(40, 40, 40), (0, 1, 40), (17, 33, 5)])
def test_the_kernel_is_the_plain_attention_under_the_mask_of_a_canvas(drawn, device, window, context):
    tensors, context = inputs(drawn), torch.tensor(context, device=device)
    out = attend_canvas(*tensors, context, window=window, tile=SMALL)
    torch.testing.assert_close(out, plain(*tensors, context, window), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("heads", "kv_heads", "width"), [(2, 2, 8), (8, 1, 16), (6, 2, 24), (4, 2, 512)])
def test_heads_may_be_grouped_in_any_way_and_of_any_width(drawn, device, heads, kv_heads, width):
    tensors = inputs(drawn, heads=heads, kv_heads=kv_heads, width=width, batch=1)
    context = torch.tensor([21], device=device)
    queries = tensors[0] * width**-0.5
    out = attend_canvas(queries, *tensors[1:], context, window=8, tile=SMALL)
    torch.testing.assert_close(out, plain(queries, *tensors[1:], context, 8), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("splits", [2, 3, 16])
def test_dividing_the_keys_among_programs_changes_rounding_only(drawn, device, splits):
    tensors, context = inputs(drawn), torch.tensor([40, 0, 19], device=device)
    out = attend_canvas(*tensors, context, window=30, tile=AttentionTile(rows=32, keys=16, splits=splits))
    torch.testing.assert_close(out, plain(*tensors, context, 30), rtol=1e-4, atol=1e-5)


def test_the_default_tile_gives_the_same(drawn, device):
    tensors, context = inputs(drawn), torch.tensor([40, 3, 19], device=device)
    torch.testing.assert_close(attend_canvas(*tensors, context), plain(*tensors, context), rtol=1e-4, atol=1e-5)


def test_half_precision_is_near_float32(drawn, device, half):
    tensors = inputs(drawn, dtype=half)
    tensors = (tensors[0] * 0.25, *tensors[1:])
    context = torch.tensor([40, 3, 19], device=device)
    expected = plain(*(x.float() for x in tensors), context)
    out = attend_canvas(*tensors, context, tile=SMALL)
    assert out.dtype == half
    torch.testing.assert_close(out.float(), expected, rtol=2e-2, atol=2e-2)


def test_what_lies_behind_a_context_is_not_read(drawn, device):
    queries, keys, values, past_keys, past_values = inputs(drawn)
    context = torch.tensor([12, 30, 0], device=device)
    expected = attend_canvas(queries, keys, values, past_keys, past_values, context, tile=SMALL)
    for row, length in enumerate(context.tolist()):
        past_keys[row, :, length:] = torch.nan
        past_values[row, :, length:] = torch.nan
    out = attend_canvas(queries, keys, values, past_keys, past_values, context, tile=SMALL)
    assert torch.equal(out, expected)


def test_a_cache_may_be_given_from_where_the_window_begins(drawn, device):
    tensors, context = inputs(drawn), torch.tensor([40, 36, 38], device=device)
    late = [past[:, :, 30:] for past in tensors[3:]]
    out = attend_canvas(*tensors[:3], *late, context, window=7, past_start=30, tile=SMALL)
    torch.testing.assert_close(out, plain(*tensors, context, 7), rtol=1e-4, atol=1e-5)


def test_a_pool_is_read_through_its_slots(drawn, device):
    tensors, context = inputs(drawn, batch=2), torch.tensor([40, 11], device=device)
    order = torch.randperm(80, generator=torch.Generator().manual_seed(1)).to(device)
    slots = order.view(2, 40)
    pools = []
    for past in tensors[3:]:
        pool = torch.full((1, *past.shape[1:2], 80, past.shape[3]), torch.nan, device=device)
        for row, length in enumerate(context.tolist()):
            pool[0, :, slots[row, :length]] = past[row, :, :length]
        pools.append(pool)
    out = attend_canvas(*tensors[:3], *pools, context, slots=slots, tile=SMALL)
    torch.testing.assert_close(out, plain(*tensors, context), rtol=1e-4, atol=1e-5)


def test_the_result_can_be_projected_without_a_copy(drawn, device):
    tensors, context = inputs(drawn), torch.tensor([40, 3, 19], device=device)
    out = attend_canvas(*tensors, context, tile=SMALL).transpose(1, 2).flatten(2)
    assert out.is_contiguous()
    assert out._base is not None


@pytest.mark.parametrize("wrong", [{"rows": 8}, {"keys": 48}, {"splits": 0}])
def test_a_tile_that_cannot_be_is_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        AttentionTile(**wrong)
