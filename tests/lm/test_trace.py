import itertools
import json
import math
from dataclasses import replace

import pytest

from gesso.engine.events import CanvasCommitted, StepDone
from gesso.lm.trace import FORMAT, VERSION, Span, TraceRecorder, committed_spans, spans
from gesso.text.characters import characters

STORY = " there was a little red kite. It flew over the hill and came back home before the rain began to fall."
FOX = "\N{FOX FACE}"


def step(lm, *, draft, canvas, accepted, entropy):
    """A step of a canvas that is given as pieces of one token each."""
    ids = [tuple(i for piece in pieces for i in lm.tokenizer.encode(piece)) for pieces in (draft, canvas)]
    return StepDone(
        canvas_index=0,
        step=2,
        max_steps=4,
        draft=ids[0],
        canvas=ids[1],
        accepted=tuple(accepted),
        entropy=tuple(entropy),
        temperature=0.6,
    )


@pytest.fixture
def trace(lm):
    """`trace(writing)`: the trace of a writing run to its end."""

    def make(writing):
        ticks = itertools.count()
        recorder = TraceRecorder(lm.tokenizer.decode, clock=lambda: float(next(ticks)))
        for event in writing:
            recorder.record(event)
        return recorder.trace(writing, model="tiny", request={"prompt": "Once"})

    return make


def test_a_position_shows_what_it_holds_accepted_token_likely_draft_or_noise(lm):
    event = step(
        lm,
        draft=[" a", " red", " kite"],
        canvas=[" the", " boat", " moon"],
        accepted=[True, False, False],
        entropy=[0.0, 1.4, 1.6],
    )
    assert spans(event, lm.tokenizer.decode) == [
        Span(start=0, end=1, text=" the", state="accepted", entropy=0.0, draft=" a"),
        Span(start=1, end=2, text=" red", state="draft", entropy=1.4, draft=" red"),
        Span(start=2, end=3, text=" moon", state="noise", entropy=1.6, draft=" kite"),
    ]


def test_a_position_tells_what_else_may_stand_there_unless_that_is_next_to_nothing(lm):
    red, boat, moon = (lm.tokenizer.encode(piece)[0] for piece in (" red", " boat", " moon"))
    event = step(lm, draft=[" red"] * 2, canvas=[" red"] * 2, accepted=[True] * 2, entropy=[0.5, 0.0])
    event = replace(event, alternatives=(((red, 0.7), (boat, 0.25), (moon, 0.004)), ((red, 0.998), (boat, 0.002))))
    unsure, sure = spans(event, lm.tokenizer.decode)
    assert unsure.alternatives == ((" red", 0.7), (" boat", 0.25))
    assert sure.alternatives == ()


def test_a_trace_has_alternatives_if_they_were_asked_for(lm, trace):
    asked, unasked = (trace(lm.start("Once", seed=3, alternatives=num)) for num in (2, 0))
    assert all("alternatives" not in one for one in unasked["steps"])
    for one in asked["steps"]:
        told = one.pop("alternatives")
        for place, choice in told.items():
            assert len(choice) == 2
            assert choice[0][0] == one["draft"].get(place, one["text"][int(place)])
            assert choice[0][1] >= choice[1][1] > 0
    assert told


def test_confidence_is_one_over_the_number_of_equally_likely_tokens():
    span = Span(start=0, end=1, text="", state="draft", entropy=math.log(4), draft="")
    assert span.confidence == pytest.approx(0.25)


def test_spans_cover_the_canvas_without_gap_or_overlap(lm):
    for event in lm.stream("Once", seed=1):
        if isinstance(event, StepDone):
            shown = spans(event, lm.tokenizer.decode)
            assert [span.start for span in shown] == [0, *(span.end for span in shown[:-1])]
            assert shown[-1].end == len(event.canvas)


def test_tokens_that_share_a_character_are_one_span(lm):
    ids = lm.tokenizer.encode(f"a{FOX}b")
    assert len(ids) > 3
    assert [text for _, _, text in characters(ids, lm.tokenizer.decode)] == ["a", FOX, "b"]
    assert [(start, end) for start, end, _ in characters(ids, lm.tokenizer.decode)][1] == (1, len(ids) - 1)


