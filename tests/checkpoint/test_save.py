import errno
import json
import os
import shutil
import stat

import pytest
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from gesso.checkpoint import save
from gesso.checkpoint.load import load_network
from gesso.checkpoint.names import is_vision
from gesso.checkpoint.save import save_network
from gesso.checkpoint.vision import minimal_vision_tensors
from gesso.errors import InputError, OutputError, TensorError


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_saving_what_was_loaded_makes_the_same_bytes(folder, tmp_path):
    save_network(load_network(folder), tmp_path / "again", vision_tensors=folder)
    assert contents(tmp_path / "again") == contents(folder)


def test_saving_shards_of_what_was_loaded_makes_the_same_bytes(sharded, tmp_path):
    save_network(load_network(sharded), tmp_path / "again", vision_tensors=sharded, max_shard_bytes=20_000)
    assert contents(tmp_path / "again") == contents(sharded)


def test_bfloat16_survives_and_is_named_in_the_config(network, tmp_path):
    save_network(network.to(torch.bfloat16), tmp_path / "half")
    assert json.loads((tmp_path / "half" / "config.json").read_text())["dtype"] == "bfloat16"
    assert {tensor.dtype for tensor in load_file(tmp_path / "half" / "model.safetensors").values()} == {torch.bfloat16}


def test_the_format_is_named_in_every_file(sharded):
    for file in sharded.glob("*.safetensors"):
        with safe_open(file, framework="pt") as opened:
            assert opened.metadata() == {"format": "pt"}


def test_shards_are_no_larger_than_allowed_and_the_index_names_every_tensor(network, sharded):
    index = json.loads((sharded / "model.safetensors.index.json").read_text())
    shards = {file.name: load_file(file) for file in sharded.glob("*.safetensors")}
    assert index["weight_map"] == {name: file for file, tensors in shards.items() for name in tensors}
    sizes = [sum(tensor.nbytes for tensor in tensors.values()) for tensors in shards.values()]
    assert max(sizes) <= 20_000
    assert index["metadata"]["total_size"] == sum(sizes)
    assert sorted(shards) == [f"model-{i:05d}-of-{len(shards):05d}.safetensors" for i in range(1, len(shards) + 1)]


def test_a_tensor_larger_than_a_shard_has_one_to_itself(network, tmp_path):
    save_network(network, tmp_path / "model", max_shard_bytes=1)
    shards = [load_file(file) for file in (tmp_path / "model").glob("*.safetensors")]
    assert [len(tensors) for tensors in shards] == [1] * len(list(network.parameters()))


def test_a_shard_must_have_room_for_a_byte(network, tmp_path):
    with pytest.raises(InputError, match="max_shard_bytes is 0; give at least 1"):
        save_network(network, tmp_path / "model", max_shard_bytes=0)


def test_files_are_as_readable_as_the_folder_lets_them(folder):
    assert len({stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}) == 1


def test_the_tokenizer_is_copied_as_it_is(network, tmp_path):
    source = tmp_path / "tokenizer"
    source.mkdir()
    for name in ("tokenizer.json", "chat_template.jinja", "notes.txt"):
        (source / name).write_bytes(f"{name}\r\n".encode())
    save_network(network, tmp_path / "model", tokenizer_files=source)
    saved = contents(tmp_path / "model")
    assert saved["tokenizer.json"] == b"tokenizer.json\r\n"
    assert saved["chat_template.jinja"] == b"chat_template.jinja\r\n"
    assert "notes.txt" not in saved


def test_a_folder_without_a_tokenizer_is_refused(network, tmp_path):
    with pytest.raises(InputError, match=r"has no tokenizer\.json"):
        save_network(network, tmp_path / "model", tokenizer_files=tmp_path)


def test_a_checkpoint_that_is_replaced_leaves_no_settings_of_ours_behind(network, tmp_path):
    save_network(network, tmp_path, generation_config={"acceptance_reach": 24})
    assert (tmp_path / "gesso.json").is_file()
    save_network(network, tmp_path, generation_config={}, overwrite=True)
    assert not (tmp_path / "gesso.json").exists()


@pytest.mark.parametrize("given", [{"max_denoising_steps": 7}, {}])
def test_the_generation_config_is_the_given_one(network, tmp_path, given):
    save_network(network, tmp_path / "model", generation_config=given)
    assert json.loads((tmp_path / "model" / "generation_config.json").read_text()) == given


# The image encoder.


