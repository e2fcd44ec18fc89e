"""What one implementation saves the other loads, with nothing missing, nothing over, and not a bit changed."""

import pytest
import torch
from transformers import DiffusionGemmaForBlockDiffusion

from gesso.checkpoint.load import inspect_checkpoint, load_config, load_network
from gesso.checkpoint.names import file_name
from gesso.checkpoint.save import save_network


def load_reference(folder):
    model, info = DiffusionGemmaForBlockDiffusion.from_pretrained(folder, output_loading_info=True)
    return model.eval(), info


def logits_of_both(network, reference):
    generator = torch.Generator().manual_seed(0)
    text, canvas = (torch.randint(64, (2, length), generator=generator) for length in (9, 6))
    cache = network.new_cache(batch=2, max_len=9)
    network.encode(text, cache)
    with torch.no_grad():
        theirs = reference(input_ids=text, decoder_input_ids=canvas).logits
    return network.denoise(canvas, cache), theirs


def assert_same_weights(network, reference):
    stored = reference.state_dict()
    for name, weight in network.state_dict().items():
        assert weight.dtype == stored[file_name(name)].dtype
        assert torch.equal(weight, stored[file_name(name)]), name


@pytest.mark.parametrize("layout", ["folder", "sharded"])
def test_transformers_loads_what_gesso_saves(network, layout, request):
    reference, info = load_reference(request.getfixturevalue(layout))
    assert {name: list(found) for name, found in info.items()} == {name: [] for name in info}
    assert {"missing_keys", "unexpected_keys", "mismatched_keys"} <= info.keys()
    assert_same_weights(network, reference)
    ours, theirs = logits_of_both(network, reference)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)


def test_transformers_loads_bfloat16_as_bfloat16(network, vision_tensors, tmp_path):
    half = {name: tensor.bfloat16() for name, tensor in vision_tensors.items()}
    save_network(network.to(torch.bfloat16), tmp_path / "half", vision_tensors=half)
    reference, info = load_reference(tmp_path / "half")
    assert not any(info.values())
    assert_same_weights(network, reference)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("max_shard_size", ["5GB", "20KB"])
def test_gesso_loads_what_transformers_saves(reference, config, tmp_path, dtype, max_shard_size):
    reference = DiffusionGemmaForBlockDiffusion(reference.config).to(dtype)
    reference.save_pretrained(tmp_path, max_shard_size=max_shard_size)
    assert (len(list(tmp_path.glob("*.safetensors"))) > 2) == (max_shard_size == "20KB")
    network = load_network(tmp_path)
    assert_same_weights(network, reference)
    report = inspect_checkpoint(tmp_path)
    stored = reference.state_dict().keys() - reference.all_tied_weights_keys.keys()
    assert len(report.used) + len(report.vision) == len(stored)


def test_gesso_computes_what_transformers_saved(reference, tmp_path):
    reference.save_pretrained(tmp_path)
    ours, theirs = logits_of_both(load_network(tmp_path), reference)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)


def test_a_way_there_and_back_changes_nothing(network, folder, tmp_path):
    load_reference(folder)[0].save_pretrained(tmp_path / "theirs")
    back = load_network(tmp_path / "theirs")
    assert all(map(torch.equal, back.parameters(), network.parameters()))
    save_network(back, tmp_path / "ours", vision_tensors=tmp_path / "theirs")
    assert (tmp_path / "ours" / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    ours, theirs = load_config(folder), load_config(tmp_path / "theirs")
    assert (ours.layer_types, ours.heads(0), ours.heads(1)) == (theirs.layer_types, theirs.heads(0), theirs.heads(1))
