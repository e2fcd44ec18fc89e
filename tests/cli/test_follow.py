import io

import pytest

from gesso.cli.follow import follow, make_watch, summary_line
from gesso.cli.watch import LineWatch, NoWatch, TerminalWatch
from gesso.engine.events import CanvasCommitted, Finished, StepDone
from gesso.errors import GenerationError, SettingError
from gesso.lm.generation import Generation
from gesso.lm.writing import Writing
from tests.cli.terminal import Terminal


class Scripted(Writing):
    """A writing whose answer after each event is told; an exception among them is raised."""

    answer = ""

    def __init__(self, *answers: str | BaseException) -> None:
        self.answers = list(answers)

    def __next__(self) -> CanvasCommitted:
        if not self.answers:
            raise StopIteration
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        self.answer = answer
        return CanvasCommitted(canvas_index=0, token_ids=(), steps=1, converged=True)


class Recorder(NoWatch):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def step(self, event: StepDone, tokens_per_second: float) -> None:
        self.told.append((event.step, tokens_per_second))

    def commit(self, text: str) -> None:
        self.told.append(text)

    def close(self) -> None:
        self.told.append("closed")


def test_text_is_written_as_it_is_committed_and_ends_with_a_line_break():
    stream, watch = io.StringIO(), Recorder()
    assert follow(Scripted("Once", "Once upon", "Once upon a time."), stream, watch)
    assert watch.told == ["Once", " upon", " a time.", "", "closed"]
    assert stream.getvalue() == "Once upon a time.\n"


def test_a_text_that_ends_with_a_line_break_gets_no_other():
    stream = io.StringIO()
    follow(Scripted("Once.\n"), stream, NoWatch())
    assert stream.getvalue() == "Once.\n"


def test_half_a_character_waits_for_the_rest():
    stream, watch = io.StringIO(), Recorder()
    follow(Scripted("caf\ufffd", "caf\u00e9", "caf\u00e9 \ufffd"), stream, watch)
    assert watch.told[:2] == ["caf", "\u00e9"]
    assert stream.getvalue() == "caf\u00e9 \ufffd\n"


def test_ctrl_c_keeps_what_was_committed():
    stream, watch = io.StringIO(), Recorder()
    assert not follow(Scripted("Once", "Once upon", KeyboardInterrupt()), stream, watch)
    assert stream.getvalue() == "Once upon\n"
    assert watch.told[-1] == "closed"


def test_ctrl_c_before_anything_is_committed_writes_nothing():
    stream = io.StringIO()
    assert not follow(Scripted(KeyboardInterrupt()), stream, NoWatch())
    assert stream.getvalue() == ""


def test_an_error_in_the_middle_keeps_what_was_committed_and_the_terminal_in_order():
    stream, watch = io.StringIO(), Recorder()
    with pytest.raises(GenerationError):
        follow(Scripted("Once", GenerationError("not a number")), stream, watch)
    assert stream.getvalue() == "Once\n"
    assert watch.told[-1] == "closed"


def test_what_looked_like_an_answer_and_was_a_thought_is_followed_by_the_whole_answer():
    stream = io.StringIO()
    follow(Scripted("A kite", "", "Red."), stream, NoWatch())
    assert stream.getvalue() == "A kite\nRed.\n"


def test_text_cannot_command_the_terminal_and_files_get_it_as_it_is():
    terminal, file = Terminal(), io.StringIO()
    for stream in (terminal, file):
        follow(Scripted("a\x1b[2Jb"), stream, NoWatch())
    assert terminal.rows == ["a\u241b[2Jb", ""]
    assert file.getvalue() == "a\x1b[2Jb\n"


def test_steps_are_told_with_the_tokens_that_each_second_brought(lm):
    watch = Recorder()
    follow(lm.start("Once", seed=0), None, watch)
    steps = [entry for entry in watch.told if isinstance(entry, tuple)]
    assert [number for number, _ in steps] == [1, 2, 3, 1, 2, 3]
    assert all(rate > 0 for _, rate in steps)


@pytest.mark.parametrize(
    ("is_terminal", "term", "kind"),
    [(True, "xterm-256color", TerminalWatch), (True, "dumb", LineWatch), (False, "xterm-256color", LineWatch)],
)
def test_how_steps_are_shown_depends_on_standard_error(is_terminal, term, kind, monkeypatch, lm):
    monkeypatch.setattr("sys.stderr", Terminal() if is_terminal else io.StringIO())
    monkeypatch.setenv("TERM", term)
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    for text_stream in (Terminal(), io.StringIO()):
        watch, shows_text = make_watch(True, pace=0.0, text_stream=text_stream, tokenizer=lm.tokenizer, prompt="Once")
        assert isinstance(watch, kind)
        assert shows_text is (kind is TerminalWatch and text_stream.isatty())


def test_nobody_looks_on_unless_asked(lm):
    watch, shows_text = make_watch(False, pace=0.0, text_stream=Terminal(), tokenizer=lm.tokenizer, prompt="")
    assert isinstance(watch, NoWatch)
    assert not shows_text


@pytest.mark.parametrize("pace", [-1.0, float("nan"), float("inf")])
def test_a_pace_must_be_a_time(pace, lm):
    with pytest.raises(SettingError, match="the pace is"):
        make_watch(True, pace=pace, text_stream=io.StringIO(), tokenizer=lm.tokenizer, prompt="")


def test_the_summary_is_one_line():
    result = Generation(
        text="x", token_ids=(7,) * 30, finish_reason="stop", steps=[9, 4], seed=3, prompt_tokens=2, seconds=0.5
    )
    assert summary_line(result, finished=True) == (
        "30 tokens, 9, 4 steps, 2.0 tokens per forward, 60 tokens/s, seed 3, ended by itself"
    )
    assert summary_line(result, finished=False).endswith("stopped by Ctrl-C")


def test_finished_events_are_committed_text_too(lm):
    writing = lm.start("Once", seed=0, stop="no such string")
    stream = io.StringIO()
    follow(writing, stream, NoWatch())
    assert stream.getvalue().removesuffix("\n") == writing.text
    assert isinstance(writing._finished, Finished)
