"""An adapter in peft's files: what peft makes of it, what merging makes of it, and what is refused."""

import json

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import DiffusionGemmaForBlockDiffusion

from gesso.checkpoint.adapter import (
    ADAPTER_CONFIG_FILE,
    ADAPTER_WEIGHTS_FILE,
    Adapter,
    LowRank,
    adaptable_parameters,
    fingerprint,
    load_adapter,
    merge_adapter,
    save_adapter,
)
from gesso.checkpoint.load import load_network
from gesso.errors import CheckpointError, ConfigError, TensorError
from tests.checkpoint.test_round_trip import logits_of_both

RANK = 3
FACTORS = ADAPTER_WEIGHTS_FILE
QUERY = "base_model.model.model.decoder.layers.0.self_attn.q_proj.lora_A.weight"


def random_adapter(network):
    generator = torch.Generator().manual_seed(0)
    factors = {}
    for name, weight in adaptable_parameters(network).items():
        experts, rows, columns = (1, *weight.shape)[-3:]
        factors[name] = LowRank(
            a=0.2 * torch.randn(experts, RANK, columns, generator=generator),
            b=0.2 * torch.randn(experts, rows, RANK, generator=generator),
        )
    return Adapter(rank=RANK, alpha=5.0, base="somewhere", base_fingerprint=fingerprint(network), factors=factors)


@pytest.fixture
def adapter_folder(network, tmp_path):
    save_adapter(random_adapter(network), tmp_path / "adapter")
    return tmp_path / "adapter"


def edit_config(folder, **changes):
    path = folder / ADAPTER_CONFIG_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_what_is_saved_is_loaded_bit_for_bit(network, adapter_folder):
    saved, loaded = random_adapter(network), load_adapter(adapter_folder, network)
    assert (loaded.rank, loaded.alpha, loaded.base) == (saved.rank, saved.alpha, saved.base)
    assert loaded.factors.keys() == saved.factors.keys()
    for name, pair in saved.factors.items():
        assert torch.equal(loaded.factors[name].a, pair.a)
        assert torch.equal(loaded.factors[name].b, pair.b)


def test_the_factors_are_as_readable_as_what_stands_beside_them(adapter_folder):
    modes = {file.name: file.stat().st_mode & 0o777 for file in adapter_folder.iterdir()}
    assert modes.keys() == {ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE}
    assert modes[ADAPTER_WEIGHTS_FILE] == modes[ADAPTER_CONFIG_FILE]


def test_every_matrix_but_the_embedding_is_adapted(network, adapter_folder):
    adapted = load_adapter(adapter_folder, network).factors.keys()
    assert adapted == {n for n, p in network.named_parameters() if p.ndim > 1} - {"embed_tokens.weight"}
    for part in (
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
        "mlp.up_proj",
        "router.proj",
        "experts.down_proj",
        "self_cond",
    ):
        assert any(part in name for name in adapted)


def test_merging_adds_the_scaled_product(network):
    before = {name: weight.clone() for name, weight in network.named_parameters()}
    adapter = random_adapter(network)
    merge_adapter(network, adapter)
    for name, weight in network.named_parameters():
        expected = before[name]
        if name in adapter.factors:
            a, b = adapter.factors[name].a, adapter.factors[name].b
            expected = expected + 5.0 / RANK * torch.einsum("eor,eri->eoi", b, a).reshape(expected.shape)
        torch.testing.assert_close(weight.detach(), expected)


def test_peft_computes_with_it_what_gesso_computes_merged(folder, network, adapter_folder):
    reference = DiffusionGemmaForBlockDiffusion.from_pretrained(folder).eval()
    reference.set_experts_implementation("eager")
    unadapted, _ = logits_of_both(network, reference)
    adapted = PeftModel.from_pretrained(reference, adapter_folder).eval()
    merge_adapter(network, load_adapter(adapter_folder, network))
    ours, theirs = logits_of_both(network, adapted)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)
    # The test can fail: the adapter is felt.
    assert (ours - unadapted).abs().max() > 0.1


def test_gesso_loads_what_peft_saves_when_both_copies_agree(folder, network, adapter_folder, tmp_path):
    reference = DiffusionGemmaForBlockDiffusion.from_pretrained(folder).eval()
    adapted = PeftModel.from_pretrained(reference, adapter_folder)
    adapted.save_pretrained(tmp_path / "theirs", save_embedding_layers=False)
    ours, theirs = (load_adapter(place, network) for place in (adapter_folder, tmp_path / "theirs"))
    assert ours.factors.keys() == theirs.factors.keys()
    for name, pair in ours.factors.items():
        assert torch.equal(theirs.factors[name].a, pair.a)
        assert torch.equal(theirs.factors[name].b, pair.b)


