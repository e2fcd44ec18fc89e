import math

import pytest
import torch

from gesso.sampling.alternatives import Onlooker
from gesso.sampling.denoise import denoise_canvas
from gesso.sampling.draws import canvas_generator
from gesso.sampling.log_probabilities import LogProbabilities
from gesso.sampling.pins import Pins
from gesso.sampling.settings import SamplerSettings
from gesso.sampling.stop import NeverStop
from tests.doubles import RestlessDenoiser

VOCAB, LENGTH = 20, 12


def run(seed, *, pins=None, steps=7, num_top=0):
    """What is told, and the plain record: each step's tokens, acceptance, draft and whole log-probabilities."""
    onlooker = Onlooker(RestlessDenoiser(torch.arange(LENGTH)[None], vocab_size=VOCAB), 0)
    followed, record = LogProbabilities(LENGTH, torch.device("cpu"), num_top), []
    for result in denoise_canvas(
        onlooker,
        SamplerSettings(max_steps=steps, stop=NeverStop()),
        [canvas_generator(seed, 0)],
        canvas_length=LENGTH,
        vocab_size=VOCAB,
        pins=pins,
    ):
        followed.note(result, onlooker.logits)
        logs = onlooker.logits[0].log_softmax(-1)
        record.append((result.sampled[0].tolist(), result.accepted[0].tolist(), result.state.draft[0].tolist(), logs))
    return followed.tell(), record


@pytest.mark.parametrize("seed", range(6))
def test_both_log_probabilities_are_those_of_their_definition(seed):
    told, record = run(seed)
    _, _, draft, last = record[-1]
    for position, (token, one) in enumerate(zip(draft, told, strict=True)):
        assert one.last == pytest.approx(float(last[position, token]), abs=1e-5)
        since = None
        for sampled, accepted, _, logs in reversed(record):
            if not (accepted[position] and sampled[position] == token):
                break
            since = float(logs[position, token])
        assert (one.accepted is None) == (since is None)
        assert since is None or one.accepted == pytest.approx(since, abs=1e-5)


def test_some_tokens_were_accepted_before_the_last_step_and_some_never():
    told = [one for seed in range(6) for one in run(seed, steps=3)[0]]
    assert any(one.accepted is None for one in told)
    assert any(one.accepted is not None and not math.isclose(one.accepted, one.last, abs_tol=1e-4) for one in told)


def test_a_fixed_token_is_certain():
    mask = torch.arange(LENGTH)[None] == 3
    told, _ = run(0, pins=Pins(mask=mask, tokens=torch.full((1, LENGTH), 7)))
    assert (told[3].last, told[3].accepted) == (0.0, 0.0)


def test_the_likeliest_tokens_are_those_of_the_last_step():
    told, record = run(1, num_top=3)
    _, _, draft, last = record[-1]
    for position, (token, one) in enumerate(zip(draft, told, strict=True)):
        likeliest = last[position].topk(3)
        assert [found for found, _ in one.top] == likeliest.indices.tolist()
        assert [logprob for _, logprob in one.top] == pytest.approx(likeliest.values.tolist(), abs=1e-5)
        assert one.top[0] == (token, pytest.approx(one.last, abs=1e-5))
    assert all(one.top == () for one in run(1)[0])


def test_what_cannot_be_is_not_told_of():
    mask = torch.arange(LENGTH)[None] == 3
    told, _ = run(0, pins=Pins(mask=mask, tokens=torch.full((1, LENGTH), 7)), num_top=4)
    assert told[3].top == ((7, 0.0),)
