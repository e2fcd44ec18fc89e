from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from gesso.engine.events import CanvasCommitted, Finished, StepDone
from gesso.engine.reference import run_request
from gesso.engine.request import FirstCanvas, Request, cut_at_stop
from gesso.errors import GenerationError, PromptError
from gesso.sampling.settings import SamplerSettings
from tests.engine.doubles import CANVAS, ScriptedNetwork
from tests.tiny_model import tiny_network

EOS, TURN = 1, 5
STOP_IDS = frozenset({EOS, TURN})
WHOLE = list(range(10, 34))
LINES = [WHOLE[:8], WHOLE[8:16], WHOLE[16:]]


def request(**changes: object) -> Request:
    values = {
        "prompt_ids": (2,),
        "max_new_tokens": 3 * CANVAS,
        "sampler": SamplerSettings().with_overrides(steps=4),
        "seed": 0,
        "stop_ids": STOP_IDS,
    }
    return Request(**(values | changes))


def script(**stops: int) -> list[list[int]]:
    """The lines, with stop tokens put into them: c1p3=EOS is canvas 1, position 3."""
    lines = [line[:] for line in LINES]
    for place, token in stops.items():
        lines[int(place[1])][int(place[3])] = token
    return lines


def emitted(events: list) -> list[int]:
    return [token for event in events if isinstance(event, CanvasCommitted) for token in event.token_ids]


@pytest.mark.parametrize(
    ("stops", "length"),
    [
        ({"c0p0": EOS}, 0),
        ({"c0p3": TURN}, 3),
        ({"c0p7": EOS}, 7),
        ({"c1p0": EOS}, 8),
        ({"c1p5": EOS}, 13),
        ({"c2p7": TURN}, 23),
        ({"c1p4": EOS, "c1p2": TURN, "c2p0": EOS}, 10),
    ],
)
def test_the_text_ends_before_the_first_stop_token_wherever_it_stands(stops, length):
    network = ScriptedNetwork(script(**stops))
    events = list(run_request(network, request()))
    assert emitted(events) == WHOLE[:length]
    assert events[-1] == Finished(reason="stop")
    assert len(network.encoded) == 1 + length // CANVAS  # the prompt, and the canvases before the last


@pytest.mark.parametrize("limit", [1, 7, 8, 9, 16, 23, 24])
def test_without_a_stop_token_the_text_has_the_length_asked_for(limit):
    events = list(run_request(ScriptedNetwork(LINES), request(max_new_tokens=limit)))
    assert emitted(events) == WHOLE[:limit]
    assert events[-1] == Finished(reason="length")


@pytest.mark.parametrize(("position", "reason"), [(2, "stop"), (3, "length"), (4, "length")])
def test_a_stop_token_past_the_length_asked_for_does_not_count(position, reason):
    lines = script()
    lines[0][position] = EOS
    assert list(run_request(ScriptedNetwork(lines), request(max_new_tokens=3)))[-1] == Finished(reason=reason)


def test_a_committed_canvas_is_encoded_whole_before_the_next_and_the_last_not_at_all():
    network = ScriptedNetwork(LINES)
    list(run_request(network, request(prompt_ids=(2, 9), max_new_tokens=20)))
    assert network.encoded == [[2, 9], LINES[0], LINES[1]]


def test_events_come_in_order_and_count_their_steps():
    events = list(run_request(ScriptedNetwork(LINES), request()))
    order = "".join(type(event).__name__[0] for event in events)
    assert order == "SSCSSCSSCF"  # an oracle is stable and certain after its second step
    steps = [event for event in events if isinstance(event, StepDone)]
    assert [(event.canvas_index, event.step, event.max_steps) for event in steps] == [
        (canvas, step, 4) for canvas in range(3) for step in (1, 2)
    ]
    commits = [event for event in events if isinstance(event, CanvasCommitted)]
    assert [(event.canvas_index, event.steps, event.converged) for event in commits] == [
        (0, 2, True),
        (1, 2, True),
        (2, 2, True),
    ]


def test_a_canvas_whose_steps_run_out_is_committed_as_it_is_and_says_so():
    events = list(run_request(ScriptedNetwork(LINES), request(sampler=SamplerSettings(max_steps=1), max_new_tokens=8)))
    assert events[-2] == CanvasCommitted(canvas_index=0, token_ids=tuple(LINES[0]), steps=1, converged=False)


