import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.engine.engine import Engine, EngineSettings
from gesso.engine.events import CanvasCommitted, StepDone
from gesso.engine.reference import run_request
from gesso.engine.request import MODES, Draft, FirstCanvas, Request
from gesso.errors import PromptError, SettingError
from gesso.sampling.filters import Filters
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.slide import SettledFront
from tests.engine.doubles import CONFIG, ScriptedNetwork, rule_of
from tests.tiny_model import tiny_network

CANVAS, VOCAB = 8, 97
NETWORK = tiny_network(3, vocab_size=VOCAB, canvas_length=CANVAS, max_position_embeddings=96)
ENGINE = EngineSettings(max_rows=3, prompt_tokens=8, page_length=4, pool_tokens=200)
SLIDING = replace(
    SamplerSettings().with_overrides(steps=12, entropy_bound=2.0, confidence=0.4),
    slide=SettledFront(min_tokens=3, confidence_nats=1.5),
)
FIRST = FirstCanvas(token_ids=tuple(range(60, 68)), pinned=(True, False, False, True, True, False, False, True))
WORDS = rule_of("([a-f]{2,5};)*x+|0{12,20}", vocab_size=VOCAB)


def request(**changes: object) -> Request:
    values = {
        "prompt_ids": tuple(range(20, 31)),
        "max_new_tokens": 30,
        "sampler": SLIDING,
        "seed": 0,
        "stop_ids": frozenset({1}),
    }
    return Request(**(values | changes))


def commits(events):
    return [event for event in events if isinstance(event, CanvasCommitted)]


def tokens(events):
    return [token for commit in commits(events) for token in commit.token_ids]


class CertainFront(ScriptedNetwork):
    """Knows the text to come, but is sure of the first five positions of a canvas alone."""

    SURE = 5

    def denoise(self, canvas, cache, conditioning=None, **rest):
        start = cache.lengths[0] - self.prompt_length
        line = torch.tensor([self.script[0][start : start + canvas.shape[1]]])
        sure = torch.where(torch.arange(canvas.shape[1]) < self.SURE, 30.0, 0.5)[None, :, None]
        self.num_denoised += 1
        return torch.zeros(*canvas.shape, VOCABULARY).scatter(-1, line[..., None], sure)


VOCABULARY = CONFIG.vocab_size
TEXT = [10 + index % 29 for index in range(64)]