def test_bytes_that_are_no_character_stay_apart(lm):
    half = lm.tokenizer.encode(FOX)[:2]
    assert [text for _, _, text in characters(half, lm.tokenizer.decode)] == ["\N{REPLACEMENT CHARACTER}"] * 2


def test_a_control_token_has_no_text(lm):
    assert list(characters([lm.tokenizer.eos_id], lm.tokenizer.decode)) == [(0, 1, "")]


def test_a_committed_canvas_is_certain_and_spells_its_text(lm):
    ids = tuple(lm.tokenizer.encode(STORY))
    event = CanvasCommitted(canvas_index=0, token_ids=ids, steps=3, converged=True)
    shown = committed_spans(event, lm.tokenizer.decode)
    assert "".join(span.text for span in shown) == STORY
    assert {(span.state, span.confidence) for span in shown} == {("committed", 1.0)}


def test_the_last_drafts_up_to_the_tokens_that_count_are_the_text(writer, trace):
    model = writer(STORY)
    written = trace(model.start("Once", seed=0, max_new_tokens=64))
    text = ""
    for commit in written["commits"]:
        last = [one for one in written["steps"] if one["canvas"] == commit["canvas"]][-1]
        drafts = [last["draft"].get(str(place), shown) for place, shown in enumerate(last["text"])]
        canvas = "".join(one or "" for one in drafts[: commit["tokens"]])
        assert canvas == commit["text"]
        text += canvas
    assert text == STORY == written["result"]["text"]
    assert written["result"]["finish_reason"] == "stop"
    assert sum(commit["tokens"] for commit in written["commits"]) == written["result"]["tokens"]


def test_a_commit_tells_how_often_its_drafts_were_read(lm, trace):
    asked = {"seed": 0, "mode": "verified", "steps": 24, "max_new_tokens": 16}
    told = [event.readings for event in lm.start("Once", **asked) if isinstance(event, CanvasCommitted)]
    assert [commit["readings"] for commit in trace(lm.start("Once", **asked))["commits"]] == told
    assert min(told) > 0


def test_every_step_has_a_value_for_every_position(lm, trace):
    written = trace(lm.start("Once", seed=3))
    assert [(one["canvas"], one["step"], one["total"]) for one in written["steps"]] == [
        (canvas, number, 3) for canvas in (0, 1) for number in (1, 2, 3)
    ]
    for one in written["steps"]:
        assert len(one["text"]) == len(one["state"]) == len(one["entropy"]) == 16
        assert set(one["state"]) <= set("nda")
        assert all(one["text"][int(place)] != draft for place, draft in one["draft"].items())


def test_a_trace_is_json_and_says_what_was_asked_and_how(lm, trace):
    writing = lm.start("Once", seed=3, steps=2, temperature=0.0, max_new_tokens=9)
    written = json.loads(json.dumps(trace(writing), allow_nan=False))
    assert (written["format"], written["version"], written["model"]) == (FORMAT, VERSION, "tiny")
    assert written["request"] == {"prompt": "Once"}
    assert written["settings"] == {
        "seed": 3,
        "max_new_tokens": 9,
        "max_steps": 2,
        "temperature": {"rule": "ConstantTemperature", "value": 0.0},
        "acceptance": {"rule": "EntropyBound", "bound_nats": 0.1, "reach": None},
        "stop": {"rule": "StableAndConfident", "stability_steps": 1, "confidence_nats": 0.005},
    }
    assert [one["temperature"] for one in written["steps"]] == [0.0, 0.0]


def test_steps_carry_the_seconds_since_the_beginning(lm, trace):
    written = trace(lm.start("Once", seed=3, max_new_tokens=9))
    assert [one["seconds"] for one in written["steps"]] == [1.0, 2.0, 3.0]


def test_what_was_left_off_is_interrupted_and_keeps_its_steps(lm, trace):
    writing = lm.start("Once", seed=3)
    next(writing)
    recorded = TraceRecorder(lm.tokenizer.decode)
    recorded.record(next(writing))
    written = recorded.trace(writing, model="tiny", request={"prompt": "Once"}, finished=False)
    assert written["result"]["finish_reason"] == "interrupted"
    assert [one["step"] for one in written["steps"]] == [2]
    assert written["commits"] == []
