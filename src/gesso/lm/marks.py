r"""Marks in a text: blanks to be filled, and spans to be written anew.

Once upon a time ___ and they all went home.       a blank: three underscores or more
Once upon a time, Tom had a [[red kite]].          a span
In Python, \[[1, 2], [3, 4\]]                      no span: a backslash before the brackets
"""

import re

from gesso.errors import PromptError

BLANK = "___"
"""Stands for a text that is to be written or chosen."""

_BLANK = re.compile("_{3,}")
_BRACKETS = re.compile(r"\\?\[\[|\\?\]\]")


def split_at_blanks(text: str) -> list[str]:
    """The texts around the blanks: one more than there are blanks."""
    return _BLANK.split(text)


def read_spans(marked: str) -> tuple[str, list[tuple[int, int]]]:
    """Take the brackets of spans out of a text.

    Returns:
        The text, and the characters of each span: the first, and the one after the last.

    Raises:
        PromptError: Brackets are opened within a span, left open, or closed outside.
    """
    text, spans, start, end = "", [], None, 0
    for match in _BRACKETS.finditer(marked):
        text += marked[end : match.start()]
        end = match.end()
        bracket = match.group()
        if bracket.startswith("\\"):
            text += bracket[1:]
        elif bracket == "[[" and start is None:
            start = len(text)
        elif bracket == "]]" and start is not None:
            spans.append((start, len(text)))
            start = None
        else:
            fault = "opens a span within a span" if bracket == "[[" else "closes no span"
            raise PromptError(
                f"{bracket} at character {match.start()} {fault}; mark spans as [[...]], and write \\{bracket} for the "
                "characters themselves"
            )
    if start is not None:
        raise PromptError(f"the span that begins at character {start} of the text is not closed; close it with ]]")
    return text + marked[end:], spans
