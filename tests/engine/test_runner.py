"""Two ways to run a round: apart, which is the oracle number for number, and shared, which is equal up to rounding."""

from dataclasses import replace

import pytest
import torch

from gesso.engine.engine import Engine, EngineSettings
from gesso.engine.events import CanvasCommitted, StepDone
from gesso.engine.reference import run_request
from gesso.engine.request import Request
from gesso.model.network import Network
from gesso.sampling.settings import SamplerSettings
from tests.tiny_model import tiny_network

SETTINGS = EngineSettings(max_rows=4, prompt_tokens=8, page_length=4, pool_tokens=400)
SAMPLER = SamplerSettings().with_overrides(steps=3, entropy_bound=2.0, confidence=0.4)
REQUESTS = [
    Request(
        prompt_ids=tuple(range(20, 20 + length)),
        max_new_tokens=20,
        sampler=replace(SAMPLER, max_steps=steps),
        seed=length,
        stop_ids=frozenset({1}),
    )
    for length, steps in ((3, 3), (3, 1), (12, 4), (17, 2), (12, 3))
]


def small_network(**changes: object) -> Network:
    network = tiny_network(3, vocab_size=97, canvas_length=8, max_position_embeddings=96, **changes)
    # Strong feedback makes an untrained network chaotic: a difference in the last bit grows tenfold a step.
    network.self_conditioning.feed_forward.down_proj.weight.mul_(0.1)
    return network


def calls(network: Network, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[tuple[int, ...]]]:
    """Shapes of the tokens that the network is given from now on."""
    seen: dict[str, list[tuple[int, ...]]] = {"encode": [], "denoise_hidden": [], "read_head": []}
    for name, shapes in seen.items():
        method = getattr(network, name)

        def spied(first, *rest, _method=method, _shapes=shapes, **options):
            _shapes.append(tuple(first.shape))
            return _method(first, *rest, **options)

        monkeypatch.setattr(network, name, spied)
    return seen


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("experts", [4, 12], ids=["dense-experts", "sparse-experts"])
def test_apart_every_request_is_the_oracle_number_for_number(dtype, experts):
    network = small_network(num_experts=experts).to(dtype)
    engine = Engine(network, replace(SETTINGS, share_passes=False))
    streams = [engine.submit(request) for request in REQUESTS]
    for request, stream in zip(REQUESTS, streams, strict=True):
        assert list(stream) == list(run_request(network, request, page_length=SETTINGS.page_length))


@pytest.mark.parametrize("experts", [4, 12], ids=["dense-experts", "sparse-experts"])
def test_shared_the_tokens_are_the_oracles_and_the_numbers_up_to_rounding(experts):
    network = small_network(num_experts=experts)
    engine = Engine(network, replace(SETTINGS, share_passes=True))
    streams = [engine.submit(request) for request in REQUESTS]
    for request, stream in zip(REQUESTS, streams, strict=True):
        for ours, alone in zip(stream, run_request(network, request), strict=True):
            if isinstance(ours, StepDone):
                assert ours.entropy == pytest.approx(alone.entropy, abs=1e-3)
                assert replace(ours, entropy=()) == replace(alone, entropy=())
            else:
                assert ours == alone


def test_shared_the_rows_of_a_round_are_one_pass_of_the_layers_and_a_head_for_each(monkeypatch):
    network = small_network()
    engine = Engine(network, replace(SETTINGS, share_passes=True, prompt_tokens=40))
    streams = [engine.submit(request) for request in REQUESTS[:3]]
    seen = calls(network, monkeypatch)
    engine.step()
    engine.step()
    assert seen == {"encode": [(3, 12)], "denoise_hidden": [(3, 8)], "read_head": [(1, 8, 24)] * 3}
    assert all(stream.take() for stream in streams)


def test_apart_every_page_and_every_canvas_has_a_pass_of_its_own(monkeypatch):
    network = small_network()
    engine = Engine(network, replace(SETTINGS, share_passes=False, prompt_tokens=40))
    streams = [engine.submit(request) for request in REQUESTS[:3]]
    seen = calls(network, monkeypatch)
    engine.step()
    engine.step()
    assert seen["encode"] == [(1, 3), (1, 3), (1, 4), (1, 4), (1, 4)]
    assert seen["denoise_hidden"] == [(1, 8)] * 3
    assert all(stream.take() for stream in streams)


def test_left_to_itself_the_engine_shares_no_passes_on_a_cpu(monkeypatch):
    network = small_network()
    engine = Engine(network, SETTINGS)
    streams = [engine.submit(request) for request in REQUESTS[:2]]
    seen = calls(network, monkeypatch)
    for stream in streams:
        next(stream)
    assert set(seen["denoise_hidden"]) == {(1, 8)}


def test_a_canvas_that_is_fed_back_shares_a_pass_with_one_that_is_not():
    network = small_network()
    engine = Engine(network, replace(SETTINGS, share_passes=True))
    early = engine.submit(REQUESTS[2])
    events = [next(early), next(early)]
    late = engine.submit(REQUESTS[0])
    assert [event.draft for event in late if isinstance(event, StepDone)] == [
        event.draft for event in run_request(network, REQUESTS[0]) if isinstance(event, StepDone)
    ]
    committed = [event for event in [*events, *early] if isinstance(event, CanvasCommitted)]
    assert committed == [event for event in run_request(network, REQUESTS[2]) if isinstance(event, CanvasCommitted)]
