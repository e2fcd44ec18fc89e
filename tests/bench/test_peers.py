import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch

from gesso.bench import peers
from gesso.bench.peers import Work, installed, measure_peers
from gesso.errors import SettingError
from tests.bench.measured import measured

WORK = Work(prompt="Once", steps=2, batch=2, canvases=2)


def module(name, **content):
    """A module that holds this and nothing else."""
    made = ModuleType(name)
    made.__dict__.update(content)
    return made


def measure(folder, **settings):
    given = {"dtype": torch.float32, "compile": False, "bare": True, "repeats": 1, "warmup": 0} | settings
    return measured(measure_peers(folder, WORK, **given))[1]


def test_everybody_writes_the_same_number_of_tokens_but_the_one_as_shipped(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "diffusers", None)
    rows = {row["system"]: row for row in measure(folder)}
    size = WORK.batch * WORK.canvases * 16
    equal = ("gesso", "gesso autoregressive", "bare autoregressive loop", "transformers")
    assert [rows[name]["tokens"] for name in equal] == [size] * 4
    assert 0 < rows["gesso as shipped"]["tokens"] <= size
    for name, passes in zip(equal, (4, 32, 32, 4), strict=True):
        whole, each = rows[name]["total_s"].median, rows[name]["ms_per_step"].median
        assert each == pytest.approx(1000 * whole / passes)
        assert rows[name]["gesso_is_faster"] == pytest.approx(whole / rows["gesso"]["total_s"].median)
    assert rows["diffusers"] == {
        "system": "diffusers",
        "dtype": "float32",
        "compiled": False,
        "batch": 2,
        "steps": 2,
        "remark": "not installed",
    }


def test_diffusers_wraps_the_model_of_transformers(folder, monkeypatch):
    calls = []

    class Pipeline:
        def __init__(self, *, model, scheduler, processor):
            assert isinstance(model, torch.nn.Module)
            self.processor = processor

        def set_progress_bar_config(self, *, disable):
            assert disable

        def __call__(self, *, prompt, gen_length, **settings):
            input_ids = self.processor.apply_chat_template(prompt, return_tensors="pt")["input_ids"]
            calls.append((tuple(input_ids.shape), gen_length, settings["num_inference_steps"]))
            assert len(prompt) == len(input_ids)
            assert not settings["eos_early_stop"]
            assert settings["confidence_threshold"] is None
            return SimpleNamespace(sequences=torch.zeros(input_ids.shape[0], gen_length))

    monkeypatch.setitem(
        sys.modules, "diffusers", module("diffusers", DiffusionGemmaPipeline=Pipeline, EntropyBoundScheduler=object)
    )
    row = next(row for row in measure(folder, bare=False) if row["system"] == "diffusers")
    assert row["tokens"] == 64
    assert [(rows, size, steps) for (rows, _), size, steps in calls] == [(2, 32, 2)]


def test_a_peer_that_is_too_old_is_told(folder, monkeypatch):
    old = module("transformers", __version__="4.0")
    monkeypatch.setattr(peers, "_module", lambda name: old if name == "transformers" else None)
    remarks = {row["system"]: row.get("remark") for row in measure(folder, bare=False)}
    assert remarks["transformers"] == "transformers 4.0 does not know this model"
    assert "bare autoregressive loop" not in remarks


@pytest.mark.parametrize(("settings", "said"), [({"prompt": ""}, "prompt is empty"), ({"batch": 0}, "batch is 0")])
def test_work_that_cannot_be_is_refused(settings, said):
    with pytest.raises(SettingError, match=said):
        Work(**{"prompt": "a", "steps": 1} | settings)


def test_only_packages_that_are_there_are_named():
    assert installed(("torch", "no-such-package-of-any-kind")) == ("torch",)
