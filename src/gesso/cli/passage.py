"""A text of which parts are new: what is shown while they are written, and the text with these parts standing out."""

import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

from rich.console import Console

from gesso.cli.frame import Mark, Span, printable
from gesso.cli.output import write_line
from gesso.cli.painter import Painter


def spinner(what: str, *, quiet: bool) -> AbstractContextManager[object]:
    """Say on a terminal that work is going on."""
    console = Console(stderr=True)
    return nullcontext() if quiet or not console.is_terminal else console.status(what)


def write_passage(parts: Iterable[tuple[str, bool]]) -> None:
    """Write a line of parts, each with whether it is new; on a terminal, new ones in color."""
    if sys.stdout.isatty():
        painter = Painter(Console())
        shown = (
            painter.paint(Span(printable(text), Mark.ACCEPTED)) if is_new else printable(text) for text, is_new in parts
        )
    else:
        shown = (text for text, _ in parts)
    write_line("".join(shown))
