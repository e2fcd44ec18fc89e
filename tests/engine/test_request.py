import pytest

from gesso.engine.request import FirstCanvas, Request
from gesso.errors import PromptError, SettingError
from gesso.sampling.filters import Filters
from gesso.sampling.settings import SamplerSettings
from tests.engine.doubles import CANVAS, CONFIG, VOCAB, rule_of


def request(**changes: object) -> Request:
    values = {
        "prompt_ids": (2, 3),
        "max_new_tokens": CANVAS,
        "sampler": SamplerSettings(),
        "seed": 0,
        "stop_ids": frozenset({1}),
    }
    return Request(**(values | changes))


@pytest.mark.parametrize(("tokens", "canvases"), [(1, 1), (CANVAS, 1), (CANVAS + 1, 2), (3 * CANVAS, 3)])
def test_the_canvases_of_a_request_hold_at_least_its_tokens(tokens, canvases):
    assert request(max_new_tokens=tokens).num_canvases(CANVAS) == canvases


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"max_new_tokens": 0}, SettingError, "max_new_tokens is 0; ask for at least 1"),
        ({"max_new_tokens": -5}, SettingError, "max_new_tokens is -5"),
        ({"alternatives": 21}, SettingError, "alternatives is 21; give 0 to 20"),
        ({"top_logprobs": 21, "logprobs": True}, SettingError, "top_logprobs is 21; give 0 to 20"),
        ({"top_logprobs": 3}, SettingError, "top_logprobs is 3 and logprobs is not given; give both"),
        (
            {"filters": Filters(bias=((VOCAB, 1.0),))},
            SettingError,
            f"names the token {VOCAB}; this model's ids go from 0",
        ),
        ({"filters": Filters(top_k=3), "rule": rule_of("3")}, SettingError, "top_k is 3, and .* is asked for"),
        ({"prompt_ids": ()}, PromptError, "the prompt has no tokens"),
        ({"prompt_ids": (2, VOCAB)}, PromptError, f"token id {VOCAB}; this model's ids go from 0 to {VOCAB - 1}"),
        ({"prompt_ids": (-1,)}, PromptError, "token id -1"),
        ({"prompt_ids": (2,) * 57}, PromptError, "57 tokens and 8 more .* together 65 exceed the context of 64"),
        ({"max_new_tokens": 57}, PromptError, "together 66 exceed the context of 64"),
        (
            {"first_canvas": FirstCanvas(token_ids=(3,) * 7, pinned=(True,) * CANVAS)},
            SettingError,
            "7 tokens and 8 pins; this model's canvases have 8",
        ),
        ({"rule": rule_of("3{9}")}, SettingError, "needs at least 9 more tokens and 8 are left; raise max_new"),
        ({"rule": rule_of("3", 30)}, SettingError, "the rule is about 30 tokens and ends with .1.; this model has 40"),
        ({"rule": rule_of("3"), "stop_ids": frozenset({1, 5})}, SettingError, "the request ends with .1, 5."),
    ],
)
def test_what_the_network_cannot_do_is_refused_with_value_and_remedy(changes, error, words):
    with pytest.raises(error, match=words):
        request(**changes).check(CONFIG)


@pytest.mark.parametrize("changes", [{}, {"prompt_ids": (2,) * 56}, {"max_new_tokens": 56, "prompt_ids": (2,) * 8}])
def test_a_request_that_just_fits_the_context_is_accepted(changes):
    request(**changes).check(CONFIG)
