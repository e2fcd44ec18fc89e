import random

import torch

from gesso.train.working_copy import WorkingCopy
from tests.train.conftest import counting_batch
from tests.train.test_losses import block_loss, noised


def test_in_another_dtype_the_copy_follows_the_weights_and_hands_its_gradients_over(network):
    working = WorkingCopy(network, torch.bfloat16)
    with torch.no_grad():
        network.norm.weight.fill_(1.0 + 2**-6)
    working.refresh()
    assert working.network.norm.weight.dtype == torch.bfloat16
    assert torch.equal(working.network.norm.weight.float(), network.norm.weight)

    batch = counting_batch(random.Random(0))
    sums = []
    for _ in range(2):
        block_loss().losses(working.network, batch, noised(batch)).total.backward()
        working.hand_over_gradients()
        sums.append(network.norm.weight.grad.clone())
    assert sums[0].dtype == torch.float32
    torch.testing.assert_close(sums[1], 2 * sums[0])
    assert working.network.norm.weight.grad is None


def test_in_the_same_dtype_the_weights_are_shared(network):
    working = WorkingCopy(network, torch.float32)
    assert working.network is not network
    for trained, worked in zip(network.parameters(), working.network.parameters(), strict=True):
        assert trained is worked


def test_the_trained_network_keeps_its_layers(network):
    before = [name for name, _ in network.named_parameters()]
    WorkingCopy(network, torch.float32, recompute=True)
    assert [name for name, _ in network.named_parameters()] == before


def test_weights_that_are_not_trained_get_no_gradient(network):
    network.requires_grad_(False)
    network.norm.weight.requires_grad_(True)
    working = WorkingCopy(network, torch.bfloat16)
    batch = counting_batch(random.Random(1))
    block_loss().losses(working.network, batch, noised(batch)).total.backward()
    working.hand_over_gradients()
    assert [name for name, weight in network.named_parameters() if weight.grad is not None] == ["norm.weight"]
