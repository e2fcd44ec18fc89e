import pytest
import torch

from gesso.checkpoint.load import inspect_checkpoint
from gesso.checkpoint.shards import Shards
from gesso.errors import TensorError


def test_the_account_counts_what_the_files_hold(network, folder, sharded, vision_tensors):
    weights = list(network.parameters())
    for path, num_files in ((folder, 1), (sharded, len(list(sharded.glob("*.safetensors"))))):
        report = inspect_checkpoint(path)
        assert set(report.used) == {name for name, _ in network.named_parameters()}
        assert report.num_parameters == sum(weight.numel() for weight in weights)
        assert report.size_bytes == sum(weight.nbytes for weight in weights)
        assert {tensor.name for tensor in report.vision} == set(vision_tensors)
        assert report.num_vision_parameters == sum(tensor.numel() for tensor in vision_tensors.values())
        assert report.vision_size_bytes == 4 * report.num_vision_parameters
        assert report.dtypes == {"F32": len(weights)}
        assert report.repeated == ()
        assert report.num_files == num_files


def test_repetitions_are_accounted_for_and_counted_once(folder, edit):
    size = inspect_checkpoint(folder).size_bytes
    original = "model.decoder.embed_tokens.weight"
    edit(folder / "model.safetensors", lambda tensors: tensors.update({"lm_head.weight": tensors[original].clone()}))
    report = inspect_checkpoint(folder)
    assert [(new.name, old.name) for new, old in report.repeated] == [("lm_head.weight", original)]
    assert report.size_bytes == size


def test_dtypes_are_counted_the_commonest_first(folder, edit):
    def change(tensors):
        tensors["model.decoder.norm.weight"] = torch.ones(24, dtype=torch.bfloat16)

    edit(folder / "model.safetensors", change)
    dtypes = inspect_checkpoint(folder).dtypes
    assert list(dtypes) == ["F32", "BF16"]
    assert dtypes["BF16"] == 1


def test_no_data_are_read(folder, monkeypatch):
    monkeypatch.setattr(Shards, "read", None)
    assert inspect_checkpoint(folder).num_files == 1


def test_what_cannot_be_loaded_cannot_be_accounted_for(folder, edit):
    edit(folder / "model.safetensors", lambda tensors: tensors.update(more=torch.zeros(1)))
    with pytest.raises(TensorError, match=r"holds 1 tensor \(more\)"):
        inspect_checkpoint(folder)
