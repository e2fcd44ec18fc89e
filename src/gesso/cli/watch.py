"""Showing how a text comes into focus: drawn over and over on a terminal, in plain lines elsewhere."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from rich.cells import cell_len
from rich.console import Console

from gesso.cli.frame import Mark, Span, frame, layout, printable, status, visible
from gesso.cli.keyboard import mute_keyboard
from gesso.cli.output import TextStream
from gesso.cli.painter import Painter
from gesso.cli.region import DrawnLine, Region
from gesso.engine.events import StepDone
from gesso.text.characters import Spell

FRAME_SECONDS = 1 / 20
"""A frame that follows another sooner is left out, but never the last one of a canvas."""

STEPS_A_LINE = 8
"""Of how many steps one is told where lines cannot be drawn over."""

DRAFT_CHARACTERS = 60
"""Of a draft, what such a line shows."""


@runtime_checkable
class Watch(Protocol):
    """Looks on while a text is written."""

    def step(self, event: StepDone, tokens_per_second: float) -> None:
        """A denoising step was taken."""
        ...

    def commit(self, text: str) -> None:
        """Text became final."""
        ...

    def close(self) -> None:
        """Nothing more will come."""
        ...


class NoWatch:
    """Nobody looks on."""

    def step(self, event: StepDone, tokens_per_second: float) -> None:
        """Show nothing."""

    def commit(self, text: str) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Show nothing."""


class Pace:
    """Makes every step take some time at least, so that an eye can follow.

    Args:
        seconds: The time.
        clock: Seconds that only grow.
        sleep: Waits for so many seconds.
    """

    def __init__(
        self,
        seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.clock = clock
        self._seconds = seconds
        self._sleep = sleep
        self._last: float | None = None

    def hold(self) -> None:
        """Wait until the step has taken its time, which began when the last one was held."""
        spent = 0.0 if self._last is None else self.clock() - self._last
        if spent < self._seconds:
            self._sleep(self._seconds - spent)
        self._last = self.clock()


class LineWatch:
    """Tells every few steps in a line of its own, for files, pipes and terminals that cannot move the cursor."""

    def __init__(self, stream: TextStream, pace: Pace) -> None:
        self._stream = stream
        self._pace = pace
        self._untold: str | None = None
        self._committed = 0

    def step(self, event: StepDone, tokens_per_second: float) -> None:
        """Tell the first step of a canvas, and then one of every few."""
        draft = visible(event.draft_text[self._committed :][:DRAFT_CHARACTERS])
        self._untold = f"{status(event, tokens_per_second)}  {draft}"
        if event.step % STEPS_A_LINE == 1:
            self._tell()
        self._pace.hold()

    def commit(self, text: str) -> None:
        """Tell the canvas's last step."""
        self._committed += len(text)
        self._tell()

    def close(self) -> None:
        """Tell the last step."""
        self._tell()

    def _tell(self) -> None:
        if self._untold is not None:
            print(self._untold, file=self._stream, flush=True)
            self._untold = None


class TerminalWatch:
    """Draws the canvas behind the text before it. Lines of text that are complete scroll off and stay.

    Args:
        console: The terminal.
        text_stream: Where text that stays is written, if this is the same terminal; otherwise it goes to the console.
        spell: Turns tokens into text.
        prompt: Shown before the text.
        pace: Time that a step takes at least.
    """

    def __init__(self, console: Console, text_stream: TextStream, spell: Spell, *, prompt: str, pace: Pace) -> None:
        self._console = console
        self._text_stream = text_stream if text_stream.isatty() else console.file
        self._spell = spell
        self._pace = pace
        self._painter = Painter(console)
        self._region = Region(self._write, lambda: console.size.width)
        self._settled = [Span(printable(prompt), Mark.PROMPT)] if prompt else []
        self._pending: tuple[StepDone, float] | None = None
        self._drawn_at = -FRAME_SECONDS
        self._unmute: Callable[[], None] | None = None

    def step(self, event: StepDone, tokens_per_second: float) -> None:
        """Draw the canvas, unless a frame was drawn a moment ago."""
        self._pending = (event, tokens_per_second)
        if self._pace.clock() - self._drawn_at >= FRAME_SECONDS:
            self._draw()
        self._pace.hold()

    def commit(self, text: str) -> None:
        """Draw the last frame of the canvas, then let the lines that are complete scroll off."""
        self._draw()
        self._settled.append(Span(printable(text), Mark.COMMITTED))
        complete, rest = _split_at_last_break(self._settled)
        if complete:
            self._leave(complete)
            self._region.draw([self._drawn(line) for line in layout(rest, self._console.size.width)])
        self._settled = rest

    def close(self) -> None:
        """Take the canvas away and leave the text, ended by a line break."""
        self._leave(self._settled)
        if self._settled and not self._settled[-1].text.endswith("\n"):
            print(file=self._text_stream, flush=True)
        self._settled = []
        self._pending = None
        if self._unmute is not None:
            self._unmute()
            self._unmute = None

    def _draw(self) -> None:
        if self._pending is None:
            return
        if self._unmute is None:
            self._unmute = mute_keyboard()
        event, tokens_per_second = self._pending
        lines = frame(
            self._settled,
            event,
            self._spell,
            tokens_per_second=tokens_per_second,
            size=self._console.size,
            color=self._painter.has_color,
        )
        self._region.draw([self._drawn(line) for line in lines])
        self._drawn_at = self._pace.clock()
        self._pending = None

    def _leave(self, spans: Sequence[Span]) -> None:
        self._region.erase()
        self._text_stream.write("".join(map(self._painter.paint, spans)))
        self._text_stream.flush()

    def _drawn(self, line: Sequence[Span]) -> DrawnLine:
        return DrawnLine("".join(map(self._painter.paint, line)), sum(cell_len(span.text) for span in line))

    def _write(self, text: str) -> None:
        self._console.file.write(text)
        self._console.file.flush()


def _split_at_last_break(spans: Sequence[Span]) -> tuple[list[Span], list[Span]]:
    """Split text into its complete lines and the rest."""
    for index in range(len(spans) - 1, -1, -1):
        span = spans[index]
        end = span.text.rfind("\n") + 1
        if end:
            complete, rest = Span(span.text[:end], span.mark), Span(span.text[end:], span.mark)
            return [*spans[:index], complete], [*([rest] if rest.text else []), *spans[index + 1 :]]
    return [], list(spans)
