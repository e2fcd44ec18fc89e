import dataclasses
import random
from collections import Counter

import pytest
import torch

from gesso.diffusion.corruption import UniformCorruption
from gesso.diffusion.levels import UniformLevels
from gesso.diffusion.losses import NoisedOnlyCrossEntropy, next_token_cross_entropy, z_loss
from gesso.errors import DataError
from gesso.sampling.accept import TopK
from gesso.train.losses import BlockDiffusionLoss, CanvasDraws, LeftToRightLoss, left_to_right_loss
from gesso.train.unroll import Unroll
from tests.train.conftest import VOCAB, counting_batch, whole_counting_batch

NONE = torch.zeros(0, dtype=torch.int64)


def block_loss(**changes):
    return BlockDiffusionLoss(
        **({"corruption": UniformCorruption(vocab_size=VOCAB), "levels": UniformLevels()} | changes)
    )


def noised(batch, level=0.5, fed_back=NONE):
    t = torch.full(batch.clean.shape, level)
    noisy = UniformCorruption(vocab_size=VOCAB).corrupt(batch.clean, t, torch.Generator().manual_seed(3))
    return CanvasDraws(noisy=noisy, t=t, fed_back=fed_back, unrolled=NONE)


def drawn(loss, batch, seed=0):
    return loss.draw(batch, torch.Generator().manual_seed(seed))


def test_the_loss_equals_encoding_each_context_by_itself(network):
    batch = counting_batch(random.Random(0))
    draws = noised(batch)
    losses = block_loss().losses(network, batch, draws)
    for i in range(len(batch.clean)):
        cache = network.new_cache(batch=1, max_len=64)
        with torch.no_grad():
            network.encode(batch.text[batch.row[i], : batch.context[i]][None], cache)
            logits = network.denoise(draws.noisy[i : i + 1], cache)
        expected = torch.nn.functional.cross_entropy(logits[0], batch.clean[i])
        torch.testing.assert_close(losses.denoise[i], expected, atol=1e-5, rtol=1e-5)


def test_no_canvas_sees_its_own_clean_text_or_what_follows(network):
    batch = counting_batch(random.Random(1))
    loss = block_loss(unroll=Unroll(share=0.5))
    draws = dataclasses.replace(drawn(loss, batch), noisy=noised(batch, 1.0).noisy)
    before = loss.losses(network, batch, draws).denoise
    first = int(batch.context.min())
    changed_text = batch.text.clone()
    changed_text[:, first:] = (changed_text[:, first:] + 7) % VOCAB
    after = loss.losses(network, dataclasses.replace(batch, text=changed_text), draws).denoise
    at_first = batch.context == first
    assert at_first.any()
    assert torch.equal(before[at_first], after[at_first])
    # The test can fail: canvases that do follow the changed text notice.
    assert not torch.allclose(before[~at_first], after[~at_first])


def test_the_denoiser_teaches_the_encoder_through_the_cache_unless_it_is_told_not_to(network):
    batch = counting_batch(random.Random(2))
    scalar = network.layers[0].encode_scalar
    loss = block_loss(encode_weight=0.0, gradients_into_prefix=False)
    losses = loss.losses(network, batch, noised(batch))
    losses.total.backward()
    assert scalar.grad.abs() == 0
    assert network.layers[0].denoise_scalar.grad.abs() > 0
    same = block_loss(encode_weight=0.0).losses(network, batch, noised(batch))
    assert torch.equal(same.total, losses.total)
    same.total.backward()
    assert scalar.grad.abs() > 0


def test_only_the_canvases_that_were_drawn_are_fed_back(network):
    batch = counting_batch(random.Random(3))
    rows = torch.tensor([5, 2])
    is_fed_back = torch.zeros(len(batch.clean), dtype=torch.bool).index_fill(0, rows, True)
    absent = block_loss().losses(network, batch, noised(batch)).denoise
    some = block_loss().losses(network, batch, noised(batch, fed_back=rows)).denoise
    everyone = block_loss().losses(network, batch, noised(batch, fed_back=torch.arange(len(absent)))).denoise
    torch.testing.assert_close(some[~is_fed_back], absent[~is_fed_back])
    torch.testing.assert_close(some[is_fed_back], everyone[is_fed_back])
    assert not torch.isclose(some[is_fed_back], absent[is_fed_back]).any()


