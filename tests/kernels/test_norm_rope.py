import pytest
import torch

from gesso.ops.norm import rms_norm
from gesso.ops.rope import apply_rope, rope_frequencies, rope_tables

pytest.importorskip("triton", reason="triton is not installed, so there are no kernels to test")

from gesso.kernels.norm_rope import norm_rope

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 4e-2}


def tables(positions, head_dim, dtype, partial=1.0):
    return [
        table.to(positions.device)
        for table in rope_tables(positions, rope_frequencies(head_dim, 100.0, partial).to(positions.device), dtype)
    ]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("heads", "head_dim", "partial"), [(1, 8, 1.0), (3, 24, 0.5), (2, 512, 0.25)])
def test_the_kernel_is_the_norm_and_then_the_rotation(drawn, device, dtype, heads, head_dim, partial):
    x, weight = drawn(2, heads, 5, head_dim, dtype=dtype), drawn(head_dim, dtype=dtype)
    positions = torch.tensor([[3], [1000]], device=device) + torch.arange(5, device=device)
    cos, sin = tables(positions, head_dim, dtype, partial)
    expected = apply_rope(rms_norm(x, weight, 1e-6), cos, sin)
    torch.testing.assert_close(
        norm_rope(x, weight, 1e-6, cos, sin), expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype]
    )


def test_a_split_projection_needs_no_copy(drawn, device):
    projected, weight = drawn(2, 5, 3 * 16), drawn(16)
    x = projected.unflatten(-1, (3, 16)).transpose(1, 2)
    cos, sin = tables(torch.arange(5, device=device)[None], 16, torch.float32)
    assert not x.is_contiguous()
    expected = apply_rope(rms_norm(x, weight, 1e-6), *(table.expand(2, -1, -1, -1) for table in (cos, sin)))
    torch.testing.assert_close(norm_rope(x, weight, 1e-6, cos, sin), expected, rtol=1e-5, atol=1e-5)


def test_a_vector_of_zeros_stays_zero(drawn, device):
    cos, sin = tables(torch.arange(4, device=device)[None], 8, torch.float32)
    out = norm_rope(torch.zeros(1, 2, 4, 8, device=device), drawn(8), 1e-6, cos, sin)
    assert torch.equal(out, torch.zeros_like(out))
