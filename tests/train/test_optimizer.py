import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesso.errors import SettingError, TrainingError
from gesso.train.optimizer import WarmupCosine, WarmupStableDecay, make_optimizers, set_learning_rate


def test_every_parameter_has_exactly_one_optimizer(network):
    optimizers = make_optimizers(network.named_parameters(), learning_rate=1e-3, weight_decay=0.1)
    held = [id(p) for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]]
    assert sorted(held) == sorted(id(p) for p in network.parameters())


def test_parameters_that_need_no_gradient_have_none(network):
    network.requires_grad_(False)
    with pytest.raises(TrainingError, match="no weight of the network needs a gradient"):
        make_optimizers(network.named_parameters(), learning_rate=1e-3, weight_decay=0.1)
    network.norm.weight.requires_grad_(True)
    (adamw,) = make_optimizers(network.named_parameters(), learning_rate=1e-3, weight_decay=0.1)
    assert [id(p) for group in adamw.param_groups for p in group["params"]] == [id(network.norm.weight)]


def test_vectors_and_scalars_do_not_decay(network):
    optimizers = make_optimizers(network.named_parameters(), learning_rate=1e-3, weight_decay=0.1)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                assert (group["weight_decay"] == 0.0) == (parameter.ndim < 2)


def test_the_rate_reaches_every_group(network):
    optimizers = make_optimizers(network.named_parameters(), learning_rate=1e-3, weight_decay=0.1)
    set_learning_rate(optimizers, 5e-4)
    assert {group["lr"] for optimizer in optimizers for group in optimizer.param_groups} == {5e-4}


@given(st.integers(0, 20), st.integers(1, 30), st.integers(50, 100))
def test_warmup_stable_decay_rises_stays_and_falls(warmup, decay, total):
    schedule = WarmupStableDecay(warmup_steps=warmup, total_steps=total, decay_steps=decay)
    factors = [schedule.at(step) for step in range(total)]
    assert all(0 < factor <= 1 for factor in factors)
    assert factors[: warmup + 1] == sorted(factors[: warmup + 1])
    assert all(factor == 1 for factor in factors[warmup : total - decay])
    assert factors[total - decay :] == sorted(factors[total - decay :], reverse=True)
    assert factors[-1] == pytest.approx(1 / (decay + 1))


def test_cosine_ends_at_its_floor():
    schedule = WarmupCosine(warmup_steps=4, total_steps=20, floor=0.25)
    assert schedule.at(4) == 1
    assert schedule.at(20) == pytest.approx(0.25)
    assert schedule.at(0) == pytest.approx(0.2)


def test_a_schedule_of_no_steps_is_an_error():
    with pytest.raises(SettingError, match="at least one"):
        WarmupStableDecay(warmup_steps=0, total_steps=0, decay_steps=0)
    with pytest.raises(SettingError, match="at least one"):
        WarmupCosine(warmup_steps=0, total_steps=0)
