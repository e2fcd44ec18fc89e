import pytest
import torch
from transformers import DiffusionGemmaTextConfig
from transformers.models.diffusion_gemma.modeling_diffusion_gemma import (
    DiffusionGemmaTextRotaryEmbedding,
    apply_rotary_pos_emb,
)

from gesso.ops.rope import apply_rope, rope_frequencies, rope_tables

POSITIONS = torch.tensor([[0, 1, 2, 500, 4095], [7, 8, 9, 10, 131_071]])


def reference_tables(kind, head_dim, theta, partial, dtype):
    config = DiffusionGemmaTextConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=head_dim if kind == "sliding_attention" else head_dim + 2,
        global_head_dim=head_dim if kind == "full_attention" else head_dim + 2,
        layer_types=["sliding_attention", "full_attention"],
        rope_parameters={
            "sliding_attention": {"rope_type": "default", "rope_theta": theta},
            "full_attention": {"rope_type": "proportional", "rope_theta": theta, "partial_rotary_factor": partial},
        },
    )
    return DiffusionGemmaTextRotaryEmbedding(config)(torch.zeros(1, dtype=dtype), POSITIONS, kind)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("theta", [1e4, 1e6])
@pytest.mark.parametrize(
    ("kind", "head_dim", "partial"),
    [
        ("sliding_attention", 8, 1.0),
        ("sliding_attention", 256, 1.0),
        ("full_attention", 512, 0.25),
        ("full_attention", 16, 0.25),
        ("full_attention", 24, 0.5),
        ("full_attention", 8, 1.0),
        ("full_attention", 6, 0.5),
    ],
)
def test_tables_and_turning_agree_with_the_reference(kind, head_dim, theta, partial, dtype):
    ours = rope_tables(POSITIONS, rope_frequencies(head_dim, theta, partial), dtype)
    theirs = reference_tables(kind, head_dim, theta, partial, dtype)
    # Angles reach 131071 radians, where float32 has steps of 2^-7: only the same order of operations will do.
    assert all(torch.equal(table[:, 0], reference) for table, reference in zip(ours, theirs, strict=True))
    x = torch.randn(2, 3, 5, head_dim, generator=torch.Generator().manual_seed(0)).to(dtype)
    assert torch.equal(apply_rope(x, *ours), apply_rotary_pos_emb(x, *theirs))


def turned(x, position, partial=1.0):
    frequencies = rope_frequencies(x.shape[-1], 100.0, partial)
    return apply_rope(x[None, None, None], *rope_tables(torch.tensor([[position]]), frequencies, torch.float32))[
        0, 0, 0
    ]


@pytest.fixture
def pair():
    return torch.randn(2, 8, generator=torch.Generator().manual_seed(0))


def test_position_zero_turns_nothing(pair):
    assert torch.equal(turned(pair[0], 0), pair[0])


@pytest.mark.parametrize("partial", [0.25, 1.0])
def test_turning_keeps_lengths(pair, partial):
    torch.testing.assert_close(turned(pair[0], 23, partial).norm(), pair[0].norm())


@pytest.mark.parametrize("partial", [0.25, 1.0])
def test_the_product_of_two_turned_vectors_depends_on_their_distance_only(pair, partial):
    query, key = pair
    products = [turned(query, p + 5, partial) @ turned(key, p, partial) for p in (0, 3, 40)]
    torch.testing.assert_close(torch.stack(products), products[0].expand(3), rtol=0, atol=1e-5)


def test_only_the_first_share_of_the_pairs_turns(pair):
    moved = (turned(pair[0], 3, partial=0.5) != pair[0]).tolist()
    assert moved == [True, True, False, False, True, True, False, False]
