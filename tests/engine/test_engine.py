import gc
import random
import re
import threading
from dataclasses import dataclass, replace
from functools import cache

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gesso.engine.engine import Engine, EngineSettings, EventStream, PrefixCacheUse
from gesso.engine.events import CanvasCommitted, Event, Finished, StepDone
from gesso.engine.job import Job
from gesso.engine.reference import run_request
from gesso.engine.request import MODES, Draft, FirstCanvas, Request
from gesso.errors import GenerationError, InputError, PromptError, QueueFullError, SettingError
from gesso.model.network import Network
from gesso.sampling.filters import Filters
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.slide import SettledFront
from gesso.sampling.verification import Verification
from tests.engine.doubles import rule_of, spelled
from tests.tiny_model import tiny_network

CANVAS, PAGE = 8, 4
SMALL = EngineSettings(max_rows=3, prompt_tokens=8, page_length=PAGE, pool_tokens=200)
CALM = SamplerSettings().with_overrides(steps=3, entropy_bound=2.0, confidence=0.4)


@cache
def network() -> Network:
    return tiny_network(3, vocab_size=97, canvas_length=CANVAS, max_position_embeddings=96)


def request(**changes: object) -> Request:
    values = {
        "prompt_ids": tuple(range(20, 31)),
        "max_new_tokens": 20,
        "sampler": CALM,
        "seed": 0,
        "stop_ids": frozenset({1}),
    }
    return Request(**(values | changes))


@cache
def oracle(asked: Request, page_length: int = PAGE) -> tuple[Event, ...]:
    return tuple(run_request(network(), asked, page_length=page_length))


def tokens(events: list[Event]) -> list[int]:
    return [token for event in events if isinstance(event, CanvasCommitted) for token in event.token_ids]


def assert_idle(engine: Engine) -> None:
    load = engine.load()
    assert (load.running, load.waiting, load.free_pages) == (0, 0, load.num_pages)


PATIENT = SamplerSettings().with_overrides(steps=12, entropy_bound=2.0, confidence=0.4)
SLIDING = replace(PATIENT, slide=SettledFront(min_tokens=3, confidence_nats=1.5))
OFTEN = Verification(draft_steps=3, redraft_steps=2, min_share=0.02)
FIRST = FirstCanvas(token_ids=tuple(range(60, 68)), pinned=(True, False, False, True, False, False, False, True))
WORDS = rule_of("([a-f]{2,5};)*x+|0{12,20}", vocab_size=97)
CLOSED = rule_of("<[A-Z]{9,}>=1{5,}", vocab_size=97)
NARROW = Filters(top_k=9, top_p=0.8, min_p=0.02, bias=((50, 6.0), (51, -100.0)), frequency_penalty=0.7)
UNLIKE = Filters(presence_penalty=0.9, repetition_penalty=1.3)
BEGUN = Draft(token_ids=(30,) * 13, levels=(0.0, 0.4) * 6 + (1.0,))
PINNED = rule_of(r"X..\[..._.*", vocab_size=97)  # as FIRST has it
FREE_REQUESTS = [
    request(
        prompt_ids=tuple(range(20, 20 + length)), seed=seed, max_new_tokens=most, sampler=sampler, first_canvas=first
    )
    for length, seed, most, sampler, first in [
        (1, 0, 5, CALM, None),
        (4, 1, 8, CALM, FIRST),
        (5, 2, 20, SamplerSettings().with_overrides(steps=4, temperature=0.0), None),
        (11, 3, 24, CALM, FIRST),
        (11, 4, 17, SamplerSettings().with_overrides(steps=2, stability=0, confidence=3.0), None),
        (16, 5, 9, SamplerSettings().with_overrides(steps=5, t_max=0.3, t_min=0.05), None),
        (23, 6, 30, SamplerSettings().with_overrides(steps=1), None),
        (23, 7, 16, CALM, None),
    ]
]
REQUESTS = [
    *FREE_REQUESTS,
    request(seed=8, rule=WORDS, alternatives=3, logprobs=True),
    request(seed=9, rule=CLOSED, prompt_ids=(20, 21, 22)),
    request(
        seed=10, rule=CLOSED, max_new_tokens=30, sampler=SamplerSettings().with_overrides(steps=2, temperature=0.0)
    ),
    request(seed=11, rule=PINNED, first_canvas=FIRST, max_new_tokens=16),
    request(seed=12, mode="verified", verification=OFTEN, sampler=PATIENT, logprobs=True),
    request(seed=13, mode="verified", verification=OFTEN, sampler=PATIENT, first_canvas=FIRST, max_new_tokens=11),
    request(seed=14, mode="verified", verification=OFTEN, sampler=PATIENT, rule=WORDS, alternatives=2),
    request(seed=15, mode="autoregressive", prompt_ids=(20,), logprobs=True),
    request(seed=16, mode="autoregressive", max_new_tokens=13, stop_ids=frozenset()),
    request(seed=17, filters=NARROW, logprobs=True, top_logprobs=4),
    request(seed=18, filters=UNLIKE, first_canvas=FIRST, alternatives=2),
    request(seed=19, filters=UNLIKE, rule=WORDS),
    request(seed=20, filters=NARROW, mode="verified", verification=OFTEN, sampler=PATIENT),
    request(seed=21, filters=NARROW, mode="autoregressive", logprobs=True, top_logprobs=2),
    request(seed=22, draft=BEGUN, first_canvas=FIRST, filters=UNLIKE),
    request(seed=23, draft=BEGUN, mode="verified", verification=OFTEN, sampler=PATIENT, logprobs=True),
    request(seed=24, sampler=SLIDING, max_new_tokens=30, first_canvas=FIRST, logprobs=True),
    request(seed=25, sampler=SLIDING, rule=WORDS),
]


