import math
from collections import Counter

import pytest
import torch

from gesso.engine.events import CanvasCommitted, StepDone
from gesso.engine.left_to_right import read_draft, surprise
from gesso.engine.reference import run_request
from gesso.engine.request import FirstCanvas, Request, check_mode
from gesso.errors import SettingError
from gesso.sampling.filters import Filters
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.verification import Verification
from tests.tiny_model import CONFIG, tiny_network

CONTEXT, TEXT = [2, 7, 9], [11, 5, 30, 8]


def plain_nats(network, ids, position):
    """One token's surprise from a pass over what comes before it, and nothing else."""
    with torch.no_grad():
        hidden = network.encode(torch.tensor([ids[:position]]), network.new_cache(batch=1, max_len=position))
        return -network.head(hidden[:, -1:])[0, 0].log_softmax(-1)[ids[position]]


def test_each_token_is_judged_by_all_before_it_and_nothing_behind():
    network = tiny_network()
    ids = CONTEXT + TEXT
    expected = torch.stack([plain_nats(network, ids, i) for i in range(len(CONTEXT), len(ids))])
    assert torch.allclose(surprise(network, CONTEXT, TEXT), expected, atol=1e-5)


def test_an_end_may_be_any_of_the_end_tokens():
    network = tiny_network()
    each = [surprise(network, CONTEXT, [*TEXT, end])[-1] for end in (1, 3)]
    both = surprise(network, CONTEXT, TEXT, end_ids=frozenset({1, 3}))
    assert len(both) == len(TEXT) + 1
    assert torch.allclose(both[-1], -torch.stack([-nats for nats in each]).logsumexp(0), atol=1e-5)


def test_an_empty_text_is_judged_by_its_end_alone():
    network = tiny_network()
    nats = surprise(network, CONTEXT, [], end_ids=frozenset(range(CONFIG.vocab_size)))
    assert nats.shape == (1,)
    assert abs(nats.item()) < 1e-5


CANVAS = CONFIG.canvas_length


def request(**changes):
    values = {
        "prompt_ids": tuple(CONTEXT),
        "max_new_tokens": 2 * CANVAS + 3,
        "sampler": SamplerSettings().with_overrides(temperature=0.0),
        "seed": 0,
        "stop_ids": frozenset(),
        "mode": "autoregressive",
    }
    return Request(**(values | changes))


def written(network, asked):
    return [
        token
        for event in run_request(network, asked)
        if isinstance(event, CanvasCommitted)
        for token in event.token_ids
    ]


def plain_greedy(network, ids, count):
    """The likeliest token, and again, each from a pass over all before it."""
    ids = list(ids)
    with torch.no_grad():
        for _ in range(count):
            hidden = network.encode(torch.tensor([ids]), network.new_cache(batch=1, max_len=len(ids)))
            ids.append(int(network.head(hidden[:, -1:]).argmax()))
    return ids[-count:]


def test_at_temperature_zero_each_token_is_the_likeliest_after_all_before_it_across_canvases():
    network = tiny_network()
    assert written(network, request()) == plain_greedy(network, CONTEXT, 2 * CANVAS + 3)


def test_a_token_is_drawn_as_often_as_it_is_likely():
    network = tiny_network()
    with torch.no_grad():
        hidden = network.encode(torch.tensor([CONTEXT]), network.new_cache(batch=1, max_len=3))
        likely = network.head(hidden[:, -1:])[0, 0].div(0.5).softmax(-1)
    sampler = SamplerSettings().with_overrides(temperature=0.5)
    draws = 150
    counts = Counter(written(network, request(max_new_tokens=1, sampler=sampler, seed=i))[0] for i in range(draws))
    token = int(likely.argmax())
    share = likely[token].item()
    assert abs(counts[token] / draws - share) < 4 * math.sqrt(share * (1 - share) / draws)


def test_a_stop_token_ends_the_text_and_is_no_part_of_it():
    network = tiny_network()
    text = plain_greedy(network, CONTEXT, 12)
    stop = text[9]
    events = list(run_request(network, request(stop_ids=frozenset({stop}))))
    assert written(network, request(stop_ids=frozenset({stop}))) == text[: text.index(stop)]
    assert len([event for event in events if isinstance(event, StepDone)]) == text.index(stop) + 1


def test_what_is_written_is_accepted_and_the_rest_is_not():
    steps = [event for event in run_request(tiny_network(), request()) if isinstance(event, StepDone)]
    assert [sum(step.accepted) for step in steps[:4]] == [1, 2, 3, 4]
    assert steps[0].max_steps == CANVAS


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"first_canvas": FirstCanvas(token_ids=(7,) * CANVAS, pinned=(True,) * CANVAS)}, "does not know pinned"),
        ({"alternatives": 2}, "does not know alternatives"),
    ],
)
def test_what_left_to_right_cannot_do_is_refused(changes, said):
    with pytest.raises(SettingError, match=said):
        run_request(tiny_network(), request(**changes))


