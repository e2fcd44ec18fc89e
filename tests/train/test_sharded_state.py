"""What one process can see of them; tests/scale has the states that several processes leave for each other."""

import re

import pytest
import torch

from gesso.errors import TrainingError
from gesso.train.run_state import RunState, load_average
from gesso.train.sharded_state import FOLDER_NAME, as_held, is_sharded, newest_sharded_state


@pytest.fixture
def broken(tmp_path):
    """A state whose record of what is where was cut off."""
    place = tmp_path / FOLDER_NAME / "00000002"
    place.mkdir(parents=True)
    (place / "settings.json").write_text("{}")
    (place / ".metadata").write_bytes(b"half a state")
    return place


def test_the_newest_state_is_that_of_the_most_steps_and_unfinished_ones_are_none(tmp_path):
    assert newest_sharded_state(tmp_path) is None
    for name in ("unfinished", "00000009", "00000010"):
        (tmp_path / FOLDER_NAME / name).mkdir(parents=True)
    assert newest_sharded_state(tmp_path) == (10, tmp_path / FOLDER_NAME / "00000010")


def test_one_process_holds_everything_whole(network):
    assert not is_sharded(network)
    value = torch.ones(2, 3)
    assert as_held(value, torch.zeros(2, 3)) is value


def test_a_state_that_cannot_be_read_is_named(network, broken):
    folder = broken.parent.parent
    with pytest.raises(TrainingError, match=re.escape(f"{broken} cannot be read")):
        RunState(folder, network, []).load()
    with pytest.raises(TrainingError, match=re.escape(f"{broken} cannot be read")):
        load_average(folder, network)
    (broken / "settings.json").unlink()
    with pytest.raises(TrainingError, match=re.escape(f"{broken} cannot be read")):
        RunState(folder, network, []).load()