@dataclass(frozen=True)
class Arrival:
    """A request that comes when the engine has run `rounds`, and is cancelled after some of its events."""

    request: Request
    rounds: int
    priority: int
    cancel_after: int | None


@st.composite
def workloads(draw: st.DrawFn) -> tuple[EngineSettings, list[Arrival]]:
    asked = draw(st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=7))
    longest = max(one.max_encoded(CANVAS) for one in asked)
    engine = EngineSettings(
        max_rows=draw(st.integers(1, 5)),
        prompt_tokens=draw(st.integers(PAGE, 12)),
        page_length=PAGE,
        pool_tokens=longest + draw(st.integers(0, 80)),
    )
    arrivals = [
        Arrival(
            request=one,
            rounds=draw(st.integers(0, 12)),
            priority=draw(st.integers(0, 2)),
            cancel_after=draw(st.none() | st.integers(0, 12)),
        )
        for one in asked
    ]
    return engine, arrivals


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(workload=workloads())
def test_every_request_has_the_oracles_events_to_the_last_bit_whatever_goes_on_beside_it(workload):
    run_workload(*workload)


@pytest.mark.slow
@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(workload=workloads())
def test_over_many_more_workloads_every_request_has_the_oracles_events(workload):
    run_workload(*workload)


def run_workload(engine_settings: EngineSettings, arrivals: list[Arrival]) -> None:
    engine = Engine(network(), engine_settings)
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
        expected, given_events = oracle(arrival.request), tuple(seen[index])
        if given_events[-1] == Finished(reason="cancelled"):
            assert arrival.cancel_after is not None
            assert given_events[:-1] == expected[: len(given_events) - 1]
        else:
            assert given_events == expected


@pytest.mark.slow
def test_ten_thousand_requests_and_a_pool_too_small_leave_nothing_behind_and_lose_nothing():
    run_many(10_000)


def test_many_requests_and_a_pool_too_small_leave_nothing_behind_and_lose_nothing():
    run_many(40)


def num_jobs() -> int:
    """Jobs that anything still refers to."""
    gc.collect()
    return sum(type(one) is Job for one in gc.get_objects())


def run_many(count: int) -> None:
    """Requests of mixed length and priority in a small pool; one of three is dropped or cancelled on its way."""
    rng = random.Random(count)
    num_jobs_before = num_jobs()
    engine = Engine(network(), EngineSettings(max_rows=6, prompt_tokens=12, page_length=PAGE, pool_tokens=100))
    under_way: list[tuple[Request, EventStream, list[Event]]] = []
    num_whole, num_left = 0, 0
    while num_whole + num_left < count:
        while len(under_way) < 12 and num_whole + num_left + len(under_way) < count:
            asked = rng.choice(REQUESTS)
            under_way.append((asked, engine.submit(asked, priority=rng.randrange(3)), []))
        engine.step()
        going = []
        for asked, stream, events in under_way:
            events += stream.take()
            if events and isinstance(events[-1], Finished):
                assert tuple(events) == oracle(asked)
                num_whole += 1
            elif rng.random() < 0.02:
                if rng.random() < 0.5:
                    stream.cancel()
                num_left += 1
            else:
                going.append((asked, stream, events))
        under_way = going
    del asked, stream, events, going
    engine.step()
    assert_idle(engine)
    assert num_whole > num_left > 0
    assert num_jobs() == num_jobs_before


