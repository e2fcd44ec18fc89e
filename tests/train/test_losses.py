import dataclasses
import random

import torch

from gesso.diffusion.corruption import UniformCorruption
from gesso.diffusion.losses import FlatCrossEntropy
from gesso.train.losses import BlockDiffusionLoss
from tests.train.conftest import VOCAB, counting_batch


def noised(batch, level=0.5):
    t = torch.full(batch.clean.shape, level)
    return UniformCorruption(vocab_size=VOCAB).corrupt(batch.clean, t, torch.Generator().manual_seed(3)), t


def test_the_loss_equals_encoding_each_context_by_itself(network):
    batch = counting_batch(random.Random(0))
    noisy, t = noised(batch)
    losses = BlockDiffusionLoss(network, FlatCrossEntropy())(batch, noisy, t, False)
    for i in range(len(batch.clean)):
        cache = network.new_cache(batch=1, max_len=64)
        with torch.no_grad():
            network.encode(batch.text[batch.row[i], : batch.context[i]][None], cache)
            logits = network.denoise(noisy[i : i + 1], cache)
        expected = torch.nn.functional.cross_entropy(logits[0], batch.clean[i])
        torch.testing.assert_close(losses.denoise[i], expected, atol=1e-5, rtol=1e-5)


def test_no_canvas_sees_its_own_clean_text_or_what_follows(network):
    batch = counting_batch(random.Random(1))
    noisy, t = noised(batch, 1.0)
    loss = BlockDiffusionLoss(network, FlatCrossEntropy())
    before = loss(batch, noisy, t, True).denoise
    first = int(batch.context.min())
    changed_text = batch.text.clone()
    changed_text[:, first:] = (changed_text[:, first:] + 7) % VOCAB
    after = loss(dataclasses.replace(batch, text=changed_text), noisy, t, True).denoise
    at_first = batch.context == first
    assert at_first.any()
    assert torch.equal(before[at_first], after[at_first])
    # The test can fail: canvases that do follow the changed text notice.
    assert not torch.allclose(before[~at_first], after[~at_first])


def test_the_denoiser_teaches_the_encoder_through_the_cache(network):
    batch = counting_batch(random.Random(2))
    noisy, t = noised(batch)
    loss = BlockDiffusionLoss(network, FlatCrossEntropy(), encode_weight=0.0)
    loss(batch, noisy, t, False).total.backward()
    assert network.layers[0].encode_scalar.grad.abs() > 0


def test_self_conditioning_changes_the_prediction_and_carries_no_gradient(network):
    batch = counting_batch(random.Random(3))
    noisy, t = noised(batch)
    loss = BlockDiffusionLoss(network, FlatCrossEntropy())
    assert not torch.allclose(loss(batch, noisy, t, True).denoise, loss(batch, noisy, t, False).denoise)
    loss(batch, noisy, t, False).total.backward()
    assert network.self_conditioning.feed_forward.down_proj.weight.grad is None
    loss(batch, noisy, t, True).total.backward()
    assert network.self_conditioning.feed_forward.down_proj.weight.grad.abs().sum() > 0


def test_the_encoder_loss_leaves_padding_out(network):
    batch = counting_batch(random.Random(4))
    noisy, t = noised(batch)
    half = batch.text.shape[1] // 2
    is_text = batch.is_text.clone()
    is_text[:, half:] = False
    garbled = batch.text.clone()
    garbled[:, half:] = 5
    loss = BlockDiffusionLoss(network, FlatCrossEntropy())
    one = loss(dataclasses.replace(batch, is_text=is_text), noisy, t, False).encode
    other = loss(dataclasses.replace(batch, is_text=is_text, text=garbled), noisy, t, False).encode
    torch.testing.assert_close(one, other)