def test_the_first_prediction_carries_no_gradient_and_is_not_made_for_nobody(network, monkeypatch):
    batch = counting_batch(random.Random(4))
    passes = []
    monkeypatch.setattr(
        network,
        "denoise",
        lambda *args, **kwargs: (passes.append(len(args[0])), type(network).denoise(network, *args, **kwargs))[1],
    )
    weight = network.self_conditioning.feed_forward.down_proj.weight
    block_loss().losses(network, batch, noised(batch)).total.backward()
    assert (passes, weight.grad) == ([8], None)
    rows = torch.tensor([1, 6, 7])
    block_loss().losses(network, batch, noised(batch, fed_back=rows)).total.backward()
    assert passes == [8, 3, 8]
    assert weight.grad.abs().sum() > 0


def test_the_shares_hold_on_average_and_up_to_rounding_in_each_batch():
    batch = counting_batch(random.Random(5))
    loss = block_loss(self_conditioning=0.3, unroll=Unroll(share=0.2))
    fed_back, unrolled = Counter(), Counter()
    for seed in range(400):
        draws = drawn(loss, batch, seed)
        assert not set(draws.fed_back.tolist()) & set(draws.unrolled.tolist())
        assert len(draws.unrolled) in (1, 2)
        assert len(draws.fed_back) == pytest.approx(0.3 * (8 - len(draws.unrolled)), abs=1)
        fed_back.update(draws.fed_back.tolist())
        unrolled.update(draws.unrolled.tolist())
    # Standard deviations of a canvas's count over 400 batches are below 0.025.
    for canvas in range(8):
        assert unrolled[canvas] / 400 == pytest.approx(0.2, abs=0.1)
        assert fed_back[canvas] / 400 == pytest.approx(0.3 * 0.8, abs=0.1)


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (1.0, 8)])
def test_a_share_of_none_or_all_is_exact(share, count):
    batch = counting_batch(random.Random(6))
    assert {len(drawn(block_loss(self_conditioning=share), batch, seed).fed_back) for seed in range(50)} == {count}


def test_an_unrolled_canvas_is_learnt_from_after_the_transition_and_the_others_as_they_were(network):
    batch = counting_batch(random.Random(7))
    loss = block_loss(self_conditioning=0.0, unroll=Unroll(share=0.5, accept=TopK(per_step=4)))
    draws = drawn(loss, batch)
    plain = block_loss().losses(network, batch, dataclasses.replace(draws, unrolled=NONE)).denoise
    led_on = loss.losses(network, batch, draws).denoise
    is_unrolled = torch.zeros(len(plain), dtype=torch.bool).index_fill(0, draws.unrolled, True)
    torch.testing.assert_close(led_on[~is_unrolled], plain[~is_unrolled])
    assert not torch.isclose(led_on[is_unrolled], plain[is_unrolled]).any()


def test_the_squared_log_partition_of_both_modes_is_weighed_in(network):
    batch = counting_batch(random.Random(8))
    draws = noised(batch)
    without, with_it = (block_loss(z_weight=weight).losses(network, batch, draws) for weight in (0.0, 0.1))
    cache = network.new_cache(batch=len(batch.text), max_len=64)
    text_logits = network.head(network.encode(batch.text, cache))
    canvas_logits = torch.cat(
        [
            network.denoise(noisy[None], _context(network, batch.text[row, :context]))
            for noisy, row, context in zip(draws.noisy, batch.row, batch.context, strict=True)
        ]
    )
    expected = 0.1 * (z_loss(canvas_logits) + z_loss(text_logits, batch.is_text))
    torch.testing.assert_close(with_it.total - without.total, expected, atol=1e-5, rtol=1e-5)
    assert torch.equal(with_it.denoise, without.denoise)


def _context(network, tokens):
    cache = network.new_cache(batch=1, max_len=64)
    network.encode(tokens[None], cache)
    return cache


