"""Rounds whose steps are one function of tensors, read a round late: the oracle's tokens, whatever goes on beside."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from torch import Tensor

from gesso.engine import graphed_rounds
from gesso.engine.engine import Engine, EngineSettings, EventStream
from gesso.engine.events import CanvasCommitted, Event, Finished, StepDone
from gesso.engine.graphed_rounds import GraphedRounds
from gesso.engine.kv_pool import KVPool
from gesso.engine.reference import run_request
from gesso.engine.request import Draft, FirstCanvas, Request
from gesso.errors import GenerationError, InputError, SettingError
from gesso.model.network import Network
from gesso.sampling.filters import Filters
from gesso.sampling.pace import EvenCount
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.slide import SettledFront
from tests.engine.test_engine import (
    FREE_REQUESTS,
    OFTEN,
    PAGE,
    PATIENT,
    SMALL,
    WORDS,
    Arrival,
    assert_idle,
    request,
    workloads,
)
from tests.engine.test_runner import calls, small_network

GRAPHED = replace(SMALL, graphs=True)


@cache
def network() -> Network:
    return small_network()


@cache
def oracle(asked: Request) -> tuple[Event, ...]:
    return tuple(run_request(network(), asked, page_length=PAGE))


def assert_same(ours: Sequence[Event], expected: Sequence[Event]) -> None:
    """The same events, but for the rounding of entropies."""
    for one, other in zip(ours, expected, strict=True):
        if isinstance(one, StepDone) and isinstance(other, StepDone):
            assert one.entropy == pytest.approx(other.entropy, abs=1e-3)
            one, other = replace(one, entropy=()), replace(other, entropy=())
        assert one == other


class FixedMemory:
    """A captured function with the memory of a graph: each call writes its results where those of the last one were,
    and over those of the functions that share its memory."""

    def __init__(
        self,
        function: Callable[..., tuple[Tensor, ...]],
        example: Sequence[Tensor],
        *,
        beside: "FixedMemory | None" = None,
    ) -> None:
        self._function = function
        self._results = tuple(result.clone() for result in function(*example))
        self._family: list[FixedMemory] = [] if beside is None else beside._family
        self._family.append(self)

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        results = tuple(result.clone() for result in self._function(*inputs))
        for result in (result for one in self._family for result in one._results):
            result.fill_(1)
        for held, result in zip(self._results, results, strict=True):
            held.copy_(result)
        return self._results


@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(workload=workloads())
def test_every_request_has_the_oracles_tokens_whatever_goes_on_beside_it(workload):
    run_workload(*workload)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(workload=workloads())
def test_over_many_more_workloads_every_request_has_the_oracles_tokens(workload):
    run_workload(*workload)


def run_workload(engine_settings: EngineSettings, arrivals: list[Arrival]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graphed_rounds, "CapturedFunction", FixedMemory)
        engine = Engine(network(), replace(engine_settings, graphs=True))
        streams: dict[int, EventStream] = {}
        seen: dict[int, list[Event]] = {}
        for rounds in range(10_000):
            for index, arrival in enumerate(arrivals):
                if arrival.rounds == rounds:
                    streams[index] = engine.submit(arrival.request, priority=arrival.priority)
                    seen[index] = []
            busy = engine.step()
            for index, stream in streams.items():
                seen[index] += stream.take()
                limit = arrivals[index].cancel_after
                if limit is not None and len(seen[index]) >= limit:
                    stream.cancel()
                    seen[index] += stream.take()
            if not busy and len(streams) == len(arrivals):
                break
    assert_idle(engine)
    for index, arrival in enumerate(arrivals):
        expected, events = oracle(arrival.request), seen[index]
        if events[-1] == Finished(reason="cancelled"):
            assert arrival.cancel_after is not None
            assert_same(events[:-1], expected[: len(events) - 1])
        else:
            assert_same(events, expected)


def test_the_rows_of_a_round_are_one_pass_filled_up_to_a_power_of_two(monkeypatch):
    own = small_network()
    engine = Engine(own, replace(GRAPHED, max_rows=5, prompt_tokens=40))
    seen = calls(own, monkeypatch)
    streams = [engine.submit(replace(FREE_REQUESTS[3], seed=seed)) for seed in range(5)]
    for _ in range(3):  # first all but one wait for a page that they share
        engine.step()
    assert seen["denoise_hidden"] == [(1, 8), (8, 8)]
    for stream in streams[2:]:
        stream.cancel()
    engine.step()
    assert seen["denoise_hidden"][-1] == (2, 8)


def test_a_step_is_told_of_a_round_late_and_one_more_is_taken_in_vain_of_which_nothing_is_told(monkeypatch):
    own = small_network()
    asked = replace(FREE_REQUESTS[4], max_new_tokens=8)  # it stops by its own rule
    (*steps, committed, farewell) = run_request(own, asked)
    assert committed.converged
    engine = Engine(own, replace(GRAPHED, prompt_tokens=40))
    seen = calls(own, monkeypatch)
    stream = engine.submit(asked)
    engine.step()
    engine.step()
    assert len(seen["denoise_hidden"]) == 1
    assert stream.take() == []
    assert_same(list(stream), [*steps, committed, farewell])
    assert len(seen["denoise_hidden"]) == len(steps) + (committed.steps < asked.sampler.max_steps)
    engine.step()
    assert stream.take() == []


def test_when_the_steps_run_out_none_is_taken_in_vain(monkeypatch):
    own = small_network()
    asked = request(sampler=SamplerSettings(max_steps=3), max_new_tokens=16)
    engine = Engine(own, GRAPHED)
    seen = calls(own, monkeypatch)
    events = list(engine.submit(asked))
    assert len(seen["denoise_hidden"]) == len([event for event in events if isinstance(event, StepDone)]) == 6


def test_a_draft_that_is_read_goes_on_from_the_numbers_that_it_would_have_had_without_the_step_in_vain(monkeypatch):
    own = small_network()
    hasty = SamplerSettings().with_overrides(steps=24, entropy_bound=2.0, confidence=2.0, stability=0)
    asked = request(mode="verified", sampler=hasty, verification=OFTEN, max_new_tokens=8)
    expected = list(run_request(own, asked))
    seen = calls(own, monkeypatch)
    assert_same(list(Engine(own, GRAPHED).submit(asked)), expected)
    (committed,) = (event for event in expected if isinstance(event, CanvasCommitted))
    assert committed.readings > 1
    assert len(seen["denoise_hidden"]) > committed.steps


def test_who_has_to_wait_keeps_its_own_canvas_and_not_the_memory_of_the_batch():
    engine = Engine(network(), replace(GRAPHED, max_rows=2, prompt_tokens=40))
    low, other = (engine.submit(replace(FREE_REQUESTS[3], seed=seed, max_new_tokens=8)) for seed in range(2))
    for _ in range(3):  # the second waits for a page that they share
        engine.step()
    urgent = engine.submit(FREE_REQUESTS[2], priority=2)
    engine.step()
    (waiting,) = engine._scheduler.waiting
    state = waiting.state
    assert state.step == 1
    assert state.conditioning.untyped_storage().nbytes() == state.conditioning.nbytes
    for stream, asked in ((urgent, FREE_REQUESTS[2]), (low, low.request), (other, other.request)):
        assert_same(list(stream), oracle(asked))


def test_a_draft_that_is_finished_when_its_request_has_to_wait_is_read_when_it_goes_on():
    asked = request(mode="verified", sampler=PATIENT, verification=OFTEN, max_new_tokens=8)
    expected = list(run_request(network(), asked, page_length=PAGE))
    for rounds in range(3, 6):
        engine = Engine(network(), replace(GRAPHED, max_rows=1, prompt_tokens=40))
        low = engine.submit(asked)
        for _ in range(rounds):
            engine.step()
        urgent = engine.submit(FREE_REQUESTS[0], priority=1)
        assert_same(list(urgent), oracle(FREE_REQUESTS[0]))
        assert engine.load().num_preempted == 1
        assert_same(list(low), expected)


@pytest.mark.parametrize(
    ("changes", "covered"),
    [
        ({}, True),
        ({"mode": "verified"}, True),
        ({"first_canvas": FirstCanvas(token_ids=(60,) * 8, pinned=(True, *(False,) * 7))}, True),
        ({"mode": "autoregressive"}, False),
        ({"rule": WORDS}, False),
        ({"draft": Draft(token_ids=(60,), levels=(0.5,))}, False),
        ({"sampler": SamplerSettings(slide=SettledFront())}, False),
        ({"filters": Filters(top_k=3)}, False),
        ({"alternatives": 1}, False),
        ({"logprobs": True}, False),
        ({"sampler": SamplerSettings(acceptance=EvenCount())}, False),
    ],
)
def test_what_must_see_logits_or_has_rules_without_row_twins_is_not_covered(changes, covered):
    pool = KVPool(network().config, num_pages=4, page_length=PAGE, dtype=torch.float32, device=torch.device("cpu"))
    assert GraphedRounds(network(), pool).covers(request(**changes)) == covered


def test_what_breaks_one_request_does_not_touch_the_others():
    foreign = FirstCanvas(token_ids=(97,) * 8, pinned=(True,) * 8)
    engine = Engine(network(), GRAPHED)
    bad, good = engine.submit(request(first_canvas=foreign)), engine.submit(FREE_REQUESTS[3])
    with pytest.raises(InputError, match="the pins holds the token 97"):
        next(bad)
    assert_same(list(good), oracle(FREE_REQUESTS[3]))
    assert_idle(engine)


def test_weights_that_are_no_numbers_end_each_request_with_what_to_check():
    broken = small_network()
    broken.norm.weight[0] = torch.nan
    engine = Engine(broken, GRAPHED)
    streams = [engine.submit(request(seed=seed)) for seed in range(2)]
    for stream in streams:
        with pytest.raises(GenerationError, match="not numbers at step 1 of 3"):
            list(stream)
    assert_idle(engine)


def test_plain_torch_on_a_gpu_is_refused(monkeypatch):
    monkeypatch.setattr(Network, "device", torch.device("cuda"))
    pool = KVPool(network().config, num_pages=4, page_length=PAGE, dtype=torch.float32, device=torch.device("cpu"))
    with pytest.raises(SettingError, match="graphs is True and the network computes in plain torch"):
        GraphedRounds(network(), pool)


def test_left_to_itself_the_engine_makes_no_graphs_on_a_cpu():
    assert Engine(network(), SMALL)._runner._graphs is None
