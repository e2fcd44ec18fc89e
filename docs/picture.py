"""Text as SVG, in one hand: lines of styled pieces on a ground of their own, so that they read well on any page."""

from collections.abc import Sequence
from html import escape

COLUMNS = 92
CHAR_WIDTH, LINE_HEIGHT, MARGIN = 8.4, 21, 28
WIDTH = MARGIN * 2 + COLUMNS * CHAR_WIDTH

STYLE = """
  .ground { fill: #faf7f0; stroke: #e4dccb; }
  text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre; }
  .noise { fill: #cdc5b4; } .draft { fill: #c07f1d; } .accepted { fill: #20242c; } .prompt { fill: #2f6f62; }
  .caption { fill: #8b8371; font-size: 13px; }
"""

Pieces = Sequence[tuple[str, str]]
"""Style and text of what stands side by side."""


def wrap(pieces: Pieces) -> list[list[tuple[str, str]]]:
    """Break styled pieces into lines of at most COLUMNS characters, at the pieces' borders."""
    lines: list[list[tuple[str, str]]] = [[]]
    used = 0
    for style, text in pieces:
        if used + len(text) > COLUMNS:
            lines.append([])
            used, text = 0, text.lstrip()
        lines[-1].append((style, text))
        used += len(text)
    return lines


def words(style: str, text: str) -> list[tuple[str, str]]:
    """A text as pieces of one style, which may be broken between its words."""
    first, *rest = text.split(" ")
    return [(style, first), *((style, f" {word}") for word in rest)]


def text_line(line: Pieces, y: float) -> str:
    """A line of text; neighbours of one style are joined: fewer elements, the same picture."""
    merged: list[tuple[str, str]] = []
    for style, text in line:
        if merged and merged[-1][0] == style:
            merged[-1] = (style, merged[-1][1] + text)
        else:
            merged.append((style, text))
    styled = "".join(f'<tspan class="{style}">{escape(text)}</tspan>' for style, text in merged)
    return f'<text x="{MARGIN}" y="{y:g}" xml:space="preserve">{styled}</text>'


def picture(parts: Sequence[str], height: float, label: str) -> str:
    """The whole file.

    Args:
        parts: Elements.
        height: Of the picture; all are equally wide.
        label: What it shows, for those who do not see it.
    """
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" '
            f'aria-label="{escape(label)}">',
            f"<style>{STYLE}</style>",
            f'<rect class="ground" x="1" y="1" width="{WIDTH - 2:.0f}" height="{height - 2:.0f}" rx="14"/>',
            *parts,
            "</svg>\n",
        ]
    )


def sheet(paragraphs: Sequence[tuple[str, Pieces]], label: str) -> str:
    """Paragraphs below each other, each under its caption; one without belongs to the paragraph above."""
    parts, y = [], MARGIN - LINE_HEIGHT
    for caption, pieces in paragraphs:
        if caption:
            y += 1.6 * LINE_HEIGHT
            parts.append(text_line([("caption", caption)], y))
        for line in wrap(pieces) if pieces else ():
            y += LINE_HEIGHT
            parts.append(text_line(line, y))
    return picture(parts, y + MARGIN, label)
