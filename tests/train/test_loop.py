import itertools

import pytest
import torch

from gesso.diffusion.levels import UniformLevels
from gesso.errors import TrainingError
from gesso.model.initialize import initialize
from gesso.model.network import Network
from gesso.train.loop import TrainSettings, train
from gesso.train.optimizer import WarmupStableDecay
from tests.train.conftest import counting_batch


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


def twin_of(network):
    twin = Network(network.config)
    initialize(twin, torch.Generator().manual_seed(0), std=0.2)
    return twin


def test_training_learns_to_count(network, tmp_path):
    schedule = WarmupStableDecay(warmup_steps=2, total_steps=240, decay_steps=60)
    events = list(train(network, counting_batch, settings(240, schedule=schedule, learning_rate=2e-2), tmp_path))
    assert [event.step for event in events] == list(range(1, 241))
    early = sum(event.denoise for event in events[:10]) / 10
    late = sum(event.denoise for event in events[-10:]) / 10
    assert late < 0.6 * early
    assert events[-1].encode < 0.5 * events[0].encode


def test_a_run_that_was_cut_off_continues_to_the_step(network, tmp_path):
    twin = twin_of(network)
    whole = list(train(network, counting_batch, settings(8), tmp_path / "whole"))
    # Cut off after 5 steps: what was saved at 3 is what the next call finds.
    list(itertools.islice(train(twin, counting_batch, settings(8), tmp_path / "cut"), 5))
    resumed = list(train(twin_of(network), counting_batch, settings(8), tmp_path / "cut"))
    assert [event.step for event in resumed] == [4, 5, 6, 7, 8]
    for one, other in zip(whole[3:], resumed, strict=True):
        assert one.total == other.total
        assert one.gradient_norm == other.gradient_norm


def test_the_same_seed_gives_the_same_run_and_another_seed_another(network, tmp_path):
    first = [e.total for e in train(network, counting_batch, settings(3), tmp_path / "a")]
    again = [e.total for e in train(twin_of(network), counting_batch, settings(3), tmp_path / "b")]
    assert first == again


def test_bfloat16_follows_float32(network, tmp_path):
    exact = [e.total for e in train(network, counting_batch, settings(5), tmp_path / "a")]
    twin = twin_of(network)
    rounded = [e.total for e in train(twin, counting_batch, settings(5, compute_dtype=torch.bfloat16), tmp_path / "b")]
    # bfloat16 keeps 8 bits of mantissa: a relative error near 2^-8 for each value of a sum.
    assert rounded == pytest.approx(exact, rel=0.03)
    assert all(parameter.dtype == torch.float32 for parameter in twin.parameters())


def test_a_loss_that_is_not_a_number_ends_the_run_by_name(network, tmp_path):
    with torch.no_grad():
        network.embed_tokens.weight[5] = float("nan")
    with pytest.raises(TrainingError, match="loss is nan at step 0; lower the learning rate"):
        list(train(network, counting_batch, settings(3), tmp_path))


def test_the_state_of_another_network_is_refused(network, tmp_path):
    list(train(network, counting_batch, settings(3), tmp_path))
    other = Network(
        network.config.__class__(
            **{name: getattr(network.config, name) for name in network.config.__dataclass_fields__}
            | {"hidden_size": 32}
        )
    )
    initialize(other, torch.Generator().manual_seed(0))
    with pytest.raises(TrainingError, match="state of another network"):
        list(train(other, counting_batch, settings(6), tmp_path))
