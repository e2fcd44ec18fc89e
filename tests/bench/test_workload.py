import statistics

import pytest

from gesso.bench.workload import poisson_arrivals, story_prompts, story_requests, with_all_steps
from gesso.errors import SettingError


def test_prompts_are_always_the_same_and_of_unlike_lengths(lm):
    prompts = story_prompts(lm, 8)
    assert prompts == story_prompts(lm, 8)
    assert len({len(prompt) for prompt in prompts}) > 4


def test_requests_have_the_settings_that_are_given_and_else_those_of_the_model(lm):
    requests = story_requests(lm, 3, seed=7)
    assert [request.seed for request in requests] == [7, 8, 9]
    assert {request.max_new_tokens for request in requests} == {lm.network.config.canvas_length}
    assert {request.sampler for request in requests} == {lm.sampler}
    given = story_requests(lm, 1, steps=2, max_new_tokens=5, mode="verified")[0]
    assert (given.sampler.max_steps, given.max_new_tokens, given.mode) == (2, 5, "verified")


def test_equal_work_takes_all_steps_and_ends_at_the_length(lm):
    written = with_all_steps(lm).generate("Once", seed=0, max_new_tokens=40, mode="diffusion", steps=3)
    assert written.steps == [3, 3, 3]
    assert len(written.token_ids) == 40


def test_no_requests_are_refused(lm):
    with pytest.raises(SettingError, match="the number of requests is 0"):
        story_requests(lm, 0)


def test_arrivals_ascend_are_repeatable_and_come_at_their_rate():
    arrivals = poisson_arrivals(4.0, 4000, seed=1)
    assert arrivals == poisson_arrivals(4.0, 4000, seed=1)
    assert arrivals != poisson_arrivals(4.0, 4000, seed=2)
    gaps = [after - before for before, after in zip([0.0, *arrivals], arrivals, strict=False)]
    assert min(gaps) > 0
    assert statistics.mean(gaps) == pytest.approx(0.25, rel=0.1)
    assert statistics.stdev(gaps) == pytest.approx(0.25, rel=0.1), "gaps of a Poisson process vary as much as they last"


def test_a_rate_that_is_none_is_refused():
    with pytest.raises(SettingError, match="the rate of arrivals is 0"):
        poisson_arrivals(0.0, 1, seed=0)
