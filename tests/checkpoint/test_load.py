import dataclasses
import itertools
import json
import os
import subprocess
import sys
import weakref

import pytest
import torch

from gesso.checkpoint.load import check_finite, load_config, load_network
from gesso.checkpoint.names import file_name
from gesso.checkpoint.save import save_network
from gesso.checkpoint.shards import Shards
from gesso.errors import ConfigError, InputError, ModelNotFoundError, TensorError
from gesso.model.initialize import initialize
from gesso.model.network import Network

FILE = "model.safetensors"
EMBEDDING, NORM = "model.decoder.embed_tokens.weight", "model.decoder.norm.weight"


def assert_same_bits(ours, theirs):
    ours, theirs = ours.state_dict(), theirs.state_dict()
    assert list(ours) == list(theirs)
    for name, weight in ours.items():
        assert weight.dtype == theirs[name].dtype
        assert torch.equal(weight, theirs[name]), name


def test_a_network_is_loaded_as_it_was_saved(network, folder):
    loaded = load_network(folder)
    assert_same_bits(loaded, network)
    assert loaded.config == network.config
    assert not loaded.training
    assert not any(weight.requires_grad or weight.is_meta for weight in loaded.parameters())


def test_shards_make_the_same_network_as_one_file(folder, sharded):
    assert len(list(sharded.glob("*.safetensors"))) > 2
    assert_same_bits(load_network(sharded), load_network(folder))


def test_a_loaded_network_no_longer_needs_its_files(network, folder):
    loaded = load_network(folder)
    (folder / FILE).write_bytes(b"\0" * (folder / FILE).stat().st_size)
    assert_same_bits(loaded, network)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_weights_are_converted_to_the_asked_dtype(network, folder, dtype):
    assert_same_bits(load_network(folder, dtype=dtype), network.to(dtype))


def test_the_dtype_is_that_of_the_file_if_none_is_asked(network, tmp_path):
    save_network(network.to(torch.bfloat16), tmp_path / "half")
    assert load_network(tmp_path / "half").dtype == torch.bfloat16


def test_several_dtypes_need_a_choice(folder, edit):
    edit(folder / FILE, lambda tensors: tensors.update({NORM: tensors[NORM].bfloat16()}))
    with pytest.raises(
        TensorError, match=r"several dtypes \(\d+ as F32, 1 as BF16\); choose one, such as dtype=torch.float32"
    ):
        load_network(folder)
    assert load_network(folder, dtype=torch.bfloat16).norm.weight.dtype == torch.bfloat16


@pytest.mark.parametrize("dtype", [torch.int8, torch.complex64, torch.float8_e4m3fn])
def test_a_dtype_that_is_not_for_weights_is_refused(folder, dtype):
    with pytest.raises(InputError, match=f"dtype is {dtype}; choose torch.bfloat16"):
        load_network(folder, dtype=dtype)


def test_the_device_is_the_asked_one(folder):
    assert all(weight.is_meta for weight in load_network(folder, device="meta").parameters())


def test_progress_counts_the_bytes_of_the_text_network(network, sharded):
    seen = []
    load_network(sharded, progress=lambda done, total: seen.append((done, total)))
    total = sum(weight.nbytes for weight in network.parameters())
    assert seen[-1] == (total, total)
    assert len(seen) == len(list(network.parameters()))
    assert all(before < after for (before, _), (after, _) in itertools.pairwise(seen))


def test_only_one_stored_tensor_is_alive_at_a_time(sharded, monkeypatch):
    alive = []
    read = Shards.read

    def watched(self, name):
        assert not any(source() is not None for source in alive), "the tensor before was still held"
        tensor = read(self, name)
        alive.append(weakref.ref(tensor.untyped_storage()))
        return tensor

    monkeypatch.setattr(Shards, "read", watched)
    network = load_network(sharded)
    assert len(alive) == len(list(network.parameters()))


MEASURE_A_LOAD = """
import sys
from pathlib import Path
from gesso.checkpoint.load import load_network

def status_bytes(key):
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return 1024 * int(lines[key].split()[0])

small, large = sys.argv[1:]
load_network(small)  # what torch sets up at its first use is not the load's
before = status_bytes("VmRSS")
network = load_network(large)
print(status_bytes("VmHWM") - before, sum(weight.nbytes for weight in network.parameters()))
"""


