import json

import pytest
import torch
from safetensors.torch import load_file, save_file

import gesso
from gesso.checkpoint.adapter import load_adapter
from gesso.checkpoint.generation_config import read_generation_config
from gesso.checkpoint.load import check_finite, inspect_checkpoint, load_network, load_scheme
from gesso.checkpoint.save import save_network
from gesso.errors import CheckpointError, ConfigError, SettingError, TensorError
from gesso.quant.network import scheme_of
from gesso.quant.scheme import SCHEMES, FourBitIntegers, quantize
from gesso.train.start import FromModel
from tests.tiny_model import save_tiny_model

PROJECTION = "model.decoder.self_conditioning.gate_proj.weight"
FILE = "model.safetensors"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("whole") / "model")


@pytest.fixture(scope="module", params=SCHEMES)
def written(request, folder, tmp_path_factory):
    """A scheme, and the checkpoint that was quantized by it."""
    path = tmp_path_factory.mktemp(request.param) / "model"
    network = load_network(folder, quantize=request.param)
    settings = read_generation_config(folder, network.config)
    save_network(network, path, tokenizer_files=folder, generation_config=settings, vision_tensors=folder)
    return request.param, path


@pytest.fixture
def int4(folder, tmp_path):
    save_network(load_network(folder, quantize="int4"), tmp_path / "int4", tokenizer_files=folder)
    return tmp_path / "int4"


def change_file(path, change):
    tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}
    change(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


def change_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("dtype", [None, torch.bfloat16, torch.float32])
def test_written_and_loaded_is_to_the_bit_what_is_made_on_the_fly(written, folder, dtype):
    name, path = written
    loaded, made = load_network(path, dtype=dtype).state_dict(), load_network(folder, dtype, quantize=name).state_dict()
    assert list(loaded) == list(made)
    assert all(torch.equal(loaded[key], made[key]) and loaded[key].dtype == made[key].dtype for key in loaded)


def test_the_dtype_is_that_of_what_is_not_quantized(written):
    _, path = written
    assert load_network(path).dtype == torch.float32
    assert load_network(path, dtype=torch.bfloat16).dtype == torch.bfloat16


def test_a_quantized_model_writes_as_the_one_made_on_the_fly(written, folder):
    name, path = written
    text = gesso.load(path).generate("Once", seed=1, max_new_tokens=8).token_ids
    assert text == gesso.load(folder, quantize=name).generate("Once", seed=1, max_new_tokens=8).token_ids


def test_every_tensor_is_accounted_for(written, folder):
    name, path = written
    report = inspect_checkpoint(path)
    assert len(report.used) == len(report.codes) // 2 + len(inspect_checkpoint(folder).used)
    assert set(report.weight_dtypes) == {"F32"}
    assert report.size_bytes == sum(weight.nbytes for weight in load_network(path).parameters())
    assert len(report.vision) == 16
    assert load_scheme(path).name == name


def test_shards_hold_the_same(folder, tmp_path):
    network = load_network(folder, quantize="int4")
    save_network(network, tmp_path / "shards", max_shard_bytes=20_000)
    assert len(list((tmp_path / "shards").glob("*.safetensors"))) > 1
    loaded = load_network(tmp_path / "shards")
    assert all(map(torch.equal, loaded.parameters(), network.parameters()))


def test_a_group_size_is_kept_with_the_checkpoint(int4, folder):
    stored = load_file(folder / FILE)[PROJECTION]
    quantized = quantize(stored, FourBitIntegers(group_size=4))
    change_config(int4, quantization_config={"quant_method": "gesso", "scheme": "int4", "group_size": 4})
    with pytest.raises(TensorError, match=r"have other shapes than config.json gives"):
        load_network(int4)
    assert quantized.scale.shape == (32, 6)


@pytest.mark.parametrize("part", ["codes", "scale"])
def test_a_missing_part_is_an_error(int4, part):
    change_file(int4 / FILE, lambda tensors: tensors.pop(f"{PROJECTION}.{part}"))
    with pytest.raises(TensorError, match=f"lacks 1 tensor .{PROJECTION}.{part}"):
        load_network(int4)


def test_a_surplus_whole_weight_is_an_error(int4):
    change_file(int4 / FILE, lambda tensors: tensors.update({PROJECTION: torch.zeros(32, 24)}))
    with pytest.raises(TensorError, match=r"holds 1 tensor .* that config.json has no place for"):
        load_network(int4)


@pytest.mark.parametrize(("part", "dtype"), [("codes", torch.int8), ("scale", torch.float32)])
def test_a_part_of_another_dtype_is_an_error(int4, part, dtype):
    name = f"{PROJECTION}.{part}"
    change_file(int4 / FILE, lambda tensors: tensors.update({name: tensors[name].to(dtype)}))
    with pytest.raises(TensorError, match="not of the dtype in which codes and scales are stored"):
        load_network(int4)


def test_weights_that_are_quantized_by_others_are_refused(int4):
    change_config(int4, quantization_config={"quant_method": "compressed-tensors"})
    with pytest.raises(ConfigError, match=r"config.json: .* 'compressed-tensors' and only 'gesso' can be read"):
        load_network(int4)
    change_config(int4, quantization_config="int4")
    with pytest.raises(ConfigError, match="quantization_config is 'int4'"):
        load_network(int4)


def test_the_scheme_that_is_asked_for_must_be_that_of_the_file(int4, folder):
    assert scheme_of(load_network(int4, quantize="int4")) == FourBitIntegers()
    with pytest.raises(SettingError, match="is quantized to int4 and int8 is asked for; give the model that it was"):
        load_network(int4, quantize="int8")
    with pytest.raises(SettingError, match="no quantization to 'int3'"):
        load_network(folder, quantize="int3")


def test_quantized_weights_cannot_be_trained_nor_take_an_adapter(int4, tmp_path):
    with pytest.raises(CheckpointError, match="quantized to int4 cannot be trained; give the model"):
        FromModel(model=str(int4)).make(seed=0)
    with pytest.raises(CheckpointError, match="quantized to int4 cannot take an adapter; give the model"):
        load_adapter(tmp_path, load_network(int4))


def test_a_broken_weight_is_found_after_quantizing_too(folder, tmp_path):
    network = load_network(folder)
    network.layers[0].mlp.up_proj.weight[1, 1] = torch.nan
    save_network(network, tmp_path / "broken")
    with pytest.raises(TensorError, match="hold NaN or infinity"):
        check_finite(load_network(tmp_path / "broken", quantize="fp8"))
