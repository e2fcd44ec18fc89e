import pytest
import torch

from gesso.engine.events import CanvasCommitted
from gesso.engine.reference import run_request
from gesso.engine.request import MODES, FirstCanvas, Request
from gesso.errors import PromptError
from gesso.evals import canvases
from gesso.evals.canvases import Written, write_requests
from gesso.sampling.settings import SamplerSettings
from tests.tiny_model import CONFIG, tiny_network

C = CONFIG.canvas_length
SAMPLER = SamplerSettings().with_overrides(steps=4, stability=0, confidence=1.5)


def make_request(seed, **changes):
    length = 1 + 5 * seed % 7
    given = {
        "prompt_ids": tuple(range(20, 20 + length)),
        "max_new_tokens": [5, C, 2 * C + 3][seed % 3],
        "sampler": SAMPLER,
        "seed": seed,
        "stop_ids": frozenset(range(0, CONFIG.vocab_size, 40)),
    }
    return Request(**given | changes)


def alone(network, request):
    """What the reference engine writes for a request."""
    commits = [event for event in run_request(network, request) if isinstance(event, CanvasCommitted)]
    return Written(
        token_ids=tuple(token for event in commits for token in event.token_ids),
        steps=tuple(event.steps for event in commits),
        readings=tuple(event.readings for event in commits),
        converged=all(event.converged for event in commits),
    )


def test_requests_written_together_have_the_tokens_of_requests_written_alone():
    network = tiny_network()
    pinned = FirstCanvas(token_ids=tuple(range(100, 100 + C)), pinned=tuple(i % 3 == 0 for i in range(C)))
    requests = [make_request(seed, mode=MODES[seed % 3]) for seed in range(7)] + [
        make_request(8, first_canvas=pinned, stop_ids=frozenset())
    ]
    together = dict(write_requests(network, requests))
    assert together == {i: alone(network, request) for i, request in enumerate(requests)}
    assert len({written.steps for written in together.values()}) > 2, "rows leave at different steps and canvases"


def test_pins_hold_in_the_first_canvas_alone():
    pinned = FirstCanvas(token_ids=(7,) * C, pinned=(True,) * C)
    request = make_request(2, first_canvas=pinned, stop_ids=frozenset())
    [(_, written)] = write_requests(tiny_network(), [request])
    assert written.token_ids[:C] == (7,) * C
    assert written.token_ids[C : 2 * C] != (7,) * C


def test_nothing_is_written_for_nobody():
    assert list(write_requests(tiny_network(), [])) == []


def test_bad_requests_are_refused_before_any_step():
    network = tiny_network()
    with pytest.raises(PromptError, match="the prompt has no tokens"):
        write_requests(network, [make_request(0), make_request(1, prompt_ids=())])


def test_a_canvas_to_revise_is_where_denoising_starts():
    network = tiny_network()
    seen = []
    forward = network.denoise_hidden
    network.denoise_hidden = lambda canvas, *rest, **more: seen.append(canvas) or forward(canvas, *rest, **more)
    initial = torch.arange(2 * C).view(2, C)
    canvases.denoise_after(network, [[1], [2, 3]], SAMPLER, [torch.Generator(), torch.Generator()], initial=initial)
    assert seen[0].equal(initial)
