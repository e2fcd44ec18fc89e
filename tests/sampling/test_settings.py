import copy
import json

import pytest
from transformers.models.diffusion_gemma.generation_diffusion_gemma import DiffusionGemmaGenerationConfig

from gesso.errors import ConfigError, SettingError
from gesso.sampling.accept import ConfidenceThreshold, EntropyBound, TopK
from gesso.sampling.named import RULES
from gesso.sampling.pace import RisingBound
from gesso.sampling.posterior import ExactPosterior, GibbsCorrector
from gesso.sampling.settings import OWN_SAMPLER_KEYS, SAMPLER_KEYS, SamplerSettings
from gesso.sampling.stop import GiveUp, NeverStop, StableAndConfident
from gesso.sampling.temperature import ConstantTemperature, LinearTemperature

PUBLISHED = {
    "sampler_config": {"_cls_name": "EntropyBoundSamplerConfig", "entropy_bound": 0.1},
    "max_denoising_steps": 48,
    "t_max": 0.8,
    "t_min": 0.4,
    "stability_threshold": 1,
    "confidence_threshold": 0.005,
    "max_new_tokens": 256,
    "eos_token_id": [1, 106, 50],
    "pad_token_id": 0,
    "transformers_version": "5.8.0.dev0",
}
OTHER = SamplerSettings(
    max_steps=12,
    temperature=LinearTemperature(start=1.0, end=0.0),
    acceptance=EntropyBound(bound_nats=2.5),
    stop=StableAndConfident(stability_steps=0, confidence_nats=0.1),
)


def test_the_defaults_are_the_published_ones():
    assert SamplerSettings() == SamplerSettings.from_generation_config(PUBLISHED)
    assert SamplerSettings() == SamplerSettings.from_generation_config({})
    assert SamplerSettings() == SamplerSettings.from_generation_config(dict.fromkeys(SAMPLER_KEYS))


def test_writing_and_reading_give_the_same_settings():
    assert SamplerSettings().to_generation_config() == {key: PUBLISHED[key] for key in SAMPLER_KEYS}
    for settings in (SamplerSettings(), OTHER):
        written = json.loads(json.dumps(settings.to_generation_config()))
        assert written.keys() == SAMPLER_KEYS
        assert SamplerSettings.from_generation_config(written) == settings


def test_the_reference_reads_what_is_written():
    config = DiffusionGemmaGenerationConfig(**copy.deepcopy(OTHER.to_generation_config()))
    assert config.max_denoising_steps == 12
    assert (config.t_max, config.t_min) == (1.0, 0.0)
    assert config.sampler_config.entropy_bound == 2.5
    assert (config.stability_threshold, config.confidence_threshold) == (0, 0.1)


def test_a_reach_stands_beside_the_published_keys_and_not_among_them():
    settings = SamplerSettings(acceptance=EntropyBound(reach=24))
    written = settings.to_generation_config()
    assert written == SamplerSettings().to_generation_config() | {"acceptance_reach": 24}
    assert SamplerSettings.from_generation_config(written) == settings


@pytest.mark.parametrize("name", RULES)
def test_a_rule_with_a_name_and_a_patience_are_written_and_read(name):
    bound = EntropyBound(bound_nats=0.3, reach=24) if name.endswith("bound") else EntropyBound()
    settings = SamplerSettings(
        acceptance=RULES[name](bound), stop=GiveUp(rule=StableAndConfident(stability_steps=2), patience=5)
    )
    written = json.loads(json.dumps(settings.to_generation_config()))
    assert written.keys() <= SAMPLER_KEYS | OWN_SAMPLER_KEYS
    assert SamplerSettings.from_generation_config(written) == settings


def test_an_override_of_the_reach_leaves_the_bound_and_the_other_way_round():
    base = SamplerSettings(acceptance=EntropyBound(bound_nats=1.0, reach=24))
    assert base.with_overrides(reach=8).acceptance == EntropyBound(bound_nats=1.0, reach=8)
    assert base.with_overrides(reach=0).acceptance == EntropyBound(bound_nats=1.0)
    assert base.with_overrides(entropy_bound=0.5).acceptance == EntropyBound(bound_nats=0.5, reach=24)


def test_whole_numbers_are_numbers():
    settings = SamplerSettings.from_generation_config({"t_max": 1, "t_min": 0})
    assert settings.temperature == LinearTemperature(start=1.0, end=0.0)


