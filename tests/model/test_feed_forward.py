import pytest
import torch

from gesso.model.feed_forward import mix_experts_dense, mix_experts_sparse


@pytest.mark.parametrize(
    ("num_experts", "top_k", "mix"),
    [(4, 1, mix_experts_dense), (5, 1, mix_experts_sparse), (8, 2, mix_experts_dense), (128, 8, mix_experts_sparse)],
)
def test_few_experts_are_all_computed_and_many_are_not(twin, num_experts, top_k, mix):
    network = twin(0, num_experts=num_experts, top_k_experts=top_k).network
    assert {layer.experts.mix for layer in network.layers} == {mix}


@pytest.mark.parametrize("seed", range(6))
def test_a_network_gives_the_same_logits_by_either_mix(twin, seed, monkeypatch):
    network, config = twin(seed).network, twin(seed).config
    canvas = torch.randint(config.vocab_size, (2, config.canvas_length), generator=torch.Generator().manual_seed(seed))
    cache = network.new_cache(batch=2, max_len=0)
    logits = []
    for mix in (mix_experts_dense, mix_experts_sparse):
        for layer in network.layers:
            monkeypatch.setattr(layer.experts, "mix", mix)
        logits.append(network.denoise(canvas, cache))
    torch.testing.assert_close(*logits, rtol=0, atol=1e-5)


def test_the_router_reads_its_input_up_to_scale(twin):
    """It normalises the raw residual itself, so that a residual twice as long goes to the same experts."""
    layer = twin(0).network.layers[0]
    residual = torch.randn(7, twin(0).config.hidden_size, generator=torch.Generator().manual_seed(0))
    weights, chosen = layer.router(residual)
    longer_weights, longer_chosen = layer.router(2 * residual)
    assert torch.equal(chosen, longer_chosen)
    torch.testing.assert_close(weights, longer_weights)
