import pytest
import torch
from transformers.models.diffusion_gemma.modeling_diffusion_gemma import DiffusionGemmaRMSNorm

from gesso.ops.norm import rms_norm


def vectors(*shape, scale=1.0):
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("with_weight", [True, False])
def test_it_is_the_formula_in_double_precision(scale, with_weight):
    x, weight = vectors(3, 5, 24, scale=scale), vectors(24) if with_weight else None
    exact = x.double() / (x.double().square().mean(dim=-1, keepdim=True) + 1e-6).sqrt()
    if weight is not None:
        exact = exact * weight.double()
    torch.testing.assert_close(rms_norm(x, weight, 1e-6).double(), exact, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("with_weight", [True, False])
def test_it_agrees_with_the_reference(dtype, with_weight):
    reference = DiffusionGemmaRMSNorm(24, eps=1e-6, with_scale=with_weight)
    weight = None
    if with_weight:
        reference.weight.data = weight = vectors(24).to(dtype)
    x = vectors(40, 24).to(dtype)
    # One unit in the last place: the arithmetic is float32 in both, and rounding to the result's dtype may tip over.
    torch.testing.assert_close(rms_norm(x, weight, 1e-6), reference(x), rtol=torch.finfo(dtype).eps, atol=1e-6)


def test_a_vector_of_zeros_stays_zero():
    assert torch.equal(rms_norm(torch.zeros(2, 8), torch.ones(8), 1e-6), torch.zeros(2, 8))


def test_the_square_of_large_half_precision_numbers_does_not_overflow():
    x = torch.full((1, 8), 3e4, dtype=torch.float16)
    torch.testing.assert_close(rms_norm(x, None, 1e-6), torch.ones(1, 8, dtype=torch.float16))
