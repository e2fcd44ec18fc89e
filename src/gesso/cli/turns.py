"""What a person says, turn by turn, typed or piped in."""

import contextlib
import sys
from collections.abc import Callable, Iterator

PROMPT, MORE = "> ", "... "

ReadLine = Callable[[str], str]
"""Asks for a line, with a prompt before it; raises EOFError when there are no more."""


def read_turns(read_line: ReadLine, *, is_typed: bool) -> Iterator[str]:
    """Read turns until the input ends. A line is a turn; ended by a backslash, it goes on in the next line.

    Empty turns are left out.

    Args:
        read_line: Gives the lines.
        is_typed: A person types them: Ctrl-C drops the turn that is being typed, and no more.
    """
    while True:
        lines: list[str] = []
        ended = False
        try:
            while not lines or lines[-1].endswith("\\"):
                lines.append(read_line(MORE if lines else PROMPT))
        except EOFError:
            ended = True
        except KeyboardInterrupt:
            if not is_typed:
                raise
            print(file=sys.stderr)
            continue
        if turn := "\n".join(line.removesuffix("\\") for line in lines).strip("\n"):
            yield turn
        if ended:
            return


def typed_line(prompt: str) -> str:
    """Ask a person at the terminal, with editing and a history where the system has them."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  (it changes what `input` does)
    if sys.stdout.isatty():
        return input(prompt)
    print(prompt, end="", file=sys.stderr, flush=True)  # answers go to a file; the prompt is not one of them
    return input()


def piped_line(prompt: str) -> str:
    """Read a line of standard input; nobody is there to be asked."""
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.removesuffix("\n")
