import dataclasses
import itertools
import math
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gesso.diffusion.levels import UniformLevels
from gesso.errors import TrainingError
from gesso.train import worker
from gesso.train.loop import TrainSettings, train
from gesso.train.optimizer import WarmupStableDecay
from gesso.train.run_state import load_average
from gesso.train.unroll import Unroll
from tests.train.conftest import counting_batch, tiny_network, whole_counting_batch

ROOT = Path(__file__).resolve().parents[2]
EVERYTHING = {"ema": 0.9, "unroll": Unroll(share=0.3, steps=2), "accumulation": 2, "activation_checkpointing": True}


def settings(steps, **changes):
    values = {
        "total_steps": steps,
        "schedule": WarmupStableDecay(warmup_steps=2, total_steps=100, decay_steps=0),
        "learning_rate": 1e-2,
        "levels": UniformLevels(),
        "compute_dtype": torch.float32,
        "save_every": 3,
    }
    return TrainSettings(**(values | changes))


def test_training_learns_to_count(network, tmp_path):
    # At this size some seeds learn in 240 steps what others do not.
    changes = {"learning_rate": 2e-2, "seed": 2, "save_every": 240}
    schedule = WarmupStableDecay(warmup_steps=2, total_steps=240, decay_steps=60)
    events = list(train(network, counting_batch, settings(240, schedule=schedule, **changes), tmp_path))
    assert [event.step for event in events] == list(range(1, 241))
    early = sum(event.denoise for event in events[:10]) / 10
    late = sum(event.denoise for event in events[-10:]) / 10
    assert late < 0.6 * early
    assert events[-1].encode < 0.5 * events[0].encode


@pytest.mark.parametrize("features", [{}, EVERYTHING], ids=["plain", "everything"])
def test_a_run_that_was_cut_off_continues_to_the_step(network, tmp_path, features):
    whole = list(train(network, counting_batch, settings(6, **features), tmp_path / "whole"))
    # Cut off after 4 steps: what was saved at 3 is what the next call finds.
    list(itertools.islice(train(tiny_network(), counting_batch, settings(6, **features), tmp_path / "cut"), 4))
    twin = tiny_network()
    resumed = list(train(twin, counting_batch, settings(6, **features), tmp_path / "cut"))
    assert [event.step for event in resumed] == [4, 5, 6]
    for one, other in zip(whole[3:], resumed, strict=True):
        assert one.total == other.total
        assert one.gradient_norm == other.gradient_norm
    if features:
        load_average(tmp_path / "whole", network)
        load_average(tmp_path / "cut", twin)
    for one, other in zip(network.parameters(), twin.parameters(), strict=True):
        assert torch.equal(one, other)


TRAIN_UNTIL_KILLED = """
import sys
from pathlib import Path
from tests.train.test_loop import EVERYTHING, counting_batch, settings, tiny_network, train
for event in train(tiny_network(), counting_batch, settings(100_000, **EVERYTHING), Path(sys.argv[1])):
    print(event.step, flush=True)
"""


@pytest.mark.slow
def test_a_run_that_was_killed_continues_to_the_step(tmp_path):
    command = [sys.executable, "-c", TRAIN_UNTIL_KILLED, str(tmp_path / "killed")]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    for line in run.stdout:
        if int(line) == 8:
            os.kill(run.pid, signal.SIGKILL)
            break
    run.stdout.close()
    assert run.wait() == -signal.SIGKILL

    killed = train(tiny_network(), counting_batch, settings(100_000, **EVERYTHING), tmp_path / "killed")
    resumed = list(itertools.islice(killed, 4))
    first = resumed[0].step
    assert first >= 7
    undisturbed = train(tiny_network(), counting_batch, settings(100_000, **EVERYTHING), tmp_path / "whole")
    whole = list(itertools.islice(undisturbed, first - 1, first + 3))
    for one, other in zip(whole, resumed, strict=True):
        assert dataclasses.replace(one, seconds=0.0) == dataclasses.replace(other, seconds=0.0)


def test_the_same_seed_gives_the_same_run_and_another_seed_another(network, tmp_path):
    first = [e.total for e in train(network, counting_batch, settings(2), tmp_path / "a")]
    again = [e.total for e in train(tiny_network(), counting_batch, settings(2), tmp_path / "b")]
    other = [e.total for e in train(tiny_network(), counting_batch, settings(2, seed=1), tmp_path / "c")]
    assert first == again
    assert first[0] != other[0]


