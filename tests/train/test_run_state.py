import re
import resource

import pytest
import torch

from gesso.errors import OutputError, TrainingError
from gesso.train.average import WeightAverage
from gesso.train.optimizer import make_optimizers
from gesso.train.run_state import FILE_NAME, RunState, load_average
from tests.train.conftest import tiny_network


def state_of(folder, network, **changes):
    optimizers = make_optimizers(network.named_parameters(), learning_rate=1e-3, weight_decay=0.1)
    return RunState(folder, network, optimizers, **changes)


def test_everything_that_was_saved_comes_back(network, tmp_path):
    average = WeightAverage(network, 0.5)
    with torch.no_grad():
        network.norm.weight.fill_(3.0)
    average.update(network)
    state_of(tmp_path, network, average=average).save(7)

    other = tiny_network()
    empty = WeightAverage(other, 0.5)
    assert state_of(tmp_path, other, average=empty).load() == 7
    assert torch.equal(other.norm.weight, network.norm.weight)
    assert torch.equal(empty.weights["norm.weight"], torch.full((16,), 2.0))
    load_average(tmp_path, other)
    assert torch.equal(other.norm.weight, torch.full((16,), 2.0))


def test_a_new_folder_is_a_new_run(network, tmp_path):
    assert state_of(tmp_path / "none", network).load() == 0


def test_a_state_from_before_there_were_averages_and_settings_in_it_is_taken_as_it_is(network, tmp_path):
    state = state_of(tmp_path, network, must_not_change={"seed": "0"})
    held = {"step": 5, "network": network.state_dict(), "optimizers": [one.state_dict() for one in state.optimizers]}
    torch.save(held, tmp_path / FILE_NAME)
    average = WeightAverage(network, 0.9)
    with torch.no_grad():
        average.weights["norm.weight"].zero_()
    assert state_of(tmp_path, network, average=average, must_not_change={"seed": "0"}).load() == 5
    assert torch.equal(average.weights["norm.weight"], network.norm.weight)


def test_what_differs_is_named(network, tmp_path):
    state_of(tmp_path, network, must_not_change={"seed": "0", "ema": "None"}).save(1)
    with pytest.raises(TrainingError, match="is the state of a run with seed 0, and this one has 3; choose another"):
        state_of(tmp_path, network, must_not_change={"seed": "3", "ema": "None"}).load()
    other = tiny_network(hidden_size=32)
    with pytest.raises(TrainingError, match=r"is the state of another network; .* size mismatch for") as caught:
        state_of(tmp_path, other).load()
    assert "\n" not in str(caught.value)


def test_a_state_that_cannot_be_read_is_named(network, tmp_path):
    (tmp_path / FILE_NAME).write_bytes(b"half a state")
    with pytest.raises(TrainingError, match=re.escape(f"{tmp_path / FILE_NAME} cannot be read")):
        state_of(tmp_path, network).load()


def test_averaged_weights_that_are_not_there_are_named(network, tmp_path):
    with pytest.raises(TrainingError, match=r"holds no run_state\.pt"):
        load_average(tmp_path, network)
    state_of(tmp_path, network).save(1)
    with pytest.raises(TrainingError, match=r"keeps no averaged weights; train with TrainSettings\(ema="):
        load_average(tmp_path, network)
    average = WeightAverage(network, 0.9)
    state_of(tmp_path, network, average=average).save(1)
    with pytest.raises(TrainingError, match="is the state of another network"):
        load_average(tmp_path, tiny_network(hidden_size=32))


def test_a_disk_that_fills_up_is_an_error_and_leaves_the_last_state(network, tmp_path):
    state = state_of(tmp_path, network)
    state.save(1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OutputError, match=r"cannot save the run in .*; free some space or choose another"):
            state.save(2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
    assert state.load() == 1


def test_a_folder_that_is_a_file_is_named(network, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot save the run in .*file: File exists"):
        state_of(tmp_path / "file", network).save(1)