def test_copies_that_were_trained_apart_are_refused(folder, network, tmp_path):
    reference = DiffusionGemmaForBlockDiffusion.from_pretrained(folder).eval()
    config = LoraConfig(r=2, target_modules=r"model\.(encoder\.language_model|decoder)\.layers\.0\.self_attn\.q_proj")
    get_peft_model(reference, config).save_pretrained(tmp_path / "theirs", save_embedding_layers=False)
    with pytest.raises(TensorError, match=r"q_proj.weight of the encoder and of the decoder differently"):
        load_adapter(tmp_path / "theirs", network)


def test_merging_into_bfloat16_rounds_once(network, folder, adapter_folder):
    half = load_network(folder, dtype=torch.bfloat16)
    merge_adapter(half, load_adapter(adapter_folder, network))
    exact = load_network(folder, dtype=torch.bfloat16).to(torch.float32)
    merge_adapter(exact, random_adapter(network))
    assert all(map(torch.equal, half.parameters(), exact.to(torch.bfloat16).parameters()))


def test_the_fingerprint_is_that_of_the_weights_whatever_their_dtype(folder, network):
    assert fingerprint(load_network(folder, dtype=torch.bfloat16)) == fingerprint(network)
    with torch.no_grad():
        network.layers[0].mlp.up_proj.weight[0, 0] += 1
    assert fingerprint(load_network(folder)) != fingerprint(network)


def test_other_weights_are_refused_by_name(network, adapter_folder):
    with torch.no_grad():
        network.norm.weight.add_(1)
    with pytest.raises(CheckpointError, match="trained on other weights than these: on 'somewhere'"):
        load_adapter(adapter_folder, network)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"peft_type": "IA3"}, "type 'IA3'"),
        ({"r": 0}, "r is 0"),
        ({"lora_alpha": None}, "lora_alpha is None"),
        ({"use_dora": True}, "use_dora = True, which is not plain LoRA"),
        ({"rank_pattern": {"q_proj": 2}}, "rank_pattern"),
    ],
)
def test_a_config_that_cannot_be_used_is_named(network, adapter_folder, changes, message):
    edit_config(adapter_folder, **changes)
    with pytest.raises(ConfigError, match=message):
        load_adapter(adapter_folder, network)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensors: tensors.pop(QUERY), r"adapts layers.0.self_attn.q_proj.weight in part only"),
        (lambda tensors: tensors.update({"stray": torch.zeros(1)}), r"holds 1 tensor \(stray\) that adapt nothing"),
        (lambda tensors: tensors.update({k: t[:, :5] for k, t in tensors.items() if "lora_A" in k}), "of shape"),
        (lambda tensors: tensors.clear(), "holds no tensors"),
    ],
)
def test_a_tensor_without_a_place_or_a_place_without_a_tensor_is_named(network, adapter_folder, edit, change, message):
    edit(adapter_folder / FACTORS, lambda tensors: (change(tensors), _contiguous(tensors)))
    with pytest.raises(TensorError, match=message):
        load_adapter(adapter_folder, network)


def _contiguous(tensors):
    tensors.update({name: tensor.contiguous() for name, tensor in tensors.items()})


@pytest.mark.parametrize("name", [ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE])
def test_a_missing_file_is_named(network, adapter_folder, name):
    (adapter_folder / name).unlink()
    with pytest.raises(ConfigError, match=f"has no {name}"):
        load_adapter(adapter_folder, network)


def test_a_broken_file_is_named(network, adapter_folder):
    (adapter_folder / FACTORS).write_bytes(b"nonsense")
    with pytest.raises(TensorError, match="broken or cut short"):
        load_adapter(adapter_folder, network)


def test_an_adapter_of_another_shape_is_not_merged(network):
    adapter = random_adapter(network)
    name = "layers.0.mlp.up_proj.weight"
    wrong = LowRank(a=torch.zeros(1, RANK, 7), b=torch.zeros(1, 7, RANK))
    with pytest.raises(TensorError, match=r"is for a matrix of shape \[7, 7\] and this network's is \[32, 24\]"):
        merge_adapter(network, Adapter(**(vars(adapter) | {"factors": {name: wrong}})))
