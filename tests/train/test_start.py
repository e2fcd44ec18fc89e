import torch

from gesso.checkpoint.load import load_network
from gesso.checkpoint.save import save_network
from gesso.train.start import FromModel, FromScratch
from tests.tiny_model import CONFIG, save_tiny_model, tiny_network


def test_weights_from_scratch_come_from_the_seed():
    one, same, other = (FromScratch(shape=CONFIG).make(seed).network for seed in (0, 0, 1))
    assert all(map(torch.equal, one.parameters(), same.parameters()))
    assert not torch.equal(one.embed_tokens.weight, other.embed_tokens.weight)
    assert all(p.dtype == torch.float32 and p.requires_grad for p in one.parameters())


def test_a_model_is_trained_in_float32_and_keeps_its_dtype_for_the_end(tmp_path):
    save_tiny_model(tmp_path / "whole")
    save_network(tiny_network(vision=None).to(torch.bfloat16), tmp_path / "half", tokenizer_files=tmp_path / "whole")
    for name, dtype, vision in (("whole", torch.float32, tmp_path / "whole"), ("half", torch.bfloat16, None)):
        materials = FromModel(model=str(tmp_path / name)).make(0)
        assert (materials.dtype, materials.vision) == (dtype, vision)
        assert all(p.dtype == torch.float32 and p.requires_grad for p in materials.network.parameters())
        stored = load_network(tmp_path / name, dtype=torch.float32)
        assert all(map(torch.equal, materials.network.parameters(), stored.parameters()))
