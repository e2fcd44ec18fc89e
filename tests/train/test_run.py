from dataclasses import replace

import pytest
import torch

from gesso.diffusion.levels import UniformLevels
from gesso.errors import SettingError
from gesso.train.lora import Lora
from gesso.train.optimizer import WarmupCosine
from gesso.train.run import Run
from gesso.train.settings import TrainSettings
from gesso.train.start import FromModel, FromScratch
from tests.tiny_model import CONFIG

SETTINGS = TrainSettings(
    total_steps=4,
    schedule=WarmupCosine(warmup_steps=1, total_steps=4),
    learning_rate=1e-2,
    levels=UniformLevels(),
    compute_dtype=torch.float32,
    save_every=2,
)


def make_run(**changes):
    return Run(**({"start": FromModel(model="somewhere"), "data": "a.jsonl", "settings": SETTINGS} | changes))


def test_how_long_a_run_is_may_change_and_what_it_learns_may_not():
    identity = make_run().identity()
    longer = replace(SETTINGS, total_steps=8, schedule=WarmupCosine(warmup_steps=1, total_steps=8), save_every=1)
    assert make_run(settings=longer).identity() == identity
    for changes in (
        {"settings": replace(SETTINGS, seed=1)},
        {"settings": replace(SETTINGS, ema=0.9)},
        {"start": FromModel(model="elsewhere")},
        {"start": FromScratch(shape=CONFIG)},
        {"lora": Lora()},
        {"data": "b.jsonl"},
        {"texts_per_batch": 4},
        {"max_length": 77},
    ):
        assert make_run(**changes).identity() != identity, changes


def test_data_that_have_grown_are_other_data(tmp_path):
    (tmp_path / "a.txt").write_text("One.")
    before = make_run(data=tmp_path).identity()
    assert make_run(data=tmp_path).identity() == before
    (tmp_path / "b.txt").write_text("Two.")
    assert make_run(data=tmp_path).identity() != before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"texts_per_batch": 0}, "texts_per_batch is 0"),
        ({"canvases_per_text": -1}, "canvases_per_text is -1"),
        ({"start": FromScratch(shape=CONFIG), "lora": Lora()}, "an adapter of random weights is of no use"),
    ],
)
def test_what_makes_no_run_is_refused(changes, message):
    with pytest.raises(SettingError, match=message):
        make_run(**changes)