def test_the_encoder_loss_leaves_padding_out(network):
    batch = counting_batch(random.Random(9))
    half = batch.text.shape[1] // 2
    is_text = batch.is_text.clone()
    is_text[:, half:] = False
    garbled = batch.text.clone()
    garbled[:, half:] = 5
    one = left_to_right_loss(network, dataclasses.replace(batch, is_text=is_text))
    other = left_to_right_loss(network, dataclasses.replace(batch, is_text=is_text, text=garbled))
    torch.testing.assert_close(one, other)


def test_left_to_right_is_the_encoders_part_and_nothing_else(network):
    batch = whole_counting_batch(random.Random(10))
    losses = LeftToRightLoss().losses(network, batch, LeftToRightLoss().draw(batch, torch.Generator()))
    both = block_loss().losses(network, batch, noised(batch))
    logits = network.head(network.encode(batch.text, network.new_cache(batch=len(batch.text), max_len=64)))
    torch.testing.assert_close(losses.total, next_token_cross_entropy(logits, batch.text))
    assert losses.total == losses.encode == both.encode == left_to_right_loss(network, batch)
    assert losses.denoise.shape == (0,)
    weighted = LeftToRightLoss(z_weight=0.1).losses(network, batch, None)
    torch.testing.assert_close(weighted.total - weighted.encode, 0.1 * z_loss(logits), atol=1e-5, rtol=1e-5)


def test_left_to_right_training_on_a_cut_response_is_refused():
    batch = counting_batch(random.Random(11))
    with pytest.raises(DataError, match=r"ends after 12 tokens, before its response does; .*whole_responses=True"):
        LeftToRightLoss().draw(batch, torch.Generator())


LOSSES = {
    "plain": block_loss(),
    # Few canvases of a kind, so that some parts have none, and means over counts that differ from part to part.
    "everything": block_loss(
        objective=NoisedOnlyCrossEntropy(), z_weight=0.1, self_conditioning=0.2, unroll=Unroll(share=0.2, steps=2)
    ),
    "left to right": LeftToRightLoss(z_weight=0.1),
}


@pytest.mark.parametrize("kind", LOSSES)
def test_the_mean_of_the_parts_losses_is_the_loss_of_the_whole(network, kind):
    loss, num_parts = LOSSES[kind], 4
    batch = whole_counting_batch(random.Random(0))
    # One text is shorter than the others.
    batch = dataclasses.replace(batch, is_text=batch.is_text.clone())
    if kind != "left to right":
        batch.is_text[1, 9:] = False
    draws = drawn(loss, batch)
    whole = loss.losses(network, batch, draws)

    counts: list[list[torch.Tensor]] = []

    def losses_of_parts(weigh):
        found = []
        for index in range(num_parts):
            counts.append([])
            weighed = dataclasses.replace(loss, weigh=weigh)
            part = loss.part(draws, index, num_parts)
            found.append(weighed.losses(network, batch.part(index, num_parts), part))
        return found

    def count(mean, number):
        counts[-1].append(number)
        return mean

    def weigh(mean, number):
        counts[-1].append(number)
        return mean * number * num_parts / everywhere[len(counts[-1]) - 1]

    losses_of_parts(count)
    everywhere = [sum(numbers) for numbers in zip(*counts, strict=True)]
    parts = losses_of_parts(weigh)
    for name in ("total", "encode"):
        mean = sum(getattr(part, name) for part in parts) / num_parts
        torch.testing.assert_close(mean, getattr(whole, name), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(torch.cat([part.denoise for part in parts]), whole.denoise, atol=1e-5, rtol=1e-5)


def test_all_parts_pass_equally_many_canvases_through_the_network():
    loss = block_loss(self_conditioning=0.5, unroll=Unroll(share=0.3))
    batch = counting_batch(random.Random(0))
    for seed in range(20):
        draws = drawn(loss, batch, seed)
        parts = [loss.part(draws, index, 4) for index in range(4)]
        for kind in ("fed_back", "unrolled"):
            canvases = [getattr(part, kind) for part in parts]
            kept = [len(one) - getattr(part, f"idle_{kind}") for one, part in zip(canvases, parts, strict=True)]
            assert len({len(one) for one in canvases}) == 1
            assert max(kept) == len(canvases[0])
            whole = [index * 2 + number for index, one in enumerate(canvases) for number in one[: kept[index]].tolist()]
            assert sorted(whole) == sorted(getattr(draws, kind).tolist())
