from dataclasses import replace

import pytest

from gesso.bench.bare_loop import write_bare
from gesso.engine.events import CanvasCommitted
from gesso.engine.reference import run_request
from gesso.engine.request import Request
from gesso.sampling.settings import SamplerSettings
from tests.tiny_model import tiny_network

PROMPT = (2, 300, 41, 7)


@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_the_bare_loop_writes_what_the_left_to_right_mode_writes(temperature):
    network = tiny_network()
    sampler = replace(SamplerSettings().with_overrides(temperature=temperature), max_steps=3)
    request = Request(
        prompt_ids=PROMPT, max_new_tokens=20, sampler=sampler, seed=5, stop_ids=frozenset(), mode="autoregressive"
    )
    committed = [event for event in run_request(network, request) if isinstance(event, CanvasCommitted)]
    expected = [token for event in committed for token in event.token_ids]
    assert len(expected) == 20, "more than a canvas, so that a second set of draws is begun"
    assert write_bare(network, PROMPT, max_new_tokens=20, temperature=temperature, seed=5) == expected
