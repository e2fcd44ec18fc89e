import torch
from transformers import AutoConfig
from transformers.models.gemma4.configuration_gemma4 import Gemma4VisionConfig

from gesso.checkpoint.names import is_vision
from gesso.checkpoint.vision import minimal_vision_config, minimal_vision_tensors


def seeded():
    return torch.Generator().manual_seed(0)


def test_the_config_is_one_of_an_image_encoder():
    assert isinstance(AutoConfig.for_model(**minimal_vision_config()), Gemma4VisionConfig)


def test_the_tensors_are_those_that_the_reference_has(reference, config):
    theirs = {name: tuple(weight.shape) for name, weight in reference.state_dict().items() if is_vision(name)}
    ours = {name: tuple(weight.shape) for name, weight in minimal_vision_tensors(config, seeded()).items()}
    assert ours == theirs


def test_they_take_next_to_no_room(config):
    assert sum(tensor.numel() for tensor in minimal_vision_tensors(config, seeded()).values()) < 5_000


def test_one_seed_makes_one_encoder_in_the_asked_dtype(config):
    first, second = (minimal_vision_tensors(config, seeded(), torch.bfloat16) for _ in range(2))
    assert all(torch.equal(first[name], second[name]) and first[name].dtype == torch.bfloat16 for name in first)