def test_a_prompt_encoded_in_pages_gives_the_oracle_that_encodes_it_whole_up_to_rounding():
    calm = tiny_network(3, vocab_size=97, canvas_length=CANVAS, max_position_embeddings=96)
    calm.self_conditioning.feed_forward.down_proj.weight.mul_(0.1)
    asked = request(prompt_ids=tuple(range(20, 43)))
    for ours, whole in zip(Engine(calm, SMALL).submit(asked), run_request(calm, asked), strict=True):
        if isinstance(ours, StepDone):
            assert (ours.draft, ours.canvas, ours.accepted) == (whole.draft, whole.canvas, whole.accepted)
            assert ours.entropy == pytest.approx(whole.entropy, abs=1e-3)
        else:
            assert ours == whole


def test_the_same_seed_alone_in_eight_and_in_a_changing_batch_gives_the_same_events():
    asked = REQUESTS[3]
    alone = list(Engine(network(), SMALL).submit(asked))
    crowd = Engine(network(), replace(SMALL, max_rows=8))
    streams = [crowd.submit(replace(asked, seed=seed)) for seed in (asked.seed, 11, 12, 13, 14, 15, 16, 17)]
    assert list(streams[0]) == alone
    changing = Engine(network(), SMALL)
    others = []
    stream = changing.submit(asked)
    events = []
    for index, event in enumerate(stream):
        events.append(event)
        others.append(changing.submit(REQUESTS[index % len(REQUESTS)], priority=1))
        if index % 2:
            others[index // 2].cancel()
    assert events == alone


@pytest.mark.parametrize("most", [17, 18, 24, 25, 33])
def test_a_constrained_text_is_valid_and_ends_within_its_tokens_however_many_canvases_it_takes(most):
    engine = Engine(network(), replace(SMALL, share_passes=True))
    streams = [engine.submit(request(seed=seed, max_new_tokens=most, rule=CLOSED)) for seed in range(6)]
    for stream in streams:
        events = list(stream)
        assert re.fullmatch("<[A-Z]{9,}>=1{5,}", spelled(tokens(events)))
        assert len(tokens(events)) <= most
        assert isinstance(events[-1], Finished)


def test_readers_in_any_order_get_the_same():
    engine = Engine(network(), SMALL)
    streams = [engine.submit(asked) for asked in REQUESTS]
    for asked, stream in reversed(list(zip(REQUESTS, streams, strict=True))):
        assert tuple(stream) == oracle(asked)
    assert_idle(engine)


def test_readers_in_many_threads_get_the_same():
    engine = Engine(network(), SMALL)
    given_events: dict[int, tuple[Event, ...]] = {}

    def read(index: int, stream: EventStream) -> None:
        given_events[index] = tuple(stream)

    threads = [
        threading.Thread(target=read, args=(index, engine.submit(asked))) for index, asked in enumerate(REQUESTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert given_events == {i: oracle(asked) for i, asked in enumerate(REQUESTS)}


def test_shared_beginnings_are_encoded_once():
    encoded = []
    spy = tiny_network(3, vocab_size=97, canvas_length=CANVAS, max_position_embeddings=96)
    encode = spy.encode
    spy.encode = lambda ids, cache, **rest: (encoded.extend(ids.flatten().tolist()), encode(ids, cache, **rest))[1]
    engine = Engine(spy, SMALL)
    first = list(engine.submit(request(max_new_tokens=8)))
    assert encoded == list(range(20, 31))  # two full pages of 4, and 3 tokens that are nobody else's
    encoded.clear()
    assert list(engine.submit(request(max_new_tokens=8))) == first
    assert encoded == [28, 29, 30]
    encoded.clear()
    together = [engine.submit(request(prompt_ids=tuple(range(50, 60)), max_new_tokens=8, seed=s)) for s in (1, 2)]
    assert [len(list(stream)) for stream in together]
    assert encoded.count(50) == 1  # the second waits for the page that the first is at
    assert encoded.count(58) == 2
    assert engine.prefix_cache == PrefixCacheUse(looked_up=11 + 11 + 2 * 10, shared=8 + 8)


def test_a_stream_tells_when_each_canvas_was_begun():
    now = [0.0]
    engine = Engine(network(), SMALL, clock=lambda: now[0])
    stream = engine.submit(request(prompt_ids=tuple(range(2, 34)), max_new_tokens=20))
    seen = []
    while engine.load().running + engine.load().waiting:
        assert len(stream.began_at) == len({event.canvas_index for event in seen})
        now[0] += 1.0
        engine.step()
        seen += [event for event in stream.take() if isinstance(event, StepDone)]
    steps = [event.canvas_index for event in seen]
    assert stream.began_at[0] == 32 / SMALL.prompt_tokens + 1.0  # the prompt takes a round for each portion
    assert [began_at - stream.began_at[0] for began_at in stream.began_at] == [
        canvas + steps.index(canvas)
        for canvas in range(3)  # and a canvas a round
    ]


@pytest.mark.parametrize("mode", MODES)
def test_a_canvas_is_begun_once_however_many_drafts_or_tokens_it_takes(mode):
    stream = Engine(network(), SMALL).submit(request(mode=mode, verification=OFTEN, sampler=PATIENT, max_new_tokens=20))
    events = list(stream)
    assert len([event for event in events if isinstance(event, StepDone)]) > 6
    assert len(stream.began_at) == len([event for event in events if isinstance(event, CanvasCommitted)])


def test_a_pool_too_small_for_all_makes_some_wait_and_loses_nothing():
    engine = Engine(network(), EngineSettings(max_rows=4, prompt_tokens=8, page_length=PAGE, pool_tokens=48))
    asked = [replace(REQUESTS[3], seed=seed, max_new_tokens=32) for seed in range(4)]
    streams = [engine.submit(one) for one in asked]
    assert [tuple(stream) for stream in streams] == [oracle(one) for one in asked]
    assert engine.load().num_preempted > 0
    assert_idle(engine)


def test_a_long_prompt_does_not_stall_a_running_canvas():
    engine = Engine(network(), SMALL)
    running = engine.submit(request(prompt_ids=(20,), max_new_tokens=8, sampler=SamplerSettings(max_steps=20)))
    next(running)
    long = engine.submit(request(prompt_ids=tuple(range(2, 66)), max_new_tokens=8))
    rounds_with_a_step = 0
    for _ in range(64 // SMALL.prompt_tokens):
        engine.step()
        rounds_with_a_step += bool(running.take())
        assert not long.take()
    assert rounds_with_a_step == 64 // SMALL.prompt_tokens
    engine.step()
    assert isinstance(long.take()[0], StepDone)


def test_a_newcomer_joins_at_the_next_step_and_the_finished_leave_at_once():
    engine = Engine(network(), SMALL)
    short, long = (request(prompt_ids=(20,), max_new_tokens=8, sampler=SamplerSettings(max_steps=n)) for n in (2, 6))
    first, second = engine.submit(short), engine.submit(long)
    engine.step()
    third = engine.submit(short)
    for running in (3, 2, 1):
        engine.step()
        assert engine.load().running == running
    # A step an event, and at the end a commit and a farewell.
    assert [len(stream.take()) for stream in (first, second, third)] == [4, 3, 4]


def test_higher_priority_goes_first_and_takes_a_place_that_is_given_back():
    engine = Engine(network(), replace(SMALL, max_rows=1))
    low, high = engine.submit(REQUESTS[3]), engine.submit(REQUESTS[7], priority=1)
    waiting = engine.submit(REQUESTS[0])
    events = [next(low)]
    urgent = engine.submit(REQUESTS[2], priority=2)
    while not (later := urgent.take()):
        engine.step()
    assert engine.load().num_preempted == 1
    assert tuple(later) + tuple(urgent) == oracle(REQUESTS[2])
    assert not low.take()
    assert not waiting.take()
    assert tuple(high) == oracle(REQUESTS[7])
    assert (*events, *low) == oracle(REQUESTS[3])
    assert tuple(waiting) == oracle(REQUESTS[0])


@pytest.mark.parametrize("after", [0, 1, 3, 4, 9])
def test_a_cancelled_request_ends_there_and_gives_its_pages_back(after):
    engine = Engine(network(), SMALL)
    stream = engine.submit(REQUESTS[3])
    events = [next(stream) for _ in range(after)]
    stream.cancel()
    stream.cancel()
    events += list(stream)
    assert events.pop() == Finished(reason="cancelled")
    assert tuple(events) == oracle(REQUESTS[3])[: len(events)]
    assert len(events) in (after, after + 1)  # a commit that came with the last step is not lost
    assert_idle(engine)


def test_cancelling_what_is_over_changes_nothing():
    stream = Engine(network(), SMALL).submit(REQUESTS[0])
    events = tuple(stream)
    stream.cancel()
    assert events == oracle(REQUESTS[0])
    assert list(stream) == []


def test_a_stream_that_nobody_holds_is_cancelled():
    engine = Engine(network(), replace(SMALL, max_rows=1))
    streams = [engine.submit(REQUESTS[3]) for _ in range(3)]
    next(streams[0])
    streams.clear()
    engine.step()
    assert_idle(engine)


def test_a_deadline_ends_a_request_with_what_it_has_running_or_waiting():
    now = [100.0]
    engine = Engine(network(), replace(SMALL, max_rows=1), clock=lambda: now[0])
    running = engine.submit(REQUESTS[3], timeout_s=10.0)
    waiting = engine.submit(REQUESTS[3], timeout_s=5.0)
    patient = engine.submit(REQUESTS[0])
    events = [next(running), next(running)]
    now[0] = 105.0
    assert list(waiting) == [Finished(reason="deadline")]
    now[0] = 110.0
    events += list(running)
    assert events[-1] == Finished(reason="deadline")
    assert tuple(events[:-1]) == oracle(REQUESTS[3])[: len(events) - 1]
    assert tuple(patient) == oracle(REQUESTS[0])
    assert_idle(engine)


def test_a_full_queue_refuses_and_dropped_requests_make_room():
    engine = Engine(network(), replace(SMALL, max_waiting=2))
    streams = [engine.submit(REQUESTS[0]) for _ in range(2)]
    with pytest.raises(QueueFullError, match="2 requests wait already, and max_waiting is 2; try again later"):
        engine.submit(REQUESTS[0])
    streams.pop()
    assert tuple(engine.submit(REQUESTS[0])) == oracle(REQUESTS[0])
    assert tuple(streams[0]) == oracle(REQUESTS[0])


def test_nothing_runs_before_the_first_event_is_asked_for():
    engine = Engine(network(), SMALL)
    stream = engine.submit(REQUESTS[0])
    assert stream.take() == []
    assert engine.load().running == 0


def test_what_breaks_one_request_does_not_touch_the_others():
    engine = Engine(network(), SMALL)
    foreign = FirstCanvas(token_ids=(97,) * CANVAS, pinned=(True,) * CANVAS)
    bad, good = engine.submit(request(first_canvas=foreign)), engine.submit(REQUESTS[3])
    with pytest.raises(InputError, match="the pins holds the token 97"):
        next(bad)
    assert list(bad) == []
    assert tuple(good) == oracle(REQUESTS[3])
    assert_idle(engine)


def test_weights_that_are_no_numbers_end_each_request_with_what_to_check():
    broken = tiny_network(3, vocab_size=97, canvas_length=CANVAS)
    broken.norm.weight[0] = torch.nan
    engine = Engine(broken, SMALL)
    streams = [engine.submit(request(seed=seed)) for seed in range(2)]
    for stream in streams:
        with pytest.raises(GenerationError, match="not numbers at step 1 of 3"):
            list(stream)
    assert_idle(engine)


@pytest.mark.parametrize("failure", [RuntimeError("no memory left"), KeyboardInterrupt()])
def test_a_round_that_is_cut_off_ends_those_who_ran_and_nobody_else(failure, monkeypatch):
    engine = Engine(network(), replace(SMALL, max_rows=2))
    streams = [engine.submit(asked) for asked in REQUESTS[3:6]]
    next(streams[0])
    with monkeypatch.context() as patch:
        patch.setattr(Network, "denoise_hidden", lambda *_, **__: (_ for _ in ()).throw(failure))
        with pytest.raises(type(failure)):
            list(streams[0])
    if isinstance(failure, Exception):
        with pytest.raises(RuntimeError, match="no memory left"):
            list(streams[1])
    else:
        assert list(streams[1])[-1] == Finished(reason="cancelled")
    assert tuple(streams[2]) == oracle(REQUESTS[5])
    assert_idle(engine)


@pytest.mark.parametrize(
    ("changes", "options", "error", "words"),
    [
        ({"prompt_ids": ()}, {}, PromptError, "no tokens"),
        ({"max_new_tokens": 0}, {}, SettingError, "max_new_tokens is 0"),
        ({}, {"timeout_s": 0.0}, SettingError, "timeout_s is 0; give seconds above 0"),
        ({}, {"timeout_s": float("nan")}, SettingError, "timeout_s is nan"),
        ({"max_new_tokens": 48}, {}, PromptError, "take 51 positions and the engine's pool holds 40"),
    ],
)
def test_bad_requests_are_refused_at_once(changes, options, error, words):
    engine = Engine(network(), replace(SMALL, pool_tokens=40))
    with pytest.raises(error, match=words):
        engine.submit(request(**changes), **options)
    assert_idle(engine)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_rows": 0}, "max_rows is 0; give at least 1"),
        ({"pool_tokens": -1}, "pool_tokens is -1"),
        ({"prompt_tokens": 3}, "prompt_tokens is 3 and page_length 4"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, words):
    with pytest.raises(SettingError, match=words):
        replace(SMALL, **changes)