def test_reading_leaves_the_config_as_it_was():
    config = copy.deepcopy(PUBLISHED)
    SamplerSettings.from_generation_config(config)
    assert config == PUBLISHED


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sampler_config": {"_cls_name": "DDIMSamplerConfig", "eta": 1.0}}, "DDIMSamplerConfig"),
        ({"sampler_config": {"entropy_bound": 0.1}}, "sampler_config is"),
        ({"sampler_config": {"_cls_name": "EntropyBoundSamplerConfig", "top_k": 5}}, "top_k"),
        ({"sampler_config": "EntropyBoundSamplerConfig"}, "sampler_config is .* must be a table"),
        (
            {"sampler_config": {"_cls_name": "EntropyBoundSamplerConfig", "entropy_bound": "0.1"}},
            "entropy_bound is '0.1'",
        ),
        ({"sampler_config": {"_cls_name": "EntropyBoundSamplerConfig", "entropy_bound": 0}}, "entropy bound is 0"),
        ({"max_denoising_steps": 0}, "number of steps is 0"),
        ({"max_denoising_steps": 4.5}, "max_denoising_steps is 4.5; it must be a whole number"),
        ({"max_denoising_steps": True}, "max_denoising_steps is True"),
        ({"t_max": "hot"}, "t_max is 'hot'; it must be a number"),
        ({"t_min": 0.9}, "t_min is 0.9 and t_max is 0.8"),
        ({"stability_threshold": -1}, "stability is -1"),
        ({"confidence_threshold": 0.0}, "confidence threshold is 0"),
        ({"acceptance_rule": "magic"}, "no sampler is called 'magic'"),
        ({"acceptance_rule": 7}, "acceptance_rule is 7; it must be a text"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_value(change, message):
    with pytest.raises(ConfigError, match=rf"generation_config.json: .*{message}"):
        SamplerSettings.from_generation_config(PUBLISHED | change)


@pytest.mark.parametrize(
    "settings",
    [
        SamplerSettings(temperature=ConstantTemperature(value=0.5)),
        SamplerSettings(temperature=LinearTemperature(start=0.5, end=0.5)),
        SamplerSettings(acceptance=TopK(per_step=4)),
        SamplerSettings(acceptance=ConfidenceThreshold(min_probability=0.5)),
        SamplerSettings(stop=NeverStop()),
        SamplerSettings(stop=GiveUp(min_fall=0.5)),
        SamplerSettings(stop=GiveUp(rule=NeverStop())),
    ],
    ids=["constant", "level", "top-k", "unsure", "never", "fall", "never but given up"],
)
def test_settings_without_words_in_the_published_layout_are_not_written(settings):
    with pytest.raises(SettingError, match=r"generation_config\.json can hold only"):
        settings.to_generation_config()


def test_an_override_changes_its_value_alone():
    base = SamplerSettings()
    assert base.with_overrides() == base
    assert base.with_overrides(steps=7) == SamplerSettings(max_steps=7)
    assert base.with_overrides(temperature=0.0) == SamplerSettings(temperature=ConstantTemperature(value=0.0))
    assert base.with_overrides(t_max=1.0) == SamplerSettings(temperature=LinearTemperature(start=1.0))
    assert base.with_overrides(t_min=0.1) == SamplerSettings(temperature=LinearTemperature(end=0.1))
    assert base.with_overrides(entropy_bound=1.0) == SamplerSettings(acceptance=EntropyBound(bound_nats=1.0))
    assert base.with_overrides(confidence=0.1) == SamplerSettings(stop=StableAndConfident(confidence_nats=0.1))
    assert base.with_overrides(stability=0) == SamplerSettings(stop=StableAndConfident(stability_steps=0))


def test_an_override_brings_its_rule_with_it():
    base = SamplerSettings(temperature=ConstantTemperature(value=0.5), acceptance=TopK(per_step=4), stop=NeverStop())
    changed = base.with_overrides(t_max=0.9, entropy_bound=1.0, stability=3)
    assert changed.temperature == LinearTemperature(start=0.9, end=0.5)
    assert changed.acceptance == EntropyBound(bound_nats=1.0)
    assert changed.stop == StableAndConfident(stability_steps=3)


def test_a_sampler_is_chosen_by_name_and_keeps_the_bound_that_it_builds_on():
    base = SamplerSettings(max_steps=7, acceptance=EntropyBound(bound_nats=0.3, reach=24))
    assert base.with_overrides(sampler="posterior") == SamplerSettings(max_steps=7, acceptance=ExactPosterior())
    assert base.with_overrides(sampler="gibbs").acceptance == GibbsCorrector()
    rising = base.with_overrides(sampler="rising-bound")
    assert rising.acceptance == RisingBound(least=base.acceptance)
    assert rising.with_overrides(entropy_bound=0.5).acceptance == RisingBound(
        least=EntropyBound(bound_nats=0.5, reach=24)
    )
    assert rising.with_overrides(sampler="entropy-bound") == base


def test_the_reference_is_exact_whatever_the_model_says():
    other = OTHER.with_overrides(sampler="gibbs", patience=3)
    assert other.with_overrides(sampler="reference") == SamplerSettings()
    assert other.with_overrides(sampler="reference", steps=9, reach=5) == SamplerSettings(
        max_steps=9, acceptance=EntropyBound(reach=5)
    )


def test_patience_goes_around_the_rule_that_stops_and_leaves_again():
    patient = SamplerSettings().with_overrides(patience=5)
    assert patient.stop == GiveUp(rule=StableAndConfident(), patience=5)
    assert patient.with_overrides(stability=3).stop == GiveUp(rule=StableAndConfident(stability_steps=3), patience=5)
    assert patient.with_overrides(patience=0) == SamplerSettings().with_overrides(patience=0) == SamplerSettings()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"steps": 0}, "number of steps is 0; give 1 or more"),
        ({"temperature": -0.5}, "temperature is -0.5; give a number from 0"),
        ({"t_max": -1.0}, "t_max.* is -1"),
        ({"t_min": 0.9}, "t_min must not be above t_max"),
        ({"temperature": 0.5, "t_min": 0.1}, "one temperature for all steps"),
        ({"entropy_bound": 0.0}, "entropy bound is 0"),
        ({"reach": -1}, "the reach is -1 positions; give at least 1"),
        ({"confidence": -1.0}, "confidence threshold is -1"),
        ({"stability": -1}, "stability is -1"),
        ({"patience": -1}, "patience is -1 steps; give 1 or more"),
        ({"sampler": "magic"}, "no sampler is called 'magic'; choose from reference, entropy-bound, .*gibbs"),
        ({"sampler": "gibbs", "reach": 4}, "sampler is gibbs, which has no entropy bound and no reach"),
    ],
)
def test_an_override_out_of_range_is_refused_with_value_and_remedy(override, message):
    with pytest.raises(SettingError, match=message):
        SamplerSettings().with_overrides(**override)
