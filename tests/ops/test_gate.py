import pytest
import torch

from gesso.ops.gate import gated_gelu, gated_gelu_by_sigmoid, gated_gelu_by_tanh


def drawn(seed, dtype):
    return (5 * torch.randn(40, 60, generator=torch.Generator().manual_seed(seed))).to(dtype)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 1e-2)])
def test_both_ways_agree_everywhere(dtype, tolerance):
    gate, up = drawn(0, dtype), drawn(1, dtype)
    gate[0, :6] = torch.tensor([0.0, -0.0, 1e-6, 300.0, -300.0, 1e4])
    torch.testing.assert_close(gated_gelu_by_sigmoid(gate, up), gated_gelu_by_tanh(gate, up), rtol=tolerance, atol=1e-5)


def test_what_it_is_given_stays_as_it_was():
    gate, up = drawn(0, torch.float32), drawn(1, torch.float32)
    before = gate.clone(), up.clone()
    gated_gelu_by_sigmoid(gate, up)
    assert gate.equal(before[0])
    assert up.equal(before[1])


def test_where_gradients_are_wanted_they_are_those_of_the_specification():
    gate = drawn(0, torch.float32).requires_grad_()
    gated_gelu(gate, torch.ones(40, 60)).sum().backward()
    ours, gate.grad = gate.grad, None
    torch.nn.functional.gelu(gate, approximate="tanh").sum().backward()
    assert ours.equal(gate.grad)
