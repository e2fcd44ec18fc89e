import signal
import threading

import pytest

from gesso.cli.region import DrawnLine, Region
from tests.cli.terminal import Terminal


def lines(*texts: str) -> list[DrawnLine]:
    return [DrawnLine(text, len(text)) for text in texts]


def region(terminal: Terminal) -> Region:
    return Region(terminal.write, lambda: terminal.columns)


@pytest.mark.parametrize("second", [("x", "y", "z"), ("x",), ("a much longer line", "y", "z", "w"), ()])
def test_a_frame_takes_the_place_of_the_last_whole(second):
    terminal = Terminal()
    terminal.write("above\r\n")
    drawn = region(terminal)
    drawn.draw(lines("one", "two", "three"))
    drawn.draw(lines(*second))
    assert terminal.rows == ["above", *(second or [""])]


def test_a_frame_is_one_write():
    writes = []
    drawn = Region(lambda text: writes.append(text), lambda: 80)
    drawn.draw(lines("one", "two"))
    drawn.draw(lines("three"))
    assert len(writes) == 2


def test_no_position_is_saved_and_the_screen_not_cleared():
    """Saved positions are lost when the screen scrolls, and are one for all in tmux."""
    writes = []
    drawn = Region(lambda text: writes.append(text), lambda: 80)
    drawn.draw(lines("one", "two"))
    drawn.erase()
    sequences = "".join(writes)
    assert not any(command in sequences for command in ("\x1b7", "\x1b8", "\x1b[s", "\x1b[u", "\x1b[2J", "\x1b[H"))


def test_erased_the_cursor_is_where_the_region_began_and_visible():
    terminal = Terminal()
    terminal.write("above\r\n")
    drawn = region(terminal)
    drawn.draw(lines("one", "two"))
    assert not terminal.cursor_shown
    drawn.erase()
    terminal.write("text")
    assert terminal.rows == ["above", "text"]
    assert terminal.cursor_shown


def test_at_the_foot_of_a_full_screen_lines_scroll_and_are_still_drawn_over():
    terminal = Terminal(lines=4)
    for number in range(10):
        terminal.write(f"{number}\r\n")
    drawn = region(terminal)
    for text in ("a", "b", "c"):
        drawn.draw(lines(text, text, text))
    assert terminal.rows == [*map(str, range(10)), "c", "c", "c"]


def test_a_line_that_is_wider_than_was_thought_is_cut_and_not_broken():
    terminal = Terminal(columns=10)
    drawn = region(terminal)
    drawn.draw([DrawnLine("x" * 12, 9), DrawnLine("y", 1)])
    drawn.draw(lines("a", "b"))
    assert terminal.rows == ["a", "b"]
    assert terminal.wrapped == 0


def test_after_the_terminal_has_become_narrower_the_lines_that_it_broke_are_drawn_over():
    terminal = Terminal(columns=40)
    drawn = region(terminal)
    drawn.draw(lines("x" * 30, "y" * 5))
    narrow = Terminal(columns=20)  # what a terminal makes of the lines when it is narrowed
    narrow.write("x" * 30 + "\r\n" + "y" * 5)
    drawn._write, drawn._columns = narrow.write, lambda: 20
    drawn.draw(lines("z"))
    assert narrow.rows == ["z"]


@pytest.mark.parametrize("draw", [True, False])
def test_ctrl_c_waits_until_a_frame_is_whole(draw):
    terminal = Terminal()
    held = []

    def pressed_in_the_middle(text: str) -> None:
        terminal.write(text[:5])
        signal.raise_signal(signal.SIGINT)
        terminal.write(text[5:])
        held.append(text)

    drawn = Region(pressed_in_the_middle, lambda: 80)
    with pytest.raises(KeyboardInterrupt):
        drawn.draw(lines("one", "two")) if draw else drawn.erase()
    assert len(held) == 1
    drawn._write = terminal.write
    drawn.erase()
    assert terminal.rows == [""]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_region_can_be_drawn_by_another_thread():
    terminal = Terminal()
    thread = threading.Thread(target=lambda: region(terminal).draw(lines("one")))
    thread.start()
    thread.join()
    assert terminal.rows == ["one"]
