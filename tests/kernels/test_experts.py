import pytest
import torch

from gesso.errors import InputError
from gesso.ops.experts import mix_experts_sparse, route

pytest.importorskip("triton", reason="triton is not installed, so there are no kernels to test")

from gesso.kernels.experts import ExpertTile, cut_into_blocks, mix_experts_grouped

SMALL = ExpertTile(tokens=16, columns=16, depth=16)


def inputs(drawn, *, tokens=21, width=24, inner=20, experts=6, top_k=2, dtype=torch.float32):
    x = drawn(tokens, width, dtype=dtype)
    gate_up = drawn(experts, 2 * inner, width, dtype=dtype) * width**-0.5
    down = drawn(experts, width, inner, dtype=dtype) * inner**-0.5
    weights, chosen = route(drawn(tokens, experts), drawn(experts).abs() + 0.5, top_k)
    return x, gate_up, down, weights, chosen


@pytest.mark.parametrize(("tokens", "experts", "top_k"), [(1, 1, 1), (21, 6, 2), (40, 3, 3), (5, 32, 4)])
def test_the_kernel_is_the_plain_mixture(drawn, tokens, experts, top_k):
    arguments = inputs(drawn, tokens=tokens, experts=experts, top_k=top_k)
    torch.testing.assert_close(
        mix_experts_grouped(*arguments, tile=SMALL), mix_experts_sparse(*arguments), rtol=1e-4, atol=1e-5
    )


def test_an_expert_with_more_tokens_than_a_block_takes_several(drawn):
    x, gate_up, down, weights, _ = inputs(drawn, tokens=50, experts=4, top_k=1)
    chosen = torch.full((50, 1), 2, device=x.device)
    chosen[7] = 0
    arguments = (x, gate_up, down, weights, chosen)
    torch.testing.assert_close(
        mix_experts_grouped(*arguments, tile=SMALL), mix_experts_sparse(*arguments), rtol=1e-4, atol=1e-5
    )


def test_the_default_tile_gives_the_same(drawn):
    arguments = inputs(drawn)
    torch.testing.assert_close(mix_experts_grouped(*arguments), mix_experts_sparse(*arguments), rtol=1e-4, atol=1e-5)


def test_half_precision_is_near_float32(drawn, half):
    arguments = inputs(drawn, dtype=half)
    expected = mix_experts_sparse(*(x.float() for x in arguments[:3]), *arguments[3:])
    out = mix_experts_grouped(*arguments, tile=SMALL)
    assert out.dtype == half
    torch.testing.assert_close(out.float(), expected, rtol=3e-2, atol=3e-2)


@pytest.mark.parametrize("narrow", [torch.int8, torch.float8_e4m3fn])
def test_narrow_weights_are_widened_and_scaled_row_by_row(drawn, narrow):
    x, gate_up, down, weights, chosen = inputs(drawn)
    narrowed, scales = [], []
    for weight in (gate_up, down):
        scale = weight.abs().amax(-1) / (127 if narrow == torch.int8 else 448)
        scaled = weight / scale[..., None]
        narrowed.append((scaled.round() if narrow == torch.int8 else scaled).to(narrow))
        scales.append(scale)
    wide = [weight.float() * scale[..., None] for weight, scale in zip(narrowed, scales, strict=True)]
    out = mix_experts_grouped(x, *narrowed, weights, chosen, gate_up_scale=scales[0], down_scale=scales[1], tile=SMALL)
    torch.testing.assert_close(out, mix_experts_sparse(x, *wide, weights, chosen), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("block", [1, 4, 16])
def test_every_choice_lies_in_one_block_of_its_expert(device, block):
    chosen = torch.randint(7, (30, 3), generator=torch.Generator().manual_seed(0)).to(device)
    blocks = cut_into_blocks(chosen, 9, block)
    seen = []
    for expert, start, size in zip(blocks.expert.tolist(), blocks.start.tolist(), blocks.size.tolist(), strict=True):
        assert 0 <= size <= block
        choices = blocks.order[start : start + size]
        assert (chosen.flatten()[choices] == expert).all()
        seen += choices.tolist()
    assert sorted(seen) == list(range(90))


def test_a_tile_that_cannot_be_is_refused():
    with pytest.raises(InputError, match="depth of an expert tile is 24"):
        ExpertTile(depth=24)
