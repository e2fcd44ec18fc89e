from dataclasses import replace

import pytest
import torch
from torch import nn

from gesso.model.feed_forward import Experts
from gesso.ops.experts import mix_experts_dense, mix_experts_sparse
from gesso.ops.gpu_kernels import GpuKernels
from gesso.quant.layers import QuantizedExperts, QuantizedLinear, QuantizedWeight
from gesso.quant.scheme import EightBitFloats, EightBitIntegers, FourBitIntegers
from tests.tiny_model import CONFIG

SCHEMES = [EightBitIntegers(), FourBitIntegers(), EightBitFloats()]
each_scheme = pytest.mark.parametrize("scheme", SCHEMES, ids=[scheme.name for scheme in SCHEMES])


def experts(num_experts=4):
    module = Experts(replace(CONFIG, num_experts=num_experts))
    for weight in module.parameters():
        nn.init.normal_(weight, generator=torch.Generator().manual_seed(0))
    return module.requires_grad_(False)


def choices(num_experts, num_tokens=5):
    generator = torch.Generator().manual_seed(1)
    scores = torch.rand(num_tokens, num_experts, generator=generator)
    weights, chosen = scores.topk(2)
    return torch.randn(num_tokens, CONFIG.hidden_size, generator=generator), weights, chosen


@each_scheme
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_linear_map_is_that_of_the_widened_weights(scheme, dtype):
    linear = nn.Linear(24, 10, bias=False).requires_grad_(False)
    quantized = QuantizedLinear(linear, scheme)
    x = torch.randn(2, 3, 24).to(dtype)
    linear.weight.copy_(quantized.weight.widen(torch.float32))
    assert torch.equal(quantized(x), linear.to(dtype)(x))


@each_scheme
@pytest.mark.parametrize(("num_experts", "mix"), [(4, mix_experts_dense), (16, mix_experts_sparse)])
def test_experts_are_those_of_the_widened_weights(scheme, num_experts, mix):
    module = experts(num_experts)
    quantized = QuantizedExperts(module, scheme)
    assert quantized.mix is mix
    given = choices(num_experts)
    assert not torch.equal(quantized(*given), module(*given))
    module.gate_up_proj.copy_(quantized.gate_up_proj.widen(torch.float32))
    module.down_proj.copy_(quantized.down_proj.widen(torch.float32))
    assert torch.equal(quantized(*given), module(*given))


@each_scheme
def test_kernels_are_given_numbers_with_a_scale_or_else_widened_weights(scheme):
    dtypes = []

    def mix(x, gate_up, down, weights, chosen, *, gate_up_scale=None, down_scale=None):
        dtypes.append(gate_up.dtype)
        scales = [torch.ones(1) if scale is None else scale[..., None] for scale in (gate_up_scale, down_scale)]
        return mix_experts_sparse(x, gate_up.float() * scales[0], down.float() * scales[1], weights, chosen)

    module = QuantizedExperts(experts(), scheme)
    given = choices(4)
    plain = module(*given)
    module.kernels = GpuKernels(norm_rope=mix, attend_canvas=mix, mix_experts=mix, read_head=mix)
    assert torch.allclose(module(*given), plain, rtol=1e-4, atol=1e-4)
    assert dtypes == [torch.float32 if scheme.number is None else scheme.number]


@each_scheme
def test_codes_survive_a_change_of_dtype(scheme):
    weight = QuantizedWeight(torch.randn(4, 24), scheme)
    before = weight.widen(torch.float32)
    for dtype in (torch.float64, torch.bfloat16, torch.float32):
        assert torch.equal(weight.to(dtype).widen(torch.float32), before)


@each_scheme
def test_of_stacked_weights_some_are_widened_alone(scheme):
    weight = QuantizedWeight(torch.randn(4, 3, 24), scheme)
    only = torch.tensor([2, 0])
    assert torch.equal(weight.widen(torch.float32, only), weight.widen(torch.float32)[only])
