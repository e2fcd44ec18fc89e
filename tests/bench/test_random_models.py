from pathlib import Path

import pytest
import torch

import gesso
from gesso.bench import random_models
from gesso.bench.random_models import SHAPES, as_loadable
from gesso.model.network import Network
from tests.tiny_model import CONFIG


@pytest.mark.parametrize(("name", "millions"), [("100m", 100), ("400m", 400)])
def test_a_shape_has_about_as_many_parameters_as_its_name_says(name, millions):
    with torch.device("meta"):
        network = Network(SHAPES[name])
    assert sum(one.numel() for one in network.parameters()) == pytest.approx(1e6 * millions, rel=0.05)
    assert SHAPES[name].vocab_size == 262_144


def test_a_shape_can_be_loaded_while_it_is_needed_and_is_gone_afterwards(monkeypatch):
    monkeypatch.setitem(random_models.SHAPES, "tiny", CONFIG)
    with as_loadable("tiny") as folder:
        network = gesso.load(folder).network
        assert network.config.vocab_size == CONFIG.vocab_size
        assert network.dtype == torch.bfloat16
    assert not Path(folder).exists()


def test_every_other_name_stays_as_it_is():
    with as_loadable("bundled") as name:
        assert name == "bundled"
