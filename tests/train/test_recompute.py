import random

import torch

from gesso.train.losses import CanvasDraws
from gesso.train.recompute import RecomputedLayer
from gesso.train.working_copy import WorkingCopy
from tests.train.conftest import counting_batch, tiny_network
from tests.train.test_losses import NONE, block_loss, noised


def gradients_of(network, *, recompute):
    batch = counting_batch(random.Random(0))
    draws: CanvasDraws = noised(batch, fed_back=torch.tensor([0, 3]))
    working = WorkingCopy(network, torch.float32, recompute=recompute)
    losses = block_loss().losses(working.network, batch, draws)
    losses.total.backward()
    return losses, [parameter.grad for parameter in network.parameters()]


def test_recomputed_layers_give_the_same_losses_and_gradients():
    # The window of 6 is smaller than the text of 12: the encoder reads its own keys back from the cache too.
    losses, gradients = gradients_of(tiny_network(), recompute=False)
    again, recomputed = gradients_of(tiny_network(), recompute=True)
    assert torch.equal(losses.total, again.total)
    for one, other in zip(gradients, recomputed, strict=True):
        torch.testing.assert_close(one, other)


def test_a_recomputed_layer_keeps_nothing_but_its_input(network):
    batch = counting_batch(random.Random(1))
    kept = {}
    for recompute in (False, True):
        working = WorkingCopy(network, torch.float32, recompute=recompute)
        size = 0

        def count(tensor):
            nonlocal size
            size += tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            block_loss().losses(working.network, batch, noised(batch, fed_back=NONE))
        kept[recompute] = size
    assert kept[True] < 0.6 * kept[False]


def test_the_cache_is_written_once_however_often_the_layer_runs(network):
    working = WorkingCopy(network, torch.float32, recompute=True).network
    assert all(isinstance(layer, RecomputedLayer) for layer in working.layers)
    cache = working.new_cache(batch=1, max_len=4)
    hidden = working.encode(torch.tensor([[2, 3, 4, 5]]), cache)
    before = cache.read(0, 0, 4)[0].clone()
    # A second write would not fit into this cache.
    hidden.sum().backward()
    assert torch.equal(cache.read(0, 0, 4)[0], before)
