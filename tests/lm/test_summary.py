from dataclasses import replace

import pytest

from gesso.bench.random_models import PUBLISHED
from gesso.checkpoint.json_file import write_json_object
from gesso.checkpoint.load import CONFIG_FILE
from gesso.lm.summary import summarize
from gesso.model.config import ModelConfig
from tests.tiny_model import CONFIG


@pytest.fixture
def summary(tmp_path):
    """`summary(config)`: of a folder that holds this configuration alone."""

    def make(config: ModelConfig):
        write_json_object(tmp_path / CONFIG_FILE, config.to_hf())
        return summarize(tmp_path)

    return make


def test_the_published_model_has_the_parameters_that_are_published(summary):
    """25.2 billion in all, 3.8 billion active, as its model card says."""
    of = summary(PUBLISHED)
    assert of.num_parameters / 1e9 == pytest.approx(25.2, abs=0.06)
    assert of.num_active_parameters / 1e9 == pytest.approx(3.8, abs=0.06)
    assert of.report is None


def test_every_parameter_belongs_to_a_part(lm, folder):
    of = summarize(folder)
    assert of.num_parameters == sum(weight.numel() for weight in lm.network.parameters()) == of.report.num_parameters
    assert of.parameters["experts"] == sum(layer.experts.gate_up_proj.numel() * 3 // 2 for layer in lm.network.layers)
    assert of.parameters["embedding"] == CONFIG.vocab_size * CONFIG.hidden_size


def test_experts_that_are_not_chosen_are_not_active(summary):
    of = summary(CONFIG)
    assert of.num_parameters - of.num_active_parameters == of.parameters["experts"] // 2
    dense = summary(replace(CONFIG, num_experts=0, top_k_experts=0, moe_intermediate_size=0))
    assert dense.num_active_parameters == dense.num_parameters


def test_the_settings_are_those_of_the_model(folder):
    of = summarize(folder)
    assert of.sampler.max_steps == 3
    assert of.max_new_tokens == 24
