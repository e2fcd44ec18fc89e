from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gesso.engine.engine import Engine, EngineSettings
from gesso.engine.events import CanvasCommitted, StepDone
from gesso.engine.reference import run_request
from gesso.engine.request import Draft, FirstCanvas, Request
from gesso.engine.warm_start import warm_canvas
from gesso.errors import SettingError
from gesso.sampling.draws import canvas_generator
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.verification import Verification
from tests.engine.doubles import rule_of, spelled
from tests.tiny_model import tiny_network

CANVAS, VOCAB = 8, 97
NETWORK = tiny_network(3, vocab_size=VOCAB, canvas_length=CANVAS, max_position_embeddings=96)
ENGINE = EngineSettings(max_rows=3, prompt_tokens=8, page_length=4, pool_tokens=200)


def request(**changes: object) -> Request:
    values = {
        "prompt_ids": tuple(range(20, 31)),
        "max_new_tokens": 3 * CANVAS,
        "sampler": SamplerSettings().with_overrides(steps=6, entropy_bound=2.0, confidence=0.4),
        "seed": 0,
        "stop_ids": frozenset({1}),
        "verification": Verification(draft_steps=3, redraft_steps=2, min_share=0.02),
    }
    return Request(**(values | changes))


def draft(token_ids, level=0.0):
    return Draft(token_ids=tuple(token_ids), levels=(level,) * len(token_ids))


def run(asked):
    """The oracle's events, which are the engine's."""
    events = list(run_request(NETWORK, asked, page_length=ENGINE.page_length))
    assert list(Engine(NETWORK, ENGINE).submit(asked)) == events
    return events


def commits(events):
    return [event for event in events if isinstance(event, CanvasCommitted)]


def what_holds(asked, count):
    """Tokens that hold from left to right whatever share is asked for: the likeliest."""
    greedy = asked.sampler.with_overrides(temperature=0.0)
    in_order = replace(asked, mode="autoregressive", sampler=greedy, draft=None, max_new_tokens=count, rule=None)
    return [token for commit in commits(run_request(NETWORK, in_order)) for token in commit.token_ids]


def test_a_canvas_starts_as_its_part_of_the_draft_and_as_noise_behind_it():
    asked = request(draft=draft(range(30, 42)))
    first, second, third = (warm_canvas(NETWORK, asked, at, canvas_generator(0, 0)) for at in (0, 8, 16))
    assert first.tolist() == [list(range(30, 38))]
    assert second[0, :4].tolist() == list(range(38, 42))
    assert second[0, 4:].tolist() != warm_canvas(NETWORK, asked, 8, canvas_generator(0, 1))[0, 4:].tolist()
    assert third is None
    assert warm_canvas(NETWORK, request(), 0, canvas_generator(0, 0)) is None


def test_each_position_keeps_its_token_as_often_as_its_level_says():
    levels = (0.0, 0.2, 0.5, 0.8, 1.0, 1.0, 0.0, 0.4)
    asked = request(draft=Draft(token_ids=(50,) * CANVAS, levels=levels))
    drawn = torch.cat([warm_canvas(NETWORK, asked, 0, canvas_generator(seed, 0)) for seed in range(2000)])
    kept = (drawn == 50).double().mean(0)
    expected = 1 - torch.tensor(levels, dtype=torch.float64) * (1 - 1 / VOCAB)
    torch.testing.assert_close(kept, expected, atol=0.04, rtol=0)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(data=st.data())
def test_every_draft_gives_the_engine_the_events_of_the_oracle(data):
    ids = data.draw(st.lists(st.sampled_from([1, *range(20, VOCAB)]), min_size=1, max_size=30))
    levels = data.draw(st.lists(st.sampled_from([0.0, 0.3, 1.0]), min_size=len(ids), max_size=len(ids)))
    mode = data.draw(st.sampled_from(["diffusion", "verified"]))
    first = FirstCanvas(token_ids=(60,) * CANVAS, pinned=tuple(data.draw(st.booleans()) for _ in range(CANVAS)))
    asked = request(
        draft=Draft(token_ids=tuple(ids), levels=tuple(levels)),
        mode=mode,
        seed=data.draw(st.integers(0, 99)),
        max_new_tokens=data.draw(st.integers(1, 24)),
        first_canvas=data.draw(st.sampled_from([None, first])),
        logprobs=data.draw(st.booleans()),
    )
    events = run(asked)
    if asked.logprobs:
        assert all(len(commit.logprobs) == len(commit.token_ids) for commit in commits(events))
    if asked.first_canvas is not None:
        text = commits(events)[0].token_ids
        assert all(token == 60 for token, is_pinned in zip(text, first.pinned, strict=False) if is_pinned)