@pytest.mark.slow
def test_memory_peaks_at_little_more_than_the_size_of_the_model(config, folder, tmp_path):
    """In a process of its own, for a peak is one of a process. The room above the model is for the largest tensor."""
    if not os.path.exists("/proc/self/status"):
        pytest.skip("peak memory is read from /proc")
    large = dataclasses.replace(
        config,
        vocab_size=10_000,
        hidden_size=512,
        num_experts=16,
        moe_intermediate_size=256,
        layer_types=("sliding_attention",) * 6 + ("full_attention",),
    )
    network = Network(large)
    initialize(network, torch.Generator().manual_seed(0))
    save_network(network, tmp_path / "large")
    command = [sys.executable, "-c", MEASURE_A_LOAD, folder, tmp_path / "large"]
    peak, model = map(int, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    assert model > 180e6
    assert peak < 1.2 * model


# What is wrong with a checkpoint, and what is said about it.


def test_a_missing_tensor_is_named(folder, edit):
    edit(folder / FILE, lambda tensors: tensors.pop(NORM))
    with pytest.raises(TensorError, match=rf"lacks 1 tensor \({NORM}\) that config.json asks for"):
        load_network(folder)


def test_of_many_missing_tensors_three_are_named_and_all_are_counted(folder, edit):
    lost = [name for name in Shards(folder).tensors if name.startswith("model.decoder.layers.0")]
    edit(folder / FILE, lambda tensors: [tensors.pop(name) for name in lost])
    with pytest.raises(TensorError, match=rf"lacks {len(lost)} tensors \(model[^,]*, model[^,]*, model[^,]*, \.\.\.\)"):
        load_network(folder)


@pytest.mark.parametrize(
    "name",
    [
        "model.decoder.layers.2.self_attn.q_proj.weight",
        "model.decoder.layers.1.self_attn.v_proj.weight",
        "model.decoder.layers.0.encode_scalar",
        "model.encoder.language_model.layers.7.norm.weight",
        "something",
    ],
)
def test_a_surplus_tensor_is_named(folder, edit, name):
    edit(folder / FILE, lambda tensors: tensors.update({name: torch.zeros(3)}))
    with pytest.raises(TensorError, match=rf"holds 1 tensor \({name}\) that config.json has no place for"):
        load_network(folder)


def test_a_tensor_of_another_shape_is_named_with_both_shapes(folder, edit):
    edit(folder / FILE, lambda tensors: tensors.update({NORM: torch.ones(25)}))
    with pytest.raises(TensorError, match=rf"1 tensor \({NORM}\).*\[25\] and should be \[24\]"):
        load_network(folder)


def test_a_transposed_tensor_is_not_taken(folder, edit):
    edit(folder / FILE, lambda tensors: tensors.update({EMBEDDING: tensors[EMBEDDING].T.contiguous()}))
    with pytest.raises(TensorError, match=r"\[24, 64\] and should be \[64, 24\]"):
        load_network(folder)


@pytest.mark.parametrize(
    ("dtype", "word"),
    [
        (torch.int8, "I8"),
        (torch.int64, "I64"),
        (torch.float8_e4m3fn, "F8_E4M3"),
        (torch.complex64, "C64"),
        (torch.bool, "BOOL"),
    ],
)
def test_a_dtype_that_holds_no_weights_is_named(folder, edit, dtype, word):
    edit(folder / FILE, lambda tensors: tensors.update({NORM: tensors[NORM].to(dtype)}))
    with pytest.raises(
        TensorError, match=rf"stores 1 tensor \({NORM}\) as {word}; weights must be BF16, F16, F32, F64"
    ):
        load_network(folder, dtype=torch.float32)


def test_a_checkpoint_for_text_alone_may_have_no_image_encoder(network, tmp_path):
    save_network(network, tmp_path / "text")
    assert_same_bits(load_network(tmp_path / "text"), network)


REPETITIONS = {
    "lm_head.weight": EMBEDDING,
    "model.encoder.language_model.embed_tokens.weight": EMBEDDING,
    "model.encoder.language_model.norm.weight": NORM,
    "model.encoder.language_model.layers.0.router.scale": "model.decoder.layers.0.router.scale",
    "model.encoder.language_model.layers.1.experts.down_proj": "model.decoder.layers.1.experts.down_proj",
}


def test_tied_weights_may_be_stored_again(network, folder, edit):
    edit(folder / FILE, lambda tensors: tensors.update({new: tensors[old].clone() for new, old in REPETITIONS.items()}))
    assert_same_bits(load_network(folder), network)


@pytest.mark.parametrize("name", REPETITIONS)
@pytest.mark.parametrize("difference", ["a bit", "the shape", "the dtype"])
def test_a_repetition_that_differs_is_refused(folder, edit, name, difference):
    def change(tensors):
        tensor = tensors[REPETITIONS[name]].clone()
        if difference == "a bit":
            tensor.view(torch.int32).flatten()[-1] ^= 1
        tensors[name] = tensor[:1].clone() if difference == "the shape" else tensor
        if difference == "the dtype":
            tensors[name] = tensor.double()

    edit(folder / FILE, change)
    with pytest.raises(
        TensorError, match=f"{name} in .*{FILE} differs from {REPETITIONS[name]}, whose weights it shares"
    ):
        load_network(folder)


def test_a_repetition_of_what_is_not_there_leaves_it_missing(folder, edit):
    edit(folder / FILE, lambda tensors: tensors.update({"lm_head.weight": tensors.pop(EMBEDDING)}))
    with pytest.raises(TensorError, match=rf"lacks 1 tensor \({EMBEDDING}\)"):
        load_network(folder)


def test_encoder_scalars_are_weights_of_their_own_and_no_repetition(network, folder):
    stored = Shards(folder)
    for name in ("layers.0.encode_scalar", "layers.0.denoise_scalar"):
        assert torch.equal(stored.read(file_name(name)), network.get_parameter(name))
    assert not torch.equal(network.layers[0].encode_scalar, network.layers[0].denoise_scalar)


def test_a_model_that_is_not_there_is_named():
    with pytest.raises(ModelNotFoundError, match="no model 'nothing'"):
        load_network("nothing")


def rewrite_config(folder, change):
    raw = json.loads((folder / "config.json").read_text())
    change(raw)
    (folder / "config.json").write_text(json.dumps(raw))


def test_a_config_is_read(folder, config):
    assert load_config(folder) == config


def test_a_folder_without_a_config_is_refused(folder):
    (folder / "config.json").unlink()
    with pytest.raises(ConfigError, match=r"has no config.json; give a folder that holds a checkpoint"):
        load_network(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw.update(model_type="llama"), r"config.json: .*model_type 'llama'"),
        (lambda raw: raw.pop("text_config"), "config.json: .*no text_config"),
        (lambda raw: raw["text_config"].update(hidden_size="large"), "config.json has a value of the wrong kind"),
        (lambda raw: raw["text_config"].update(rope_parameters={"full_attention": {}}), "wrong kind .'rope_theta'"),
        (lambda raw: raw["text_config"].update(layer_types=3), "wrong kind"),
    ],
)
def test_a_config_that_cannot_be_used_is_named_by_its_file(folder, change, message):
    rewrite_config(folder, change)
    with pytest.raises(ConfigError, match=message):
        load_network(folder)


def test_a_config_of_another_size_does_not_fit_the_weights(folder):
    rewrite_config(folder, lambda raw: raw["text_config"].update(hidden_size=32))
    with pytest.raises(TensorError, match=r"have other shapes than config\.json gives"):
        load_network(folder)


def test_weights_that_are_numbers_pass(network):
    check_finite(network)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_weight_that_is_no_number_is_found(network, bad, dtype):
    network.to(dtype).layers[1].experts.down_proj[3, 2, 1] = bad
    with pytest.raises(
        TensorError, match=r"1 tensor \(layers.1.experts.down_proj\) of the network hold NaN or infinity"
    ):
        check_finite(network)