def test_bfloat16_follows_float32(network, tmp_path):
    exact = [e.total for e in train(network, counting_batch, settings(5), tmp_path / "a")]
    twin = tiny_network()
    rounded = [e.total for e in train(twin, counting_batch, settings(5, compute_dtype=torch.bfloat16), tmp_path / "b")]
    # bfloat16 keeps 8 bits of mantissa: a relative error near 2^-8 for each value of a sum.
    assert rounded == pytest.approx(exact, rel=0.03)
    assert all(parameter.dtype == torch.float32 for parameter in twin.parameters())


def test_two_half_batches_are_one_whole_batch(tmp_path, monkeypatch):
    # Without optimizers the gradients of the only step stay where they can be compared.
    monkeypatch.setattr(worker, "make_optimizers", lambda *args, **kwargs: [])
    batch = counting_batch(random.Random(0))
    halves = itertools.cycle(
        [
            dataclasses.replace(
                batch,
                text=batch.text[texts],
                is_text=batch.is_text[texts],
                row=batch.row[canvases] - texts.start,
                context=batch.context[canvases],
                clean=batch.clean[canvases],
            )
            for texts, canvases in ((slice(0, 2), slice(0, 4)), (slice(2, 4), slice(4, 8)))
        ]
    )
    networks = tiny_network(), tiny_network()
    # At level 0 there is no noise that two draws could give differently.
    same = {"levels": UniformLevels(low=0.0, high=0.0), "self_conditioning": 0.0}
    (whole,) = train(networks[0], lambda rng: batch, settings(1, **same), tmp_path / "whole")
    (split,) = train(networks[1], lambda rng: next(halves), settings(1, **same, accumulation=2), tmp_path / "split")
    assert split.total == pytest.approx(whole.total, rel=1e-5)
    assert split.canvas_tokens == whole.canvas_tokens
    for one, other in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        if one.grad is not None:
            torch.testing.assert_close(one.grad, other.grad, atol=1e-5, rtol=1e-4)


def test_the_average_is_of_the_weights_after_each_step_and_is_found_again(network, tmp_path):
    expected = network.norm.weight.detach().clone()
    for _ in train(network, counting_batch, settings(4, ema=0.8), tmp_path):
        expected = 0.8 * expected + 0.2 * network.norm.weight.detach()
    load_average(tmp_path, network)
    torch.testing.assert_close(network.norm.weight.detach(), expected)


def test_left_to_right_training_learns_the_text_and_leaves_the_denoiser_alone(network, tmp_path):
    alone = network.self_conditioning.feed_forward.down_proj.weight.clone()
    changes = {"left_to_right": True, "learning_rate": 2e-2}
    events = list(train(network, whole_counting_batch, settings(25, **changes), tmp_path))
    assert events[-1].encode < 0.6 * events[0].encode
    assert math.isnan(events[-1].denoise)
    assert events[-1].total == events[-1].encode
    assert torch.equal(network.self_conditioning.feed_forward.down_proj.weight, alone)


def test_weights_that_need_no_gradient_are_left_as_they_are(network, tmp_path):
    network.requires_grad_(False)
    network.layers[0].mlp.down_proj.weight.requires_grad_(True)
    before = {name: weight.clone() for name, weight in network.named_parameters()}
    list(train(network, counting_batch, settings(2, compute_dtype=torch.bfloat16), tmp_path))
    changed = [name for name, weight in network.named_parameters() if not torch.equal(weight, before[name])]
    assert changed == ["layers.0.mlp.down_proj.weight"]


def test_a_loss_that_is_not_a_number_ends_the_run_by_name(network, tmp_path):
    with torch.no_grad():
        network.embed_tokens.weight[5] = float("nan")
    with pytest.raises(TrainingError, match="loss is nan at step 0; lower the learning rate"):
        list(train(network, counting_batch, settings(3), tmp_path))


def test_a_gradient_that_is_not_a_number_ends_the_run_before_it_reaches_the_weights(network, tmp_path):
    network.norm.weight.register_hook(lambda gradient: gradient * float("nan"))
    with pytest.raises(TrainingError, match="gradient norm is nan at step 0; lower the learning rate"):
        list(train(network, counting_batch, settings(3), tmp_path))
    assert all(weight.isfinite().all() for weight in network.parameters())


def test_the_state_of_another_network_or_of_other_settings_is_refused_by_name(network, tmp_path):
    list(train(network, counting_batch, settings(1), tmp_path))
    with pytest.raises(TrainingError, match="hidden_size 16, and this one has 32; choose another folder"):
        next(train(tiny_network(hidden_size=32), counting_batch, settings(2), tmp_path))
    with pytest.raises(TrainingError, match=r"run with ema None, and this one has 0\.9"):
        next(train(tiny_network(), counting_batch, settings(2, ema=0.9), tmp_path))
    (event,) = train(tiny_network(), counting_batch, settings(2, learning_rate=1e-3), tmp_path)
    assert event.step == 2
