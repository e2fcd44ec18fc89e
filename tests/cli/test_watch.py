import io

import pytest
from rich.console import Console

from gesso.cli.watch import FRAME_SECONDS, LineWatch, Pace, TerminalWatch
from gesso.engine.events import StepDone
from tests.cli.terminal import Terminal

WORDS = [" a", " red", " kite", " flew", " over", " the", " hill", "."]


def spell(ids) -> str:
    return "".join(WORDS[i] for i in ids)


def step(number: int, *, accepted: bool = False, canvas_index: int = 0) -> StepDone:
    return StepDone(
        canvas_index=canvas_index,
        step=number,
        max_steps=20,
        draft=tuple(range(8)),
        canvas=tuple(range(8)) if accepted else (number % 8,) * 8,
        accepted=(accepted,) * 8,
        entropy=(0.0 if accepted else 9.0,) * 8,
        temperature=0.5,
        draft_text="Once a red\nkite",
    )


class Clock:
    """Time that passes only when somebody sleeps, or is told to."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def watch(terminal: Terminal, clock: Clock, *, prompt: str = "", seconds: float = 0.0, text_stream=None):
    console = Console(file=terminal, width=terminal.columns, height=terminal.lines, force_terminal=True, no_color=True)
    return TerminalWatch(console, text_stream or terminal, spell, prompt=prompt, pace=Pace(seconds, clock, clock.sleep))


def test_the_canvas_is_drawn_over_and_the_text_left_behind():
    terminal, clock = Terminal(), Clock()
    shown = watch(terminal, clock, prompt="Once")
    for number in range(1, 6):
        shown.step(step(number), 10.0)
        clock.now += 1
    assert terminal.rows[0].startswith("Once \u00b7\u00b7")
    assert terminal.rows[-2].startswith("canvas 1  step 5/20  accepted 0/8")
    shown.step(step(6, accepted=True), 10.0)
    shown.commit(" a red kite flew over the hill.")
    shown.close()
    assert terminal.rows == ["Once a red kite flew over the hill.", ""]
    assert terminal.cursor_shown
    assert terminal.wrapped == 0


def test_lines_that_are_complete_scroll_off_at_once_and_the_rest_stays_with_the_canvas():
    terminal, clock = Terminal(), Clock()
    shown = watch(terminal, clock, prompt="Title\nOnce")
    shown.step(step(1), 10.0)
    shown.commit(" a red\nkite")
    assert terminal.rows == ["Title", "Once a red", "kite"]
    clock.now += 1
    shown.step(step(1, canvas_index=1), 10.0)
    assert terminal.rows[:2] == ["Title", "Once a red"]
    assert terminal.rows[2].startswith("kite \u00b7")
    shown.commit(" flew.\n")
    shown.close()
    assert terminal.rows == ["Title", "Once a red", "kite flew.", ""]


def test_frames_come_at_most_twenty_times_a_second_and_the_last_of_a_canvas_always(monkeypatch):
    terminal, clock = Terminal(), Clock()
    shown = watch(terminal, clock)
    frames = []
    monkeypatch.setattr(shown._region, "draw", lambda lines: frames.append(lines[-2].text))
    for number in range(1, 12):
        shown.step(step(number), 10.0)
        clock.now += FRAME_SECONDS / 2.5
    assert len(frames) == 4
    assert "step 10/" in frames[-1]
    shown.commit("")
    assert "step 11/" in frames[-1]
    shown.commit("")
    assert len(frames) == 5


def test_text_goes_to_the_text_stream_if_that_is_a_terminal_and_else_to_the_console():
    for text_stream, is_shown in ((Terminal(), False), (io.StringIO(), True)):
        terminal, clock = Terminal(), Clock()
        shown = watch(terminal, clock, text_stream=text_stream)
        shown.step(step(1), 1.0)
        shown.commit("Once.\n")
        shown.close()
        assert ("Once." in terminal.rows) is is_shown
        if not is_shown:
            assert text_stream.rows == ["Once.", ""]


def test_closed_in_the_middle_of_a_canvas_the_screen_holds_the_committed_text_alone():
    terminal, clock = Terminal(), Clock()
    shown = watch(terminal, clock)
    shown.step(step(1), 1.0)
    shown.close()
    assert terminal.rows == [""]
    assert terminal.cursor_shown


def test_commands_in_a_prompt_do_not_reach_the_terminal():
    terminal, clock = Terminal(), Clock()
    shown = watch(terminal, clock, prompt="\x1b[2J[bold]Once")
    shown.step(step(1), 1.0)
    shown.close()
    assert terminal.rows == ["\u241b[2J[bold]Once", ""]


@pytest.mark.parametrize("lines", [2, 5, 9])
def test_a_canvas_on_a_low_terminal_never_leaves_the_screen(lines):
    terminal, clock = Terminal(columns=12, lines=lines), Clock()
    shown = watch(terminal, clock, prompt="Once")
    for number in range(1, 4):
        shown.step(step(number), 10.0)
        clock.now += 1
    shown.close()
    assert terminal.rows == ["Once", ""]


def test_a_pace_makes_every_step_last_and_counts_the_time_that_it_took():
    clock = Clock()
    pace = Pace(0.5, clock, clock.sleep)
    pace.hold()
    clock.now += 0.2
    pace.hold()
    clock.now += 0.9
    pace.hold()
    assert clock.slept == [0.5, pytest.approx(0.3)]


def test_without_a_pace_nobody_waits():
    clock = Clock()
    pace = Pace(0.0, clock, clock.sleep)
    pace.hold()
    pace.hold()
    assert clock.slept == []


def test_elsewhere_every_few_steps_and_the_last_are_lines():
    stream, clock = io.StringIO(), Clock()
    shown = LineWatch(stream, Pace(0.0, clock, clock.sleep))
    for number in range(1, 12):
        shown.step(step(number), 10.0)
    shown.commit("Once")
    for number in range(1, 4):
        shown.step(step(number, canvas_index=1), 10.0)
    shown.close()
    lines = stream.getvalue().splitlines()
    assert [line.split("  accepted")[0] for line in lines] == [
        "canvas 1  step 1/20",
        "canvas 1  step 9/20",
        "canvas 1  step 11/20",
        "canvas 2  step 1/20",
        "canvas 2  step 3/20",
    ]
    assert lines[0].endswith("10 tokens/s  Once a red\u23cekite")
    assert lines[-1].endswith("10 tokens/s   a red\u23cekite")
