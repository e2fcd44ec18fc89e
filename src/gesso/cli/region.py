"""Lines at the foot of a terminal that are drawn over again and again."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

_LINE_UP = "\x1b[{}A"
_CLEAR_LINE = "\x1b[K"
_CLEAR_BELOW = "\x1b[J"
_WRAP_OFF, _WRAP_ON = "\x1b[?7l", "\x1b[?7h"
_CURSOR_OFF, _CURSOR_ON = "\x1b[?25l", "\x1b[?25h"


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """A line as it goes to the terminal.

    Attributes:
        text: Its characters and styles; no line break.
        cells: Columns that it takes.
    """

    text: str
    cells: int


class Region:
    """Redraws its lines in place.

    The cursor rests at the end of the last line and moves by lines alone, relative to itself: no position is saved, so
    it works within tmux and while the screen scrolls. A frame is one write, so nothing flickers. While it is written
    the terminal does not wrap lines, so a character that is wider than was thought cannot break the layout.
    """

    def __init__(self, write: Callable[[str], None], columns: Callable[[], int]) -> None:
        """The region is empty; the cursor must be at the beginning of a line.

        Args:
            write: Writes to the terminal, at once.
            columns: Tells the terminal's width.
        """
        self._write = write
        self._columns = columns
        self._drawn: Sequence[DrawnLine] = ()

    def draw(self, lines: Sequence[DrawnLine]) -> None:
        """Show these lines instead of those drawn last."""
        body = "\r\n".join(line.text + _CLEAR_LINE for line in lines)
        with _ctrl_c_held_back():
            self._write(_CURSOR_OFF + _WRAP_OFF + self._to_top() + body + _CLEAR_BELOW + _WRAP_ON)
            self._drawn = tuple(lines)

    def erase(self) -> None:
        """Take the lines away; the cursor is where the first one began, and visible."""
        with _ctrl_c_held_back():
            self._write(self._to_top() + _CLEAR_BELOW + _WRAP_ON + _CURSOR_ON)
            self._drawn = ()

    def _to_top(self) -> str:
        # A terminal that has become narrower has broken the lines anew.
        columns = max(1, self._columns())
        rows = sum(max(1, -(-line.cells // columns)) for line in self._drawn)
        return "\r" + (_LINE_UP.format(rows - 1) if rows > 1 else "")


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """Let Ctrl-C wait until a frame is whole: half a frame could not be drawn over."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed: list[int] = []
    previous = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
    if pressed and callable(previous):
        previous(signal.SIGINT, None)
