import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from gesso.sampling.accept import EntropyBound
from gesso.sampling.filters import Filters
from gesso.sampling.posterior import GibbsCorrector
from gesso.sampling.slide import SettledFront
from gesso.sampling.temperature import ConstantTemperature, LinearTemperature
from gesso.server.chat import ChatRequest
from gesso.server.completions import CompletionRequest
from gesso.server.editing import EditRequest
from gesso.server.infilling import InfillRequest
from gesso.server.messages import MessagesRequest
from gesso.server.orders import orders
from gesso.server.parameters import (
    EFFORT_STEPS,
    Diffusion,
    Sampling,
    SeveralChoices,
    check_no_filters,
    sampler_for,
    stops,
)
from gesso.server.reading import ReadRequest
from gesso.server.refusal import Refusal
from gesso.server.responses import ResponseRequest
from gesso.server.scoring import ScoreRequest


def make(lm, body, **more):
    settings = {"sampler": lm.sampler, "max_new_tokens": None, "stop": (), "is_conversation": False, **more}
    return orders(lm, [2, 40], body, **settings)


@pytest.mark.parametrize(
    "asked",
    [
        {"top_p": 1.1},
        {"top_k": -2},
        {"min_p": -0.1},
        {"logit_bias": {"5": 101}},
        {"logit_bias": {"five": 1}},
        {"logit_bias": {"-5": 1}},
        {"logit_bias": {"05": 1}},
        {"frequency_penalty": 2.1},
        {"presence_penalty": -2.1},
        {"repetition_penalty": 0},
    ],
)
def test_what_no_filter_has_is_refused_by_its_name(asked):
    with pytest.raises(ValidationError) as refused:
        Sampling(**asked)
    assert [error["loc"][0] for error in refused.value.errors()] == list(asked)


def test_every_filter_reaches_the_request(lm):
    body = Sampling(
        top_p=0.9,
        top_k=40,
        min_p=0.1,
        logit_bias={"5": -100, "6": 2.5},
        frequency_penalty=0.5,
        presence_penalty=-0.5,
        repetition_penalty=1.1,
    )
    assert make(lm, body)[0].request.filters == Filters(
        top_p=0.9,
        top_k=40,
        min_p=0.1,
        bias=((5, -100.0), (6, 2.5)),
        frequency_penalty=0.5,
        presence_penalty=-0.5,
        repetition_penalty=1.1,
    )


def test_values_that_ask_for_nothing_are_no_filters():
    idle = Sampling(
        top_p=1, top_k=-1, min_p=0, logit_bias={}, frequency_penalty=0, presence_penalty=0, repetition_penalty=1
    )
    assert idle.filters == Sampling().filters == Filters()
    check_no_filters(idle, "suffix")


@pytest.mark.parametrize("asked", [{"top_k": 3}, {"min_p": 0.5}, {"logit_bias": {"5": 1}}, {"presence_penalty": 1}])
def test_a_hole_has_no_filters(asked):
    with pytest.raises(Refusal, match="and suffix are both given") as refused:
        check_no_filters(Sampling(**asked), "suffix")
    assert [refused.value.param] == list(asked)


@pytest.mark.parametrize(
    "body",
    [
        *(ChatRequest, CompletionRequest, ResponseRequest, MessagesRequest, Diffusion),
        *(InfillRequest, EditRequest, ReadRequest, ScoreRequest),
    ],
)
def test_every_field_of_a_request_is_told_of(body):
    page = (Path(__file__).parents[2] / "docs" / "server.md").read_text(encoding="utf-8")
    before = r"diffusion\." if body is Diffusion else ""
    assert [name for name in body.model_fields if not re.search(rf"\b{before}{name}\b", page)] == []


def test_a_null_is_a_field_that_was_left_out():
    fields = dict.fromkeys(SeveralChoices.model_fields)
    assert SeveralChoices.model_validate(fields) == SeveralChoices()
    with pytest.raises(ValidationError, match="x"):
        SeveralChoices.model_validate({"x": None})


@pytest.mark.parametrize(
    "asked",
    [
        {"temperature": "0.5"},
        {"temperature": -1},
        {"temperature": float("inf")},
        {"seed": 2**63},
        {"seed": 1.5},
        {"x": 1},
    ],
)
def test_a_value_of_the_wrong_kind_or_range_is_refused(asked):
    with pytest.raises(ValidationError):
        Sampling(**asked)


def test_effort_is_a_share_of_the_models_own_steps(lm):
    steps = {effort: sampler_for(lm, Sampling(), effort).max_steps for effort in EFFORT_STEPS}
    assert steps["high"] == lm.sampler.max_steps
    assert sorted(steps.values()) == [steps[effort] for effort in EFFORT_STEPS]
    assert min(steps.values()) >= 1
    assert sampler_for(lm, Sampling(), None) == lm.sampler


def test_effort_and_steps_together_contradict_each_other(lm):
    with pytest.raises(Refusal, match="give one"):
        sampler_for(lm, Sampling(diffusion=Diffusion(steps=4)), "low")


def test_every_setting_of_a_canvas_reaches_the_sampler(lm):
    extra = Diffusion(steps=7, t_max=0.9, t_min=0.1, entropy_bound=0.3, reach=5, confidence=0.02, stability=2)
    sampler = sampler_for(lm, Sampling(diffusion=extra))
    assert sampler.max_steps == 7
    assert sampler.temperature == LinearTemperature(start=0.9, end=0.1)
    assert sampler.acceptance == EntropyBound(bound_nats=0.3, reach=5)
    assert (sampler.stop.confidence_nats, sampler.stop.stability_steps) == (0.02, 2)
    assert sampler_for(lm, Sampling(temperature=0.5)).temperature == ConstantTemperature(value=0.5)
    assert sampler_for(lm, Sampling(diffusion=Diffusion(slide=6))).slide == SettledFront(min_tokens=6)
    other = sampler_for(lm, Sampling(diffusion=Diffusion(sampler="gibbs", patience=4)))
    assert (other.acceptance, other.stop.patience) == (GibbsCorrector(), 4)


def test_an_unknown_sampler_is_refused_with_the_names_of_those_that_are_there(lm):
    with pytest.raises(Refusal, match="no sampler is called 'magic'; choose from reference, entropy-bound"):
        sampler_for(lm, Sampling(diffusion=Diffusion(sampler="magic")))


def test_settings_that_contradict_each_other_are_refused_by_name(lm):
    with pytest.raises(Refusal, match="t_min must not be above") as refused:
        sampler_for(lm, Sampling(diffusion=Diffusion(t_max=0.1, t_min=0.9)))
    assert refused.value.param == "diffusion"


def test_stop_strings_may_be_one_or_several_but_not_empty():
    assert stops(None) == ()
    assert stops("a") == ("a",)
    assert stops(["a", "b"]) == ("a", "b")
    with pytest.raises(Refusal, match="empty"):
        stops([""])


@pytest.mark.parametrize("asked", [{"stream_options": {"include_usage": True}}, {"diffusion": {"stream_drafts": True}}])
def test_what_only_a_stream_can_do_is_refused_without_one(asked):
    with pytest.raises(ValidationError, match="stream is not"):
        SeveralChoices(**asked)
    SeveralChoices(stream=True, **asked)


def test_alternatives_are_part_of_drafts():
    with pytest.raises(ValidationError, match="stream_drafts is not; give both"):
        SeveralChoices(stream=True, diffusion={"alternatives": 2})
