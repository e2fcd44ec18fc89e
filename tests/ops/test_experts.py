import pytest
import torch
from torch.nn import functional as F

from gesso.ops.experts import mix_experts_dense, mix_experts_sparse, route

TOKENS, WIDTH, INNER = 9, 12, 7


def drawn(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def weights_of(num_experts):
    return drawn(num_experts, 2 * INNER, WIDTH), drawn(num_experts, WIDTH, INNER)


def by_definition(x, gate_up, down, weights, chosen):
    """Token by token, choice by choice."""
    rows = []
    for token in range(len(x)):
        row = torch.zeros(WIDTH)
        for weight, expert in zip(weights[token], chosen[token], strict=True):
            gate, up = (gate_up[expert] @ x[token]).split(INNER)
            row += weight * (down[expert] @ (F.gelu(gate, approximate="tanh") * up))
        rows.append(row)
    return torch.stack(rows)


@pytest.mark.parametrize("mix", [mix_experts_sparse, mix_experts_dense])
@pytest.mark.parametrize(("num_experts", "top_k"), [(1, 1), (4, 1), (4, 2), (5, 5), (32, 3)])
def test_both_mixes_are_the_definition(mix, num_experts, top_k):
    x, (gate_up, down) = drawn(TOKENS, WIDTH), weights_of(num_experts)
    weights, chosen = route(drawn(TOKENS, num_experts), 0.5 + drawn(num_experts).abs(), top_k)
    expected = by_definition(x, gate_up, down, weights, chosen)
    torch.testing.assert_close(mix(x, gate_up, down, weights, chosen), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("mix", [mix_experts_sparse, mix_experts_dense])
def test_an_expert_that_nobody_chose_has_no_gradient(mix):
    x, (gate_up, down) = drawn(TOKENS, WIDTH), weights_of(3)
    gate_up.requires_grad_(True)
    chosen = torch.tensor([[0, 2]] * TOKENS)
    mix(x, gate_up, down, torch.full((TOKENS, 2), 0.5), chosen).square().sum().backward()
    assert gate_up.grad.abs().amax(dim=(1, 2)).gt(0).tolist() == [True, False, True]


def test_the_likeliest_experts_are_chosen_and_their_weights_sum_to_one():
    scores = drawn(50, 6)
    weights, chosen = route(scores, torch.ones(6), 3)
    assert torch.equal(chosen, scores.argsort(dim=-1, descending=True)[:, :3])
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(50))
    torch.testing.assert_close(weights, scores.gather(-1, chosen).softmax(dim=-1))


def test_each_expert_scales_its_own_weight_after_they_sum_to_one():
    scale = torch.tensor([1.0, 2.0, 3.0])
    plain, chosen = route(drawn(20, 3), torch.ones(3), 2)
    torch.testing.assert_close(route(drawn(20, 3), scale, 2)[0], plain * scale[chosen])


def test_probabilities_are_float32_whatever_the_scores():
    weights, _ = route(drawn(4, 3).bfloat16(), torch.ones(3).bfloat16(), 2)
    assert weights.dtype == torch.float32
