from gesso.engine.request import Request
from gesso.lm.trace import Span
from gesso.server.progress import Ended, Frame, Grown, Order, tell


def order_of(lm, *, drafts=None, stop=(), is_conversation=False, max_new_tokens=24):
    request = Request(
        prompt_ids=(2, 40), max_new_tokens=max_new_tokens, sampler=lm.sampler, seed=0, stop_ids=lm.stop_ids
    )
    return Order(request=request, stop=stop, is_conversation=is_conversation, draft_interval_s=drafts)


def test_every_step_gives_way_and_without_drafts_none_is_told(lm):
    told = list(tell(lm, order_of(lm)))
    assert not any(isinstance(item, Frame) for item in told)
    ended = told[-1]
    assert isinstance(ended, Ended)
    assert told.count(None) == sum(ended.result.steps)
    assert sum(isinstance(item, Grown) for item in told) == len(ended.result.steps) == 2


def test_with_drafts_each_canvas_ends_with_a_frame_of_what_was_committed(lm):
    told = list(tell(lm, order_of(lm, drafts=0.0)))
    frames = [item for item in told if isinstance(item, Frame)]
    commits = [item.frame for item in told if isinstance(item, Grown)]
    assert len(frames) == sum(told[-1].result.steps)
    assert [commit.canvas for commit in commits] == [0, 1]
    for commit in commits:
        assert {span.state for span in commit.spans} == {"committed"}
    assert commits[1].spans[-1].end == 8, "the second canvas of 16 is cut at 24 tokens"


def test_frames_keep_their_distance_but_the_commit_is_always_told(lm):
    now = iter(range(1_000))
    told = list(tell(lm, order_of(lm, drafts=10.0), clock=lambda: next(now)))
    assert sum(isinstance(item, Frame) for item in told) < sum(told[-1].result.steps)
    assert all(item.frame is not None for item in told if isinstance(item, Grown))


def test_the_pieces_are_the_text(writer):
    lm = writer("One two three four five six seven eight nine ten eleven twelve thirteen.")
    for is_conversation in (False, True):
        told = list(tell(lm, order_of(lm, is_conversation=is_conversation, max_new_tokens=60)))
        pieces = [item.piece.content for item in told if isinstance(item, Grown | Ended)]
        assert "".join(pieces) == told[-1].result.text.strip() != ""


def test_the_stop_string_that_ended_a_text_is_told(writer):
    lm = writer("One. Two. Three.")
    ended = list(tell(lm, order_of(lm, stop=("Three", "Two"))))[-1]
    assert ended.stop_string == "Two"
    assert list(tell(lm, order_of(lm)))[-1].stop_string is None


def frame(texts, states, canvas=0):
    spans = [
        Span(start=i, end=i + 1, text=text, state=state, entropy=0.0, draft=text)
        for i, (text, state) in enumerate(zip(texts, states, strict=True))
    ]
    return Frame(canvas=canvas, step=1, total=3, spans=spans)


def test_changed_are_the_positions_whose_text_or_state_differs_from_the_frame_before():
    first = frame("abc", ["noise", "draft", "accepted"])
    second = frame("xbc", ["noise", "draft", "committed"])
    assert first.facts(None)["changed"] == [0, 1, 2]
    assert second.facts(first)["changed"] == [0, 2]
    assert second.facts(second)["changed"] == []


def test_a_new_canvas_is_new_at_every_position():
    assert frame("ab", ["noise"] * 2, canvas=1).facts(frame("ab", ["noise"] * 2))["changed"] == [0, 1]


def test_a_frame_has_a_span_for_each_position_and_a_confidence_from_0_to_1(lm):
    shown = next(item for item in tell(lm, order_of(lm, drafts=0.0)) if isinstance(item, Frame)).facts(None)
    assert [place for span in shown["spans"] for place in range(span["start"], span["end"])] == list(range(16))
    assert all(0 <= span["confidence"] <= 1 for span in shown["spans"])
    assert {span["state"] for span in shown["spans"]} <= {"noise", "draft", "accepted"}
    assert shown["total"] == lm.sampler.max_steps
    assert shown["temperature"] == 0.8
