"""A canvas in progress as lines of marked spans: what is shown, apart from the terminal that shows it. All pure.

Four marks tell what each token is: noise that the next step will see, a draft that is plausible but not accepted, a
token that the last step accepted, and text that is committed and never changes again.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from rich.cells import cell_len

from gesso.engine.events import DRAFT_BELOW_NATS, StepDone
from gesso.text.characters import Spell, characters

NO_TEXT = "\N{WHITE SQUARE}"
"""Stands for a control token, which has no text."""

_CONTROL_PICTURES = 0x2400
# Invisible, unknown or private: widths differ between terminals, and directions could turn a line around.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class Mark(StrEnum):
    """What a span is."""

    NOISE = "noise"
    DRAFT = "draft"
    ACCEPTED = "accepted"
    COMMITTED = "committed"
    PROMPT = "prompt"
    LABEL = "label"


@dataclass(frozen=True, slots=True)
class Span:
    """Text of one kind.

    Attributes:
        text: What is shown; in a laid-out line it has no control characters.
        mark: What it is.
        entropy_nats: How uncertain a draft is.
    """

    text: str
    mark: Mark
    entropy_nats: float = 0.0


Line = tuple[Span, ...]


def canvas_spans(event: StepDone, spell: Spell) -> list[Span]:
    """Show a canvas after a step: one span for each token, or for the tokens that share a character."""
    tokens, marks = [], []
    for position, accepted in enumerate(event.accepted):
        entropy = event.entropy[position]
        mark = Mark.ACCEPTED if accepted else Mark.DRAFT if entropy < DRAFT_BELOW_NATS else Mark.NOISE
        tokens.append(event.draft[position] if mark is Mark.DRAFT else event.canvas[position])
        marks.append(Span("", mark, entropy))
    return [replace(marks[start], text=visible(text) or NO_TEXT) for start, _, text in characters(tokens, spell)]


def without_color(spans: Sequence[Span]) -> list[Span]:
    """Mark the spans by characters: noise becomes dots, and a draft ends with a question mark."""
    marked = []
    for span in spans:
        if span.mark is Mark.NOISE:
            blanks = len(span.text) - len(span.text.lstrip(" "))
            dots = "\N{MIDDLE DOT}" * (cell_len(span.text) - blanks)
            span = replace(span, text=" " * blanks + dots)
        elif span.mark is Mark.DRAFT:
            span = replace(span, text=span.text + "?")
        marked.append(span)
    return marked


def layout(spans: Sequence[Span], width: int) -> list[Line]:
    """Break spans into lines of at most `width` cells, at line breaks, else between spans, else inside one.

    Args:
        spans: Texts; a line break in one ends its line, other control characters become visible.
        width: Cells of a line, at least 2, so that a wide character fits.
    """
    lines: list[list[Span]] = [[]]
    used = 0
    for span in spans:
        for number, part in enumerate(span.text.split("\n")):
            if number:
                lines.append([])
                used = 0
            for piece in _fitting(visible(part), width):
                cells = cell_len(piece)
                if used + cells > width:
                    lines.append([])
                    used = 0
                if piece:
                    lines[-1].append(replace(span, text=piece))
                    used += cells
    return [tuple(line) for line in lines]


def window(lines: Sequence[Line], height: int) -> tuple[list[Line], int]:
    """Choose `height` lines where more do not fit: from the first that is still in doubt, or the last ones.

    Returns:
        The lines, and how many there are above them.
    """
    in_doubt = (i for i, line in enumerate(lines) if any(span.mark in (Mark.NOISE, Mark.DRAFT) for span in line))
    first = max(0, min(next(in_doubt, len(lines)) - 1, len(lines) - height))
    return list(lines[first : first + height]), first


def status(event: StepDone, tokens_per_second: float) -> str:
    """Say where a canvas stands, in one line."""
    length = len(event.accepted)
    return (
        f"canvas {event.canvas_index + 1}  step {event.step}/{event.max_steps}  "
        f"accepted {sum(event.accepted)}/{length}  entropy {sum(event.entropy) / length:.3f} nats  "
        f"{tokens_per_second:.0f} tokens/s"
    )


def legend(*, color: bool) -> Line:
    """Explain the marks by themselves."""
    samples = [Span("noise", Mark.NOISE), Span("draft", Mark.DRAFT), Span("accepted", Mark.ACCEPTED)]
    shown: list[Span] = []
    for sample, marked in zip(samples, samples if color else without_color(samples), strict=True):
        name = "" if color else f" {sample.text}"
        shown += [marked, Span(name + "  ", Mark.LABEL)]
    above = Span("committed", Mark.COMMITTED) if color else Span("committed: the text before", Mark.LABEL)
    return (*shown, above)


def frame(
    settled: Sequence[Span],
    event: StepDone,
    spell: Spell,
    *,
    tokens_per_second: float,
    size: tuple[int, int],
    color: bool,
) -> list[Line]:
    """Put a step on the screen: settled text, the canvas after it, status and legend.

    Args:
        settled: Text before the canvas: prompt and committed text since the last line break.
        event: The step.
        spell: Turns tokens into text.
        tokens_per_second: For the status.
        size: Columns and rows of the terminal.
        color: Whether marks can be told apart by style; otherwise they are by characters.
    """
    width, height = max(2, size[0] - 1), max(1, size[1] - 4)
    canvas = canvas_spans(event, spell)
    lines = layout([*settled, *(canvas if color else without_color(canvas))], width)
    shown, above = window(lines, height)
    part = f"  lines {above + 1}-{above + len(shown)} of {len(lines)}" if len(shown) < len(lines) else ""
    feet = [
        [Span(status(event, tokens_per_second), Mark.LABEL)],
        [*legend(color=color), Span(part, Mark.LABEL)],
    ]
    whole = [*shown, (), *(layout(foot, width)[0] for foot in feet)]
    return whole[: max(1, size[1] - 1)]


def visible(text: str) -> str:
    """Replace what would move the cursor, hide, or have a width that terminals disagree about."""
    if text.isascii() and text.isprintable():
        return text
    shown = ""
    for character in text:
        if unicodedata.category(character) in ("Mn", "Me") and (not shown or shown[-1].isspace()):
            shown += "\N{DOTTED CIRCLE}"
        shown += _visible(character)
    return shown


def printable(text: str) -> str:
    """Replace control characters, but for line breaks and tabs, so that a text cannot command the terminal."""
    return "".join(c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs") else _visible(c) for c in text)


def _visible(character: str) -> str:
    code = ord(character)
    if character == "\n":
        return "\N{RETURN SYMBOL}"
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    if 0xFE00 <= code <= 0xFE0F:  # variation selectors change the width of what stands before them
        return ""
    return "\N{MIDDLE DOT}" if unicodedata.category(character) in _UNSAFE else character


def _fitting(text: str, width: int) -> Iterator[str]:
    """Cut a text that is wider than a line into pieces that are not."""
    piece, used = "", 0
    for character in text:
        cells = cell_len(character)
        if used + cells > width:
            yield piece
            piece, used = "", 0
        piece += character
        used += cells
    yield piece