def verdict(network, draft, **changes):
    asked = request(mode="verified", verification=Verification(min_share=1.0), **changes)
    cache = network.new_cache(batch=1, max_len=len(CONTEXT))
    with torch.no_grad():
        network.encode(torch.tensor([CONTEXT]), cache)
    before = [cache.lengths[:], cache.read(0, 0, 3)[0].clone()]
    found = read_draft(
        network,
        cache,
        CONTEXT[-1],
        asked,
        draft,
        remaining=changes.get("max_new_tokens", len(draft)),
        pins=None,
        generator=torch.Generator(),
    )
    assert cache.lengths == before[0], "the text before the canvas stays as it is"
    assert cache.read(0, 0, 3)[0].equal(before[1])
    return found


def test_a_draft_of_the_likeliest_tokens_holds():
    network = tiny_network()
    assert verdict(network, plain_greedy(network, CONTEXT, CANVAS)) is None


def test_all_before_the_first_fault_is_kept_and_the_fault_is_mended():
    network = tiny_network()
    right = plain_greedy(network, CONTEXT, CANVAS)
    wrong = [*right[:5], right[5] + 1, *right[6:]]
    pins = verdict(network, wrong)
    assert pins.mask[0].tolist() == [True] * 6 + [False] * (CANVAS - 6)
    assert pins.tokens[0, :6].tolist() == right[:6]


@pytest.mark.parametrize("changes", [{"stop_ids": lambda right: frozenset({right[3]})}, {"max_new_tokens": 5}])
def test_what_follows_the_end_of_a_text_is_not_read(changes):
    network = tiny_network()
    right = plain_greedy(network, CONTEXT, CANVAS)
    given = {name: value(right) if callable(value) else value for name, value in changes.items()}
    assert verdict(network, [*right[:5], *[0] * (CANVAS - 5)], **given) is None


def test_verified_greedily_without_end_a_canvas_is_what_left_to_right_would_write():
    network = tiny_network()
    asked = request(
        mode="verified",
        sampler=SamplerSettings().with_overrides(temperature=0.0, steps=10 * CANVAS),
        verification=Verification(draft_steps=2, redraft_steps=1, min_share=1.0),
    )
    assert written(network, asked) == written(network, request())
    commits = [event for event in run_request(network, asked) if isinstance(event, CanvasCommitted)]
    assert all(event.converged for event in commits)
    assert all(event.readings > 0 for event in commits)


def test_a_canvas_whose_steps_run_out_is_committed_as_it_is_and_says_so():
    asked = request(
        mode="verified",
        sampler=SamplerSettings().with_overrides(steps=4),
        verification=Verification(min_share=1.0),
        max_new_tokens=CANVAS,
    )
    commit = next(event for event in run_request(tiny_network(), asked) if isinstance(event, CanvasCommitted))
    assert (commit.steps, commit.converged) == (4, False)
    assert len(commit.token_ids) == CANVAS


def test_a_mode_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(SettingError, match="mode is 'sideways'; choose diffusion, verified or autoregressive"):
        check_mode("sideways")


WARM = SamplerSettings().with_overrides(temperature=1.0)


def test_left_to_right_one_token_to_sample_is_the_greedy_text():
    network = tiny_network()
    greedy = written(network, request())
    assert written(network, request(sampler=WARM, filters=Filters(top_k=1))) == greedy
    assert written(network, request(sampler=WARM)) != greedy


def test_left_to_right_a_penalty_counts_every_token_before_and_a_bias_bans():
    network = tiny_network()
    greedy = written(network, request())
    assert len(set(greedy)) < len(greedy)
    fresh = written(network, request(filters=Filters(repetition_penalty=1e6)))
    assert len(set(fresh)) == len(fresh)
    assert not set(fresh) & set(CONTEXT)
    banned = written(network, request(filters=Filters(bias=((greedy[0], -100.0),))))
    assert greedy[0] not in banned


def test_a_draft_that_obeys_a_bias_holds():
    network = tiny_network()
    forced = request(
        mode="verified", verification=Verification(min_share=1.0), filters=Filters(bias=((9, 100.0),), top_p=0.9)
    )
    commits = [event for event in run_request(network, forced) if isinstance(event, CanvasCommitted)]
    assert {token for event in commits for token in event.token_ids} == {9}
    assert [event.readings for event in commits] == [1] * len(commits)
    assert all(event.converged for event in commits)


def test_the_likeliest_tokens_come_with_each_log_probability():
    asked = request(logprobs=True, top_logprobs=3)
    commits = [event for event in run_request(tiny_network(), asked) if isinstance(event, CanvasCommitted)]
    told = [(token, one) for event in commits for token, one in zip(event.token_ids, event.logprobs, strict=True)]
    assert told
    for token, one in told:
        assert len(one.top) == 3
        assert one.top[0] == (token, pytest.approx(one.last, abs=1e-5))
        assert sorted(one.top, key=lambda pair: -pair[1]) == list(one.top)
