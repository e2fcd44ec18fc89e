import json
import shutil

import pytest
import torch

import gesso
from gesso.errors import ConfigError, ModelNotFoundError, SettingError


def test_a_model_comes_with_its_own_settings(folder):
    lm = gesso.load(folder)
    assert lm.name == str(folder)
    assert lm.sampler.max_steps == 3
    assert lm.max_new_tokens == 24
    assert lm.stop_ids == {1, 5}
    assert lm.network.dtype == torch.float32
    assert not lm.network.training


def test_the_dtype_can_be_chosen_and_the_progress_watched(folder):
    told = []
    lm = gesso.load(folder, dtype=torch.bfloat16, progress=lambda done, total: told.append((done, total)))
    assert lm.network.dtype == torch.bfloat16
    assert told[-1][0] == told[-1][1]
    assert len(lm.generate("Once", seed=0, stop=()).token_ids) == 24


def test_an_unknown_model_is_named(tmp_path):
    with pytest.raises(ModelNotFoundError, match="nowhere"):
        gesso.load(tmp_path / "nowhere")


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "meta"])
def test_a_device_that_this_computer_lacks_is_refused(folder, device):
    with pytest.raises(SettingError, match=f"device '{device}' cannot be used on this computer; choose 'cpu'"):
        gesso.load(folder, device=device)


def test_a_tokenizer_of_another_model_is_refused(folder, tmp_path):
    broken = tmp_path / "model"
    shutil.copytree(folder, broken)
    definition = json.loads((broken / "tokenizer.json").read_text())
    extra = {"id": 4096, "content": "<extra>", "single_word": False, "lstrip": False, "rstrip": False}
    definition["added_tokens"].append(extra | {"normalized": False, "special": True})
    (broken / "tokenizer.json").write_text(json.dumps(definition))
    with pytest.raises(ConfigError, match="the tokenizer has 4097 tokens and the network 4096"):
        gesso.load(broken)


def test_a_models_own_mode_lies_in_gesso_json_and_must_be_one(folder, tmp_path):
    own = tmp_path / "own"
    shutil.copytree(folder, own)
    (own / "gesso.json").write_text('{"mode": "verified"}')
    assert gesso.load(own).mode == "verified"
    (own / "gesso.json").write_text('{"mode": "sideways"}')
    with pytest.raises(
        ConfigError, match=r"gesso\.json: mode is 'sideways'; give one of diffusion, verified, autoregr"
    ):
        gesso.load(own)


def test_without_a_compiler_there_is_no_compiling(folder, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SettingError, match="no C\\+\\+ compiler 'no-such-compiler'; install one"):
        gesso.load(folder, compile=True)


def test_kernels_are_not_compiled_again(folder, monkeypatch):
    monkeypatch.setattr("gesso.lm.load.choose_kernels", lambda choice, device: object())
    with pytest.raises(SettingError, match="choose kernels='plain'"):
        gesso.load(folder, compile=True)
