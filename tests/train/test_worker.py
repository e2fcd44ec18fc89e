import random

import pytest
import torch

from gesso.diffusion.corruption import UniformCorruption
from gesso.diffusion.levels import UniformLevels
from gesso.train.losses import BlockDiffusionLoss
from gesso.train.optimizer import WarmupStableDecay
from gesso.train.settings import TrainSettings
from gesso.train.worker import LoneWorker, Worker
from tests.train.conftest import VOCAB, counting_batch, tiny_network


def worker_of(network, **changes):
    settings = TrainSettings(
        total_steps=4,
        schedule=WarmupStableDecay(warmup_steps=1, total_steps=4, decay_steps=1),
        learning_rate=1e-2,
        levels=UniformLevels(),
        compute_dtype=torch.float32,
        **changes,
    )
    loss = BlockDiffusionLoss(corruption=UniformCorruption(vocab_size=VOCAB), levels=settings.levels)
    return LoneWorker(network, loss, settings)


def learn(worker, seed=0):
    return worker.learn(counting_batch(random.Random(seed)), torch.Generator().manual_seed(seed))


def test_the_gradients_of_batches_add_up_to_their_mean():
    networks = [tiny_network() for _ in range(3)]
    both = worker_of(networks[0], accumulation=2)
    assert isinstance(both, Worker)
    losses = [learn(both, seed) for seed in range(2)]
    assert not any(one.total.requires_grad or one.denoise.requires_grad for one in losses)
    for seed, network in enumerate(networks[1:]):
        assert learn(worker_of(network), seed).total == losses[seed].total
    for weight, one, other in zip(*(network.parameters() for network in networks), strict=True):
        gradients = [torch.zeros_like(weight) if each.grad is None else each.grad for each in (weight, one, other)]
        torch.testing.assert_close(gradients[0], (gradients[1] + gradients[2]) / 2, atol=1e-6, rtol=1e-5)


def test_gradients_are_scaled_down_to_the_norm_of_the_settings_and_never_up():
    for clip_norm in (0.1, 1e6):
        network = tiny_network()
        worker = worker_of(network, clip_norm=clip_norm)
        learn(worker)
        before = worker.clip_gradients()
        after = worker.clip_gradients()
        assert after == pytest.approx(min(before.item(), clip_norm), rel=1e-4)
