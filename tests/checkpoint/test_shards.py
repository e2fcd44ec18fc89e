import json

import pytest
import torch
from safetensors.torch import save_file

from gesso.checkpoint.shards import INDEX_FILE, SINGLE_FILE, Shards
from gesso.errors import ConfigError, TensorError


@pytest.fixture
def tensors():
    return {
        "a": torch.arange(6.0).view(2, 3),
        "b": torch.tensor(7.0),
        "c": torch.ones(4, dtype=torch.bfloat16),
        "d": torch.tensor([True, False]),
        "e": torch.zeros(0, 5, dtype=torch.int64),
    }


@pytest.fixture
def single(tensors, tmp_path):
    save_file(tensors, tmp_path / SINGLE_FILE)
    return tmp_path


@pytest.fixture
def many(tensors, tmp_path):
    files = {"one.safetensors": ["a", "b"], "two.safetensors": ["c", "d", "e"]}
    for file, names in files.items():
        save_file({name: tensors[name] for name in names}, tmp_path / file)
    weight_map = {name: file for file, names in files.items() for name in names}
    write_index(tmp_path, weight_map)
    return tmp_path


def write_index(folder, weight_map):
    (folder / INDEX_FILE).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


@pytest.mark.parametrize("layout", ["single", "many"])
def test_tensors_are_known_by_their_headers_and_read_as_stored(layout, tensors, request):
    shards = Shards(request.getfixturevalue(layout))
    assert {name: stored.shape for name, stored in shards.tensors.items()} == {
        name: tuple(tensor.shape) for name, tensor in tensors.items()
    }
    assert [shards.tensors[name].dtype for name in "abcde"] == ["F32", "F32", "BF16", "BOOL", "I64"]
    assert [shards.tensors[name].size_bytes for name in "abcde"] == [24, 4, 8, 2, 0]
    for name, tensor in tensors.items():
        assert torch.equal(shards.read(name), tensor)
        assert shards.read(name).dtype == tensor.dtype


def test_shards_come_one_after_the_other(many):
    files = [stored.file.name for stored in Shards(many).tensors.values()]
    assert files == sorted(files)


def test_one_file_counts_where_it_stands_beside_an_index(single):
    write_index(single, {"z": "missing.safetensors"})
    assert set(Shards(single).tensors) == set("abcde")


def test_a_folder_without_safetensors_is_refused(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(
        TensorError, match=r"neither model.safetensors nor .*; weights in other formats must be converted"
    ):
        Shards(tmp_path)


@pytest.mark.parametrize("keep", [0, 4, 40, -1])
@pytest.mark.parametrize("layout", ["single", "many"])
def test_a_file_that_was_cut_short_is_named(layout, keep, request):
    folder = request.getfixturevalue(layout)
    file = folder / ("two.safetensors" if layout == "many" else SINGLE_FILE)
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(TensorError, match=f"{file.name} is broken or cut short .*download it again"):
        Shards(folder)


def test_a_pointer_in_the_place_of_a_large_file_is_broken(single):
    (single / SINGLE_FILE).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 12\n")
    with pytest.raises(TensorError, match="is broken or cut short"):
        Shards(single)


def test_a_shard_that_is_not_there_is_named(many):
    (many / "two.safetensors").unlink()
    with pytest.raises(TensorError, match=r"lacks 1 of the 2 shards .* such as two.safetensors; download"):
        Shards(many)


def test_a_tensor_that_the_index_promises_must_be_in_its_shard(many):
    write_index(many, {"a": "one.safetensors", "b": "one.safetensors", **dict.fromkeys("cdex", "two.safetensors")})
    with pytest.raises(TensorError, match=r"two.safetensors lacks 1 tensor \(x\)"):
        Shards(many)


def test_a_tensor_that_the_index_does_not_name_must_not_be_there(many):
    write_index(many, {"a": "one.safetensors", **dict.fromkeys("cde", "two.safetensors")})
    with pytest.raises(TensorError, match=r"one.safetensors holds 1 tensor \(b\) that"):
        Shards(many)


def test_a_tensor_in_another_shard_than_the_index_says_is_not_found(many):
    write_index(many, {"a": "one.safetensors", **dict.fromkeys("bcde", "two.safetensors")})
    with pytest.raises(TensorError, match=r"one.safetensors holds 1 tensor \(b\) that"):
        Shards(many)


@pytest.mark.parametrize("name", ["../one.safetensors", "/etc/passwd", "sub/one.safetensors", "one.bin", "", ".."])
def test_an_index_cannot_lead_out_of_its_folder_or_to_another_format(many, name):
    write_index(many, {"a": name})
    with pytest.raises(TensorError, match="no safetensors file of its folder"):
        Shards(many)


@pytest.mark.parametrize("weight_map", [None, {}, {"a": 1}, ["a"]])
def test_an_index_must_map_tensors_to_files(many, weight_map):
    write_index(many, weight_map)
    with pytest.raises(TensorError, match="has no weight_map"):
        Shards(many)


def test_a_broken_index_is_named(many):
    (many / INDEX_FILE).write_text("{")
    with pytest.raises(ConfigError, match=f"{INDEX_FILE} is not JSON"):
        Shards(many)
