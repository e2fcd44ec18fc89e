import math

import pytest
import torch

from gesso.engine.left_to_right import surprise
from gesso.errors import PromptError, SettingError
from gesso.lm.text_bound import bound_examples
from gesso.train.examples import Example

TEXT = " The fox had a red kite."


def test_each_token_has_its_surprise_and_the_end_too(lm):
    found = lm.score(TEXT, prompt="Once upon a time.", num_samples=0)
    context, tokens = lm.tokenizer.encode("Once upon a time.", add_bos=True), lm.tokenizer.encode(TEXT)
    expected = surprise(lm.network, context, [*tokens, lm.tokenizer.eos_id]).tolist()
    assert found.token_ids == tuple(tokens)
    assert [*found.token_nats, found.end_nats] == pytest.approx(expected, rel=1e-5)
    assert found.nats == pytest.approx(sum(expected), rel=1e-5)
    assert found.nats_per_token == pytest.approx(found.nats / len(expected))
    assert found.bits_per_byte == pytest.approx(found.nats / math.log(2) / len(TEXT.encode()))
    assert found.bound_nats is found.bound_error_nats is found.bound_bits_per_byte is None


def test_the_bound_is_that_of_the_text_and_its_end_on_whole_canvases(lm):
    text = TEXT * 3
    found = lm.score(text, num_samples=4, seed=7)
    tokens = lm.tokenizer.encode(text)
    filled = [*tokens, *[lm.tokenizer.eos_id] * (-len(tokens) % 16 or 16)]
    canvases = tuple(tuple(filled[first : first + 16]) for first in range(0, len(filled), 16))
    assert len(canvases) > 1
    bound = bound_examples(
        lm.network,
        [Example(context=(lm.tokenizer.bos_id,), canvases=canvases)],
        generator=torch.Generator().manual_seed(7),
        num_samples=4,
    )
    assert found.bound_nats == pytest.approx(bound.nats.item())
    assert found.bound_error_nats == pytest.approx(bound.standard_error.item())
    assert found.bound_bits_per_byte == pytest.approx(found.bound_nats / math.log(2) / len(text.encode()))
    assert lm.score(text, num_samples=4, seed=7) == found
    assert lm.score(text, num_samples=4, seed=8).bound_nats != found.bound_nats


@pytest.mark.parametrize(
    ("text", "settings", "error", "words"),
    [
        ("", {}, PromptError, "the text is empty"),
        ("kite " * 300, {}, PromptError, "the context has 256"),
        ("kite", {"num_samples": 1}, SettingError, "num_samples is 1"),
        ("kite", {"num_samples": -2}, SettingError, "num_samples is -2"),
    ],
)
def test_what_cannot_be_scored_is_refused(lm, text, settings, error, words):
    with pytest.raises(error, match=words):
        lm.score(text, **settings)
