"""Every sampler that has a name, through the engine."""

from dataclasses import replace

import pytest

from gesso.engine.engine import Engine, EngineSettings
from gesso.engine.events import CanvasCommitted, StepDone
from gesso.engine.reference import run_request
from gesso.engine.request import Request
from gesso.sampling.named import NAMES
from gesso.sampling.settings import SamplerSettings
from tests.tiny_model import tiny_network

REQUEST = Request(
    prompt_ids=tuple(range(20, 31)),
    max_new_tokens=20,
    sampler=SamplerSettings(max_steps=5),
    seed=0,
    stop_ids=frozenset({1}),
)


@pytest.fixture(scope="module")
def network():
    return tiny_network(3, vocab_size=97, canvas_length=8, max_position_embeddings=96)


def test_requests_of_every_sampler_share_an_engine_and_have_the_events_of_the_oracle(network):
    asked = [replace(REQUEST, sampler=REQUEST.sampler.with_overrides(sampler=name, steps=5)) for name in NAMES]
    engine = Engine(network, EngineSettings(max_rows=3, prompt_tokens=8, page_length=4, pool_tokens=200))
    streams = [engine.submit(request) for request in asked]
    told = [list(stream) for stream in streams]
    assert told == [list(run_request(network, request, page_length=4)) for request in asked]
    texts = {tuple(event.canvas for event in events if isinstance(event, StepDone)) for events in told}
    assert len(texts) == len(NAMES) - 1  # the reference is the entropy bound here


@pytest.mark.parametrize("patience", [1, 2])
def test_a_canvas_that_is_given_up_takes_fewer_steps_and_has_not_converged(network, patience):
    request = replace(REQUEST, sampler=SamplerSettings(max_steps=40).with_overrides(patience=patience))
    commits = [event for event in run_request(network, request) if isinstance(event, CanvasCommitted)]
    assert all(patience < event.steps < 40 for event in commits)
    assert not any(event.converged for event in commits)
