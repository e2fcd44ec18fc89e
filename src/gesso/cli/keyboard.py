"""Keys that are pressed while something is drawn over and over."""

import contextlib
import os
import sys
from collections.abc import Callable

try:
    import termios
except ImportError:  # not on Windows, whose terminal needs none of this
    termios = None

_LOCAL_FLAGS = 3


def mute_keyboard() -> Callable[[], None]:
    """Let pressed keys no longer be shown, and Ctrl-C no longer throw away what the terminal was just sent.

    Otherwise an Enter moves what is drawn, and a "^C" can end up in the middle of a style. Typed text is not lost.

    Returns:
        What puts things back as they were.
    """
    if termios is None or not _is_ours():
        return lambda: None
    before = termios.tcgetattr(sys.stdin)
    muted = list(before)
    muted[_LOCAL_FLAGS] = (muted[_LOCAL_FLAGS] & ~termios.ECHO) | termios.NOFLSH
    termios.tcsetattr(sys.stdin, termios.TCSANOW, muted)
    return lambda: termios.tcsetattr(sys.stdin, termios.TCSANOW, before)


def _is_ours() -> bool:
    """Whether standard input is a terminal and this process in its foreground; another would be stopped."""
    with contextlib.suppress(OSError, ValueError):  # no terminal, or none at all
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    return False
