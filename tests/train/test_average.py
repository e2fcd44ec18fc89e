import pytest
import torch

from gesso.errors import SettingError
from gesso.train.average import WeightAverage, use_average
from tests.train.conftest import tiny_network
from tests.train.test_loop import settings


def test_the_average_is_its_closed_form(network):
    decay, steps = 0.9, 7
    average = WeightAverage(network, decay)
    history = [network.norm.weight.detach().clone()]
    for step in range(steps):
        with torch.no_grad():
            network.norm.weight.add_(torch.randn(16, generator=torch.Generator().manual_seed(step)))
        average.update(network)
        history.append(network.norm.weight.detach().clone())
    expected = decay**steps * history[0]
    expected = expected + sum((1 - decay) * decay ** (steps - n) * history[n] for n in range(1, steps + 1))
    torch.testing.assert_close(average.weights["norm.weight"], expected)


def test_the_average_is_kept_of_trained_weights_alone(network):
    network.requires_grad_(False)
    network.norm.weight.requires_grad_(True)
    assert list(WeightAverage(network, 0.9).weights) == ["norm.weight"]


def test_a_network_takes_the_averaged_weights(network):
    average = WeightAverage(network, 0.5)
    other = tiny_network()
    with torch.no_grad():
        other.embed_tokens.weight.zero_()
    use_average(other, average.weights)
    assert torch.equal(other.embed_tokens.weight, network.embed_tokens.weight)


@pytest.mark.parametrize("decay", [0.0, 1.0])
def test_a_decay_that_keeps_all_or_nothing_is_refused(decay):
    with pytest.raises(SettingError, match="give a decay between 0 and 1"):
        settings(3, ema=decay)
