import pytest
import torch

from gesso.model.initialize import initialize
from gesso.model.network import Network


@pytest.fixture
def network(twin):
    network = Network(twin(0).config)
    for name, weight in network.named_parameters():
        if weight.ndim > 1:
            weight.data.fill_(torch.nan)
        else:
            assert (weight == 1).all(), name
    return network


def seeded():
    return torch.Generator().manual_seed(0)


def test_every_weight_is_filled(network):
    initialize(network, seeded())
    assert all(weight.isfinite().all() for weight in network.parameters())


def test_matrices_have_the_asked_deviation(network):
    initialize(network, seeded(), std=0.05)
    matrices = [w for n, w in network.named_parameters() if w.ndim > 1 and "embed" not in n and w.numel() > 500]
    assert matrices
    for matrix in matrices:
        assert matrix.std().item() == pytest.approx(0.05, rel=0.2)


def test_scaled_embeddings_have_unit_components(network):
    initialize(network, seeded())
    embedded = network.embed_tokens.weight * network.config.hidden_size**0.5
    assert embedded.std().item() == pytest.approx(1.0, rel=0.1)


def test_one_seed_makes_one_network(network, twin):
    other = Network(twin(0).config)
    initialize(network, seeded())
    initialize(other, seeded())
    assert all(map(torch.equal, network.parameters(), other.parameters()))