@pytest.mark.parametrize("stop_at", [None, 2, 13, 19])
def test_what_is_settled_is_committed_and_encoded_and_the_text_is_the_same(stop_at):
    text = TEXT if stop_at is None else [*TEXT[:stop_at], 1, *TEXT[stop_at + 1 :]]
    network = CertainFront([text])
    asked = request(
        prompt_ids=(2, 9),
        max_new_tokens=22,
        sampler=SamplerSettings(max_steps=6).with_overrides(slide=CertainFront.SURE),
    )
    events = list(run_request(network, asked))
    end = 22 if stop_at is None else stop_at
    assert tokens(events) == text[:end]
    sizes = [len(commit.token_ids) for commit in commits(events)]
    assert sizes == [5] * (end // 5) + ([end % 5] if end % 5 or stop_at is not None else [])
    assert network.encoded == [[2, 9], *(text[at : at + 5] for at in range(0, end // 5 * 5, 5))]
    assert [commit.steps for commit in commits(events)] == [2] * len(sizes)
    assert all(commit.converged for commit in commits(events))
    assert list(Engine(CertainFront([text]), ENGINE).submit(asked)) == events


def test_the_next_canvas_shows_the_drafts_that_slid_on():
    events = list(
        run_request(CertainFront([TEXT]), request(sampler=SLIDING.with_overrides(slide=5), max_new_tokens=20))
    )
    last, first = next(
        (one, other)
        for one, other in zip(events, [*events[2:], events[-1]], strict=False)
        if isinstance(one, StepDone) and isinstance(other, StepDone) and other.canvas_index == one.canvas_index + 1
    )
    assert first.draft[: CANVAS - 5] == last.draft[5:]


@settings(max_examples=15, deadline=None, derandomize=True)
@given(data=st.data())
def test_every_request_that_slides_has_the_oracles_events_to_the_last_bit(data):
    extra = data.draw(
        st.sampled_from(
            [
                {},
                {"rule": WORDS},
                {"first_canvas": FIRST},
                {"filters": Filters(presence_penalty=0.9, repetition_penalty=1.3), "alternatives": 2},
                {"filters": Filters(top_k=9, frequency_penalty=0.7), "logprobs": True, "top_logprobs": 3},
                {"draft": Draft(token_ids=(30,) * 21, levels=(0.0, 0.4, 1.0) * 7), "logprobs": True},
            ]
        )
    )
    slide = SettledFront(
        min_tokens=data.draw(st.integers(1, 8)), confidence_nats=data.draw(st.sampled_from([0.3, 2.0]))
    )
    asked = request(
        sampler=replace(SLIDING, slide=slide, max_steps=data.draw(st.integers(1, 12))),
        seed=data.draw(st.integers(0, 99)),
        max_new_tokens=data.draw(st.integers(1 if "rule" not in extra else 12, 40)),
        **extra,
    )
    expected = list(run_request(NETWORK, asked, page_length=ENGINE.page_length))
    small = Engine(NETWORK, replace(ENGINE, pool_tokens=asked.max_encoded(CANVAS) + 4, max_rows=2))
    first, other = small.submit(asked), small.submit(replace(asked, seed=100), priority=data.draw(st.integers(0, 1)))
    assert list(first) == expected
    list(other)
    assert len(tokens(expected)) <= asked.max_new_tokens
    assert [commit.canvas_index for commit in commits(expected)] == list(range(len(commits(expected))))
    if asked.rule is not None:
        assert asked.rule.automaton.accepts(tokens(expected))
    if asked.first_canvas is not None:
        text = tokens(expected)
        assert all(text[at] == 60 + at for at in range(min(len(text), CANVAS)) if FIRST.pinned[at])
    if asked.logprobs:
        assert all(len(commit.logprobs) == len(commit.token_ids) for commit in commits(expected))


def test_a_canvas_that_gave_way_is_encoded_again_as_it_was():
    engine = Engine(NETWORK, replace(ENGINE, max_rows=1))
    asked = request(seed=5)
    expected = list(run_request(NETWORK, asked, page_length=ENGINE.page_length))
    fronts = [len(commit.token_ids) for commit in commits(expected)]
    assert len(fronts) > 3
    assert min(fronts) < CANVAS
    stream, events = engine.submit(asked), []
    while len(commits(events)) < 3:
        events.append(next(stream))
    list(engine.submit(request(seed=6, max_new_tokens=4), priority=1))
    assert engine.load().num_preempted == 1
    assert [*events, *stream] == expected


def test_log_probabilities_of_a_token_go_on_where_its_canvas_slides():
    asked = request(logprobs=True, seed=2)
    accepted = [one.accepted for commit in commits(run_request(NETWORK, asked)) for one in commit.logprobs]
    assert any(value is not None for value in accepted)
    assert all(value is None or (value <= 0 and not math.isnan(value)) for value in accepted)


@pytest.mark.parametrize("most", [1, 7, 8, 9, 30, 77])
def test_what_is_encoded_stays_within_what_was_reckoned_with(most):
    asked = request(max_new_tokens=most, stop_ids=frozenset())
    network = tiny_network(3, vocab_size=VOCAB, canvas_length=CANVAS, max_position_embeddings=96)
    counted, encode = [0], network.encode
    network.encode = lambda ids, cache, **rest: (
        counted.append(counted[-1] + ids.shape[1]),
        encode(ids, cache, **rest),
    )[1]
    asked.check(network.config)
    list(run_request(network, asked))
    assert counted[-1] <= asked.max_encoded(CANVAS)


def test_limits_are_those_of_the_longest_text_and_other_modes_do_not_slide():
    request(max_new_tokens=78).check(NETWORK.config)
    with pytest.raises(PromptError, match="exceed the context of 96"):
        request(max_new_tokens=79).check(NETWORK.config)
    for mode in set(MODES) - {"diffusion"}:
        with pytest.raises(SettingError, match=f"mode is '{mode}', and canvases slide in mode 'diffusion' alone"):
            request(mode=mode).check(NETWORK.config)
