import json

import pytest
from transformers.models.diffusion_gemma.generation_diffusion_gemma import DiffusionGemmaGenerationConfig

from gesso.checkpoint.generation_config import (
    default_generation_config,
    read_generation_config,
    write_generation_config,
)
from gesso.errors import ConfigError

# generation_config.json of google/diffusiongemma-26B-A4B-it, less its tokens.
PUBLISHED = {
    "sampler_config": {"_cls_name": "EntropyBoundSamplerConfig", "entropy_bound": 0.1},
    "max_denoising_steps": 48,
    "t_max": 0.8,
    "t_min": 0.4,
    "stability_threshold": 1,
    "confidence_threshold": 0.005,
    "max_new_tokens": 256,
    "pad_token_id": 0,
}


def put(folder, values):
    (folder / "generation_config.json").write_text(json.dumps(values))


def test_without_a_file_the_values_are_the_published_ones(tmp_path, config):
    assert read_generation_config(tmp_path, config) == PUBLISHED | {"eos_token_id": [1]}


def test_the_file_comes_before_the_published_values(tmp_path, config):
    put(tmp_path, {"max_denoising_steps": 12, "eos_token_id": [1, 50], "transformers_version": "5.8.0"})
    expected = PUBLISHED | {"max_denoising_steps": 12, "eos_token_id": [1, 50], "transformers_version": "5.8.0"}
    assert read_generation_config(tmp_path, config) == expected


def test_null_is_as_good_as_nothing(tmp_path, config):
    put(tmp_path, dict.fromkeys([*PUBLISHED, "eos_token_id"]))
    assert read_generation_config(tmp_path, config) == PUBLISHED | {"eos_token_id": [1]}


def test_one_end_token_becomes_a_list(tmp_path, config):
    put(tmp_path, {"eos_token_id": 7})
    assert read_generation_config(tmp_path, config)["eos_token_id"] == [7]


@pytest.mark.parametrize("bad", ["<eos>", [1, 64], [-1], [1.5], {"id": 1}])
def test_end_tokens_must_be_of_the_vocabulary(tmp_path, config, bad):
    put(tmp_path, {"eos_token_id": bad})
    with pytest.raises(ConfigError, match=r"eos_token_id is .*; give token ids from 0 to 63"):
        read_generation_config(tmp_path, config)


def test_a_broken_file_is_named(tmp_path, config):
    (tmp_path / "generation_config.json").write_text("{")
    with pytest.raises(ConfigError, match=r"generation_config.json is not JSON"):
        read_generation_config(tmp_path, config)


def test_what_is_written_is_read_by_both(tmp_path, config):
    values = default_generation_config(config) | {"t_max": 0.9}
    write_generation_config(tmp_path, values)
    assert read_generation_config(tmp_path, config) == values
    theirs = DiffusionGemmaGenerationConfig.from_pretrained(tmp_path)
    assert (theirs.t_max, theirs.max_denoising_steps, theirs.eos_token_id) == (0.9, 48, [1])
    assert theirs.sampler_config.entropy_bound == 0.1


def test_what_only_gesso_knows_lies_in_a_file_of_its_own(tmp_path, config):
    values = default_generation_config(config) | {"acceptance_reach": 24}
    write_generation_config(tmp_path, values)
    assert "acceptance_reach" not in json.loads((tmp_path / "generation_config.json").read_text())
    assert json.loads((tmp_path / "gesso.json").read_text()) == {"acceptance_reach": 24}
    assert read_generation_config(tmp_path, config) == values


def test_a_foreign_key_in_our_own_file_is_named(tmp_path, config):
    (tmp_path / "gesso.json").write_text('{"reach": 24}')
    with pytest.raises(ConfigError, match=r"gesso\.json holds 'reach'; it may hold about, acceptance_reach"):
        read_generation_config(tmp_path, config)
