import random

import pytest
import torch

from gesso.checkpoint.adapter import load_adapter, merge_adapter, save_adapter
from gesso.diffusion.corruption import UniformCorruption
from gesso.diffusion.levels import UniformLevels
from gesso.errors import SettingError
from gesso.model.initialize import initialize
from gesso.model.network import Network
from gesso.train.loop import train
from gesso.train.lora import Lora, attach_lora, detach_lora
from gesso.train.losses import BlockDiffusionLoss
from tests.train.conftest import VOCAB, counting_batch
from tests.train.test_loop import settings

LORA = Lora(rank=3, alpha=4.0)


def base_network(network):
    base = Network(network.config)
    initialize(base, torch.Generator().manual_seed(0), std=0.2)
    return base.requires_grad_(False)


@torch.no_grad()
def logits(network):
    batch = counting_batch(random.Random(0))
    cache = network.new_cache(batch=len(batch.text), max_len=batch.text.shape[1])
    network.encode(batch.text, cache)
    canvas = torch.randint(VOCAB, (len(batch.text), 8), generator=torch.Generator().manual_seed(1))
    first = network.denoise(canvas, cache)
    return network.denoise(canvas, cache, network.soft_embed(first))


@torch.no_grad()
def move(network):
    """Give every factor a value, as training would."""
    generator = torch.Generator().manual_seed(2)
    for parameter in network.parameters():
        if parameter.requires_grad:
            parameter.normal_(0.0, 0.3, generator=generator)


def test_training_begins_at_the_base_model(network):
    before = logits(network)
    attach_lora(network, LORA, torch.Generator().manual_seed(0))
    assert torch.equal(logits(network), before)


def test_only_the_factors_are_trained(network, tmp_path):
    base = base_network(network)
    attach_lora(network, LORA, torch.Generator().manual_seed(0))
    names = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    assert names
    assert all(name.endswith((".0.a", ".0.b")) for name in names)
    events = list(train(network, counting_batch, settings(30, learning_rate=3e-2), tmp_path))
    assert events[-1].total < events[0].total
    adapter = detach_lora(network, LORA, base="base")
    assert all(pair.b.abs().sum() > 0 for pair in adapter.factors.values())
    assert all(map(torch.equal, network.parameters(), base.parameters()))


def test_merged_equals_unmerged(network, tmp_path):
    attach_lora(network, LORA, torch.Generator().manual_seed(0))
    move(network)
    unmerged = logits(network)
    adapter = detach_lora(network, LORA, base="base")
    assert not torch.allclose(logits(network), unmerged, atol=0.1)
    save_adapter(adapter, tmp_path)
    merge_adapter(network, load_adapter(tmp_path, network))
    torch.testing.assert_close(logits(network), unmerged, rtol=0, atol=1e-5)


def test_every_factor_is_reached_by_gradients_in_both_modes(network):
    attach_lora(network, LORA, torch.Generator().manual_seed(0))
    move(network)
    batch = counting_batch(random.Random(3))
    loss = BlockDiffusionLoss(
        corruption=UniformCorruption(vocab_size=VOCAB), levels=UniformLevels(), self_conditioning=1.0
    )
    loss.losses(network, batch, loss.draw(batch, torch.Generator().manual_seed(0))).total.backward()
    for name, parameter in network.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name
        if parameter.requires_grad:
            assert parameter.grad.abs().sum() > 0, name


def test_a_run_goes_on_with_the_factors_that_it_had(network, tmp_path):
    twin = base_network(network)
    for one in (network, twin):
        attach_lora(one, LORA, torch.Generator().manual_seed(0))
    list(train(network, counting_batch, settings(6), tmp_path / "whole"))
    list(train(twin, counting_batch, settings(3), tmp_path / "cut"))
    resumed = base_network(network)
    attach_lora(resumed, LORA, torch.Generator().manual_seed(7))
    list(train(resumed, counting_batch, settings(6), tmp_path / "cut"))
    assert torch.equal(logits(resumed), logits(network))


@pytest.mark.parametrize(("values", "message"), [({"rank": 0}, "rank is 0"), ({"alpha": -1.0}, "alpha is -1")])
def test_a_setting_out_of_range_is_named(values, message):
    with pytest.raises(SettingError, match=message):
        Lora(**values)