def test_a_step_shows_the_draft_what_was_accepted_and_how_certain_it_is():
    step = next(run_request(ScriptedNetwork(LINES), request()))
    assert step.draft == tuple(LINES[0])
    assert step.canvas == tuple(LINES[0])
    assert step.accepted == (True,) * CANVAS
    assert max(step.entropy) < 1e-6
    assert step.temperature == pytest.approx(0.8)


def test_nothing_runs_before_the_first_event_is_asked_for_and_nothing_after_the_last_that_is():
    network = ScriptedNetwork(LINES)
    events = run_request(network, request())
    assert network.encoded == []
    for _ in range(4):  # two steps, a commit, and the first step of the next canvas
        next(events)
    assert network.num_denoised == 3


def test_a_request_that_does_not_fit_is_refused_before_anything_runs():
    network = ScriptedNetwork(LINES)
    with pytest.raises(PromptError, match="no tokens"):
        run_request(network, request(prompt_ids=()))
    assert network.encoded == []


@pytest.mark.parametrize("length", [1, 6, 7, 50])
def test_prompts_of_one_token_and_of_many_windows_are_written_on_from(length):
    network = tiny_network()
    events = list(run_request(network, request(prompt_ids=tuple(range(20, 20 + length)), max_new_tokens=40)))
    assert len(emitted(events)) == 40 or events[-1].reason == "stop"
    assert [event.canvas_index for event in events if isinstance(event, CanvasCommitted)][-1] <= 2


def test_the_same_seed_gives_the_same_events_and_another_seed_others():
    network = tiny_network()
    ask = request(prompt_ids=(2, 30, 31), max_new_tokens=40)
    first, again = list(run_request(network, ask)), list(run_request(network, ask))
    assert first == again
    other = list(run_request(network, replace(ask, seed=1)))
    assert first[0].canvas != other[0].canvas
    assert emitted(first) != emitted(other)


def test_later_canvases_do_not_repeat_the_noise_of_the_first():
    events = list(run_request(tiny_network(), request(max_new_tokens=32)))
    first, second = (next(e for e in events if isinstance(e, StepDone) and e.canvas_index == i) for i in (0, 1))
    both_noise = [i for i in range(16) if not first.accepted[i] and not second.accepted[i]]
    assert len(both_noise) > 8
    assert all(first.canvas[i] != second.canvas[i] for i in both_noise)


def test_a_shorter_text_is_the_beginning_of_a_longer_one():
    network = tiny_network()
    ask = request(prompt_ids=(2, 30, 31), stop_ids=frozenset())
    texts = [emitted(list(run_request(network, replace(ask, max_new_tokens=n)))) for n in (5, 16, 21, 48)]
    for shorter, longer in pairwise(texts):
        assert longer[: len(shorter)] == shorter


def test_pins_hold_at_every_step_and_only_in_the_first_canvas():
    pinned = tuple(i in (0, 3, 15) for i in range(16))
    first = FirstCanvas(token_ids=tuple(100 + i for i in range(16)), pinned=pinned)
    ask = request(max_new_tokens=32, first_canvas=first, stop_ids=frozenset())
    events = list(run_request(tiny_network(), ask))
    for event in events:
        if isinstance(event, StepDone) and event.canvas_index == 0:
            assert [event.canvas[i] for i in (0, 3, 15)] == [100, 103, 115]
            assert [event.draft[i] for i in (0, 3, 15)] == [100, 103, 115]
            assert all(event.accepted[i] for i in (0, 3, 15))
    commits = [event for event in events if isinstance(event, CanvasCommitted)]
    assert [commits[0].token_ids[i] for i in (0, 3, 15)] == [100, 103, 115]
    assert [commits[1].token_ids[i] for i in (0, 3, 15)] != [100, 103, 115]


def test_weights_that_are_no_numbers_end_the_run_with_what_to_check():
    network = tiny_network()
    network.layers[0].mlp.up_proj.weight[0, 0] = torch.nan
    with pytest.raises(GenerationError, match="not numbers at step 1 of 4"):
        list(run_request(network, request()))


@pytest.mark.parametrize(
    ("tokens", "limit", "expected"),
    [
        ([7, 8, 9], 3, ([7, 8, 9], False)),
        ([7, 8, 9], 2, ([7, 8], False)),
        ([7, EOS, 9], 3, ([7], True)),
        ([7, EOS, 9], 1, ([7], False)),
        ([TURN, EOS], 2, ([], True)),
    ],
)
def test_a_canvas_is_cut_at_its_first_stop_token_or_its_limit(tokens, limit, expected):
    assert cut_at_stop(tokens, STOP_IDS, limit) == expected