def test_the_image_encoder_is_copied_bit_for_bit(network, folder, tmp_path):
    save_network(network, tmp_path / "copy", vision_tensors=folder, max_shard_bytes=10_000)
    copied = {}
    for file in (tmp_path / "copy").glob("*.safetensors"):
        copied |= {name: tensor for name, tensor in load_file(file).items() if is_vision(name)}
    original = {name: tensor for name, tensor in load_file(folder / "model.safetensors").items() if is_vision(name)}
    assert copied.keys() == original.keys()
    assert all(torch.equal(copied[name], original[name]) for name in original)


def test_a_source_without_an_image_encoder_is_refused(network, tmp_path):
    save_network(network, tmp_path / "text")
    with pytest.raises(TensorError, match="vision_tensors gives 0 tensors"):
        save_network(network, tmp_path / "copy", vision_tensors=tmp_path / "text")


def test_other_tensors_are_not_taken_for_an_image_encoder(network, tmp_path, vision_tensors):
    with pytest.raises(TensorError, match="that are not all of an image encoder"):
        save_network(network, tmp_path / "model", vision_tensors=vision_tensors | {"lm_head.weight": torch.ones(1)})


def test_an_image_encoder_needs_its_config(network, config, tmp_path):
    tensors = minimal_vision_tensors(config, torch.Generator())
    object.__setattr__(network, "config", type(config)(**{**vars(config), "vision": None}))
    with pytest.raises(InputError, match="the network's config has no vision"):
        save_network(network, tmp_path / "model", vision_tensors=tensors)


# What is there already, and what goes wrong.


def test_a_checkpoint_is_not_overwritten_unasked(network, folder):
    before = contents(folder)
    with pytest.raises(OutputError, match=r"holds config.json already; choose another folder, or allow overwriting"):
        save_network(network, folder)
    assert contents(folder) == before


def test_overwriting_replaces_the_checkpoint_and_nothing_else(network, sharded):
    (sharded / "MODEL_CARD.md").write_text("about")
    (sharded / "notes").mkdir()
    network.norm.weight.fill_(2.0)
    save_network(network, sharded, overwrite=True)
    names = {"config.json", "generation_config.json", "model.safetensors", "MODEL_CARD.md", "notes"}
    assert {file.name for file in sharded.iterdir()} == names
    assert torch.equal(load_network(sharded).norm.weight, network.norm.weight)


def test_shards_take_the_place_of_one_file(network, folder):
    save_network(network, folder, overwrite=True, max_shard_bytes=20_000)
    assert not (folder / "model.safetensors").exists()
    assert torch.equal(load_network(folder).norm.weight, network.norm.weight)


def test_a_folder_that_holds_other_things_is_filled_up(network, tmp_path):
    (tmp_path / "README.md").write_text("about")
    save_network(network, tmp_path)
    assert (tmp_path / "README.md").read_text() == "about"
    assert torch.equal(load_network(tmp_path).norm.weight, network.norm.weight)


def test_parents_are_made(network, tmp_path):
    save_network(network, tmp_path / "a" / "b" / "model")
    assert (tmp_path / "a" / "b" / "model" / "config.json").is_file()


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        SafetensorError("I/O error: No space left on device (os error 28)"),
        KeyboardInterrupt(),
    ],
    ids=["from the system", "from safetensors", "from the keyboard"],
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_save_that_fails_leaves_everything_as_it_was(network, folder, tmp_path, monkeypatch, error, overwrite):
    before, target = contents(folder), folder if overwrite else tmp_path / "new"

    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(save, "save_file", fail)
    with pytest.raises((OutputError, KeyboardInterrupt)) as caught:
        save_network(network, target, overwrite=overwrite)
    assert caught.type is KeyboardInterrupt or "make room on the disk" in str(caught.value)
    assert contents(folder) == before
    assert os.listdir(tmp_path) == ["model"]


def test_room_is_looked_for_before_anything_is_written(network, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 99, 1))
    with pytest.raises(
        OutputError, match=r"needs 0.1 MB and the disk has 0.0 MB left; make room or choose another disk"
    ):
        save_network(network, tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_refused(network, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"file/model cannot be written .*; choose a folder that you may write to"):
        save_network(network, tmp_path / "file" / "model")


def test_a_file_in_the_place_of_the_folder_is_left_alone(network, tmp_path):
    (tmp_path / "model").write_text("precious")
    with pytest.raises(OutputError, match="cannot be written"):
        save_network(network, tmp_path / "model", overwrite=True)
    assert (tmp_path / "model").read_text() == "precious"
