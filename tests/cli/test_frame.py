import pytest
from rich.cells import cell_len

from gesso.cli.frame import (
    NO_TEXT,
    Mark,
    Span,
    canvas_spans,
    frame,
    layout,
    legend,
    printable,
    status,
    visible,
    window,
    without_color,
)
from gesso.engine.events import StepDone

TEXTS = [" the", " kite", "\n", "\x1b[2J", "\t", "", "\U0001f600", "\u6f22\u5b57", " a", "\r", "\u200d", "e\u0301"]
BYTES = {100: b"\xe6", 101: b"\xbc", 102: b"\xa2", 103: b"a", 104: b"\xff"}


def spell(ids) -> str:
    data = b"".join(BYTES[i] if i in BYTES else TEXTS[i].encode() for i in ids)
    return data.decode("utf-8", errors="replace")


def step(canvas, *, draft=None, accepted=None, entropy=None, **changes: object) -> StepDone:
    length = len(canvas)
    values = {
        "canvas_index": 0,
        "step": 3,
        "max_steps": 48,
        "draft": tuple(draft or canvas),
        "canvas": tuple(canvas),
        "accepted": tuple(accepted or [False] * length),
        "entropy": tuple(entropy or [5.0] * length),
        "temperature": 0.7,
    }
    return StepDone(**(values | changes))


def texts(lines) -> list[str]:
    return ["".join(span.text for span in line) for line in lines]


def test_noise_drafts_and_accepted_tokens_are_told_apart_and_show_their_own_token():
    event = step([0, 0, 0], draft=[1, 1, 1], accepted=[True, False, False], entropy=[0.1, 0.2, 4.0])
    assert canvas_spans(event, spell) == [
        Span(" the", Mark.ACCEPTED, 0.1),
        Span(" kite", Mark.DRAFT, 0.2),
        Span(" the", Mark.NOISE, 4.0),
    ]


def test_what_could_break_the_layout_becomes_visible():
    spans = canvas_spans(step([2, 3, 4, 5, 9, 10]), spell)
    assert [span.text for span in spans] == ["\u23ce", "\u241b[2J", "\u2409", NO_TEXT, "\u240d", "\u00b7"]


def test_tokens_that_share_a_character_become_one_span_and_broken_ones_stay_apart():
    spans = canvas_spans(step([100, 101, 102, 103, 104, 100, 103]), spell)
    assert [span.text for span in spans] == ["\u6f22", "a", "\ufffd", "\ufffd", "a"]


@pytest.mark.parametrize("width", [2, 3, 7, 20, 79])
def test_no_line_is_wider_than_the_terminal_and_no_text_is_lost(width):
    canvas = [0, 1, 6, 7, 8, 11, 2, 3, 9, 7, 6] * 5
    spans = canvas_spans(step(canvas), spell)
    lines = layout(spans, width)
    assert max(sum(cell_len(span.text) for span in line) for line in lines) <= width
    assert "".join(texts(lines)) == "".join(span.text for span in spans)


def test_lines_break_between_tokens_where_they_can():
    assert texts(layout([Span(" kite", Mark.NOISE)] * 4, 12)) == [" kite kite", " kite kite"]
    assert texts(layout([Span("abcdefg", Mark.NOISE)], 3)) == ["abc", "def", "g"]
    assert texts(layout([Span("a\n\nb", Mark.PROMPT), Span("c", Mark.NOISE)], 9)) == ["a", "", "bc"]


def test_a_canvas_taller_than_the_terminal_shows_where_it_is_still_in_doubt():
    lines = [(Span(str(i), Mark.ACCEPTED if i < 6 else Mark.NOISE),) for i in range(10)]
    assert window(lines, 20) == (lines, 0)
    assert window(lines, 3) == (lines[5:8], 5)
    assert window(lines[:6], 3) == (lines[3:6], 3)
    assert window(lines[6:], 3) == (lines[6:9], 0)


