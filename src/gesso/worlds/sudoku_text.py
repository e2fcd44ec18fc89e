"""A grid as text that shows row and column at every cell.

    A11 A2_ A33 A4_
    B1_ B23 ...

A cell is the letter of its row, the number of its column and its digit, or "_" where it is blank. In the bundled
tokenizer a letter with the space before it is one token, and so is a digit: each cell takes three tokens, a line break
is one more, and the digit of a cell stands at the same token in every grid of a size.
"""

import re

Grid = tuple[tuple[int, ...], ...]
"""Rows of digits; 0 is a blank."""

ROW_NAMES = "ABCDEFGHI"
TOKENS_PER_CELL = 3

_CELL = re.compile(r"[A-I][1-9]([1-9_])")


def write_grid(grid: Grid) -> str:
    """Write a grid as text, one line a row."""
    return "\n".join(
        " ".join(f"{name}{column}{digit or '_'}" for column, digit in enumerate(row, start=1))
        for name, row in zip(ROW_NAMES, grid, strict=False)
    )


def parse_grid(text: str) -> Grid | None:
    """Read a grid back; None where the text is not exactly one, but for space around it."""
    lines = text.strip().split("\n")
    grid = tuple(tuple(0 if digit == "_" else int(digit) for digit in _CELL.findall(line)) for line in lines)
    is_square = all(len(row) == len(grid) for row in grid)
    return grid if is_square and write_grid(grid) == text.strip() else None


def digit_position(size: int, row: int, column: int) -> int:
    """Give the token at which the digit of a cell stands, from 0 at the first token of the grid."""
    tokens_per_line = TOKENS_PER_CELL * size + 1
    return tokens_per_line * row + TOKENS_PER_CELL * column + TOKENS_PER_CELL - 1
