import torch

from gesso.bench import random_models
from gesso.cli.bench_model import facts_of, load_measured
from gesso.cli.options import Dtype
from tests.tiny_model import CONFIG

WORDS = {"dtype": Dtype.AUTO, "device": "cpu", "revision": None, "offline": True, "quiet": True}


def test_random_weights_in_a_shape_are_loaded_as_a_model_is(monkeypatch):
    monkeypatch.setitem(random_models.SHAPES, "tiny", CONFIG)
    lm = load_measured("tiny", **WORDS)
    assert lm.generate("Once", seed=0, steps=1, max_new_tokens=4, mode="diffusion").steps == [1]
    assert facts_of(lm) == {"dtype": "bfloat16", "device": "cpu", "threads": torch.get_num_threads()}


def test_a_folder_is_loaded_as_ever(folder):
    assert facts_of(load_measured(str(folder), **WORDS))["dtype"] == "float32"