@pytest.mark.parametrize("size", [(80, 24), (20, 10), (4, 4), (2, 2), (1, 1), (300, 100)])
@pytest.mark.parametrize("color", [True, False])
def test_a_frame_fits_every_terminal(size, color):
    settled = [Span("Once upon a time\nthere", Mark.PROMPT), Span(" was a fox." * 9, Mark.COMMITTED)]
    event = step([0, 1, 6, 7, 8, 2] * 40, entropy=[1.0, 3.0] * 120)
    lines = frame(settled, event, spell, tokens_per_second=99.0, size=size, color=color)
    assert len(lines) <= max(1, size[1] - 1)
    assert max(sum(cell_len(span.text) for span in line) for line in lines) <= max(2, size[0] - 1)


def test_a_frame_has_the_text_then_the_canvas_then_status_and_legend():
    event = step([0, 1], accepted=[True, False])
    *shown, blank, state, marks = frame(
        [Span("Once", Mark.PROMPT)], event, spell, tokens_per_second=12.4, size=(100, 24), color=True
    )
    assert [[(span.text, span.mark) for span in line] for line in shown] == [
        [("Once", Mark.PROMPT), (" the", Mark.ACCEPTED), (" kite", Mark.NOISE)]
    ]
    assert blank == ()
    assert texts([state]) == ["canvas 1  step 3/48  accepted 1/2  entropy 5.000 nats  12 tokens/s"]
    assert texts([marks]) == ["noise  draft  accepted  committed"]


def test_a_frame_that_shows_a_part_says_which():
    lines = texts(frame([], step([0] * 200), spell, tokens_per_second=0.0, size=(81, 10), color=True))
    assert len(lines) == 9
    assert lines[-1].endswith("lines 1-6 of 10")


def test_without_color_the_marks_are_characters_and_the_legend_says_which():
    spans = [Span(" kite", Mark.NOISE), Span(" kite", Mark.DRAFT), Span(" kite", Mark.ACCEPTED)]
    assert [span.text for span in without_color(spans)] == [" \u00b7\u00b7\u00b7\u00b7", " kite?", " kite"]
    assert [cell_len(span.text) for span in without_color([Span("\u6f22\u5b57", Mark.NOISE)])] == [4]
    samples = "".join(span.text for span in legend(color=False))
    assert samples.startswith("\u00b7\u00b7\u00b7\u00b7\u00b7 noise  draft? draft  accepted accepted")


def test_the_legend_is_made_of_its_own_marks():
    assert [span.mark for span in legend(color=True) if span.text.strip()] == [
        Mark.NOISE,
        Mark.DRAFT,
        Mark.ACCEPTED,
        Mark.COMMITTED,
    ]


def test_the_status_tells_the_mean_entropy():
    event = step([0, 1], entropy=[1.0, 2.0], canvas_index=4)
    assert status(event, 1234.5) == "canvas 5  step 3/48  accepted 0/2  entropy 1.500 nats  1234 tokens/s"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\u6f22 \U0001f600", "\u6f22 \U0001f600"),
        ("a\u202eb", "a\u00b7b"),  # text direction
        ("\ue000\u0378", "\u00b7\u00b7"),  # private use, unassigned
        ("\u263a\ufe0f", "\u263a"),  # variation selector
        ("e\u0301 \u0301", "e\u0301 \u25cc\u0301"),  # an accent with and without its letter
        ("\x7f\x85", "\u00b7\u00b7"),
    ],
)
def test_visible_text_has_only_characters_whose_width_is_known(text, shown):
    assert visible(text) == shown
    assert visible(shown) == shown


def test_printable_text_keeps_lines_tabs_and_joined_emoji_but_no_commands():
    assert printable("a\tb\nc") == "a\tb\nc"
    assert printable("\U0001f469\u200d\U0001f680") == "\U0001f469\u200d\U0001f680"
    assert printable("\x1b]0;title\x07\r\udce9") == "\u241b]0;title\u2407\u240d\u00b7"