def test_a_draft_of_noise_alone_and_another_seed_give_other_texts_and_the_same_seed_the_same():
    asked = request(draft=draft(range(30, 38), 0.5))
    assert run(asked) == run(asked)
    seen = [
        run(one)[0].canvas for one in (asked, replace(asked, seed=1), replace(asked, draft=draft(range(30, 38), 1.0)))
    ]
    assert all(one != other for one, other in pairwise(seen))


def test_a_draft_that_holds_is_committed_without_a_step_and_one_that_is_short_is_gone_on_from():
    asked = request(mode="verified", stop_ids=frozenset())
    good = what_holds(asked, 24)
    whole = run(replace(asked, draft=draft(good, 1.0)))
    assert [(one.steps, one.readings, one.converged) for one in commits(whole)] == [(0, 1, True)] * 3
    assert [token for one in commits(whole) for token in one.token_ids] == good
    assert not [event for event in whole if isinstance(event, StepDone)]
    short = run(replace(asked, draft=draft(good[:11])))
    assert (commits(short)[0].steps, commits(short)[1].token_ids[:3]) == (0, tuple(good[8:11]))
    steps = [event for event in short if isinstance(event, StepDone) and event.canvas_index == 1]
    assert all(event.draft[:3] == tuple(good[8:11]) for event in steps)
    ended = run(replace(asked, draft=draft([*good[:4], 1]), stop_ids=frozenset({1})))
    assert commits(ended)[0].token_ids[:4] == tuple(good[:4])


def test_what_comes_before_the_first_fault_is_kept_at_every_step():
    asked = request(mode="verified", stop_ids=frozenset(), max_new_tokens=CANVAS)
    good = what_holds(asked, 5)
    fault = next(token for token in range(20, VOCAB) if not holds_after(asked, [*good, token]))
    events = run(replace(asked, draft=draft([*good, fault])))
    steps = [event for event in events if isinstance(event, StepDone)]
    assert steps
    assert all(event.draft[:5] == tuple(good) for event in steps)
    assert all(event.draft[5] != fault for event in steps)


def holds_after(asked, token_ids):
    only = replace(asked, draft=draft(token_ids), max_new_tokens=len(token_ids))
    return commits(list(run_request(NETWORK, only)))[0].steps == 0


@pytest.mark.parametrize("mode", ["diffusion", "verified"])
@pytest.mark.parametrize("text", ["abcd", "ab;zz", "0000000", "x", "aaaaaaaaaaaaaaaaaaaa"])
def test_whatever_the_draft_the_rule_holds(mode, text):
    ids = [ord(character) - 28 for character in text]
    rule = rule_of("([a-f]{2,5};)*x+|0{12,20}", vocab_size=VOCAB)
    for seed in range(3):
        events = run(request(rule=rule, mode=mode, draft=draft(ids, 0.2), max_new_tokens=20, seed=seed))
        tokens = [token for commit in commits(events) for token in commit.token_ids]
        assert rule.automaton.accepts(tokens), spelled(tokens)


@pytest.mark.parametrize(
    ("ids", "levels", "words"),
    [
        ((), (), "the draft has no tokens; give some text"),
        ((3, 4), (0.5,), "2 tokens and 1 noise levels; give one for each"),
        ((3, 4), (0.5, 1.5), "a noise level of the draft is 1.5; give a number from 0"),
        ((3,), (float("nan"),), "a noise level of the draft is nan"),
    ],
)
def test_drafts_that_cannot_be_are_refused(ids, levels, words):
    with pytest.raises(SettingError, match=words):
        Draft(token_ids=ids, levels=levels)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"draft": draft([VOCAB])}, f"the draft holds token id {VOCAB}; this model's ids go from 0 to {VOCAB - 1}"),
        ({"mode": "autoregressive"}, "does not know drafts"),
        (
            {
                "mode": "verified",
                "rule": rule_of("a+", vocab_size=VOCAB),
                "first_canvas": FirstCanvas(token_ids=(69,) * CANVAS, pinned=(True,) * CANVAS),
            },
            "leave one of the three out",
        ),
    ],
)
def test_drafts_that_a_request_cannot_use_are_refused(changes, words):
    with pytest.raises(SettingError, match=words):
        request(**({"draft": draft([30])} | changes)).check(NETWORK.config)
