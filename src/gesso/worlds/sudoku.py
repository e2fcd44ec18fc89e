"""Sudoku of size 4, 6 and 9: a solver, puzzles with one solution, and cases.

A grid is a tuple of rows, each a tuple of digits from 1 to the size; 0 is a blank. Every digit stands once in each row,
column and box.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice

from gesso.errors import SettingError
from gesso.worlds.cases import Case
from gesso.worlds.splits import Split, belongs
from gesso.worlds.sudoku_text import Grid, parse_grid, write_grid

BOXES = {4: (2, 2), 6: (2, 3), 9: (3, 3)}
"""Rows and columns of a box, by the size of the grid."""

FEWEST_CLUES = {4: 4, 6: 8, 9: 17}
"""No puzzle with fewer clues has one solution (for 9: McGuire, Tugemann and Civario, arXiv 1201.0749)."""

USUAL_CLUES = {4: (5, 10), 6: (12, 24), 9: (28, 50)}
"""Clues of a case, from hard to easy."""

MAX_TRIES = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Puzzle:
    """Clues, and the one grid that they allow."""

    clues: Grid
    solution: Grid


def write_case(rng: random.Random, split: Split = "train", size: int = 6) -> Case:
    """Ask for the solution of a fresh puzzle, as easy or hard as it happens to be.

    Raises:
        SettingError: there is no such split or size.
    """
    _check_size(size)
    puzzle = write_puzzle(rng, size, rng.randint(*USUAL_CLUES[size]), split)
    return Case(
        prompt=f"Solve this sudoku:\n{write_grid(puzzle.clues)}",
        answer=write_grid(puzzle.solution),
        kind=f"sudoku{size}",
        chat=True,
    )


def is_right(case: Case, text: str) -> bool:
    """Whether a text is a solved grid with all the clues in their places."""
    clues, grid = parse_grid(case.prompt.partition("\n")[2]), parse_grid(text)
    return clues is not None and grid is not None and keeps(grid, clues) and is_solved(grid)


def write_puzzle(rng: random.Random, size: int, clues: int, split: Split = "train") -> Puzzle:
    """Write a puzzle with exactly one solution and exactly so many clues: the fewer, the harder.

    Digits are taken out of a solved grid, in random order, as long as what is left has one solution. A held-out
    solution never occurs in training, under no clues.

    Raises:
        SettingError: no such size or split, or no such puzzle was found; the message says what to change.
    """
    _check_size(size)
    if not FEWEST_CLUES[size] <= clues <= size * size:
        raise SettingError(
            f"a sudoku of size {size} cannot have {clues!r} clues; use {FEWEST_CLUES[size]} to {size * size}"
        )
    for _ in range(MAX_TRIES):
        solution = _solved_grid(rng, size, split)
        grid = _take_out(rng, solution, clues)
        if grid is not None:
            return Puzzle(clues=grid, solution=solution)
    raise SettingError(f"no sudoku of size {size} with {clues} clues in {MAX_TRIES} tries; ask for more clues")


def is_valid(grid: Grid) -> bool:
    """Whether size and digits are possible and no digit stands twice in a row, column or box; blanks are allowed."""
    digits = [digit for row in grid for digit in row]
    if len(grid) not in BOXES or not all(0 <= digit <= len(grid) for digit in digits):
        return False
    units = [[digits[cell] for cell in unit if digits[cell]] for unit in _units(len(grid))]
    return all(len(set(unit)) == len(unit) for unit in units)


def is_solved(grid: Grid) -> bool:
    """Whether every cell is filled and the grid is valid."""
    return all(all(row) for row in grid) and is_valid(grid)


def keeps(grid: Grid, clues: Grid) -> bool:
    """Whether a grid has every clue in its place."""
    return len(grid) == len(clues) and all(
        clue in (0, digit)
        for row, given in zip(grid, clues, strict=True)
        for digit, clue in zip(row, given, strict=True)
    )


def solutions(grid: Grid, limit: int = 2) -> list[Grid]:
    """Solve a grid: its first solutions, at most `limit`; none where its clues contradict each other."""
    if not is_valid(grid):
        return []
    return [_rows(cells) for cells in islice(_completions([digit for row in grid for digit in row]), limit)]


def _check_size(size: int) -> None:
    if size not in BOXES:
        raise SettingError(f"a sudoku has no size {size!r}; use {', '.join(map(str, BOXES))}")


def _solved_grid(rng: random.Random, size: int, split: Split) -> Grid:
    while True:
        grid = _rows(next(_completions([0] * size * size, rng)))
        if belongs(split, write_grid(grid)):
            return grid


def _take_out(rng: random.Random, solution: Grid, clues: int) -> Grid | None:
    """Blank all but `clues` cells; None where each further blank would allow a second solution."""
    cells = [digit for row in solution for digit in row]
    left = len(cells)
    for cell in rng.sample(range(len(cells)), len(cells)):
        if left == clues:
            break
        if _is_forced(cells, cell):
            cells[cell] = 0
            left -= 1
    return _rows(tuple(cells)) if left == clues else None


def _is_forced(cells: list[int], cell: int) -> bool:
    """Whether no other digit at this cell leads to a solution."""
    size = round(len(cells) ** 0.5)
    taken = {cells[peer] for unit in _units(size) if cell in unit for peer in unit}
    others = (digit for digit in range(1, size + 1) if digit not in taken)
    return not any(next(_completions([*cells[:cell], other, *cells[cell + 1 :]]), None) is not None for other in others)


def _completions(cells: list[int], rng: random.Random | None = None) -> Iterator[tuple[int, ...]]:
    """Yield every way to fill the blanks of a valid grid, in random order if an `rng` is given."""
    size = round(len(cells) ** 0.5)
    used = [0] * (3 * size)
    for cell, digit in enumerate(cells):
        for unit in _units_of(size)[cell] if digit else ():
            used[unit] |= 1 << digit
    blanks = [cell for cell, digit in enumerate(cells) if not digit]
    yield from _fill(list(cells), blanks, used, size, rng)


def _fill(
    cells: list[int], blanks: list[int], used: list[int], size: int, rng: random.Random | None
) -> Iterator[tuple[int, ...]]:
    """Fill the blanks depth first, always the one with the fewest digits left.

    Args:
        cells: the grid; changed in place, and as it was when all is yielded.
        blanks: its blank cells; likewise.
        used: the digits of each row, column and box as bits of a number; likewise.
        size: the size of the grid.
        rng: draws the order of the digits; ascending without one.
    """
    if not blanks:
        yield tuple(cells)
        return
    units_of, every_digit = _units_of(size), (1 << size + 1) - 2
    fewest, place, choices = size + 1, 0, 0
    for index, blank in enumerate(blanks):
        row, column, box = units_of[blank]
        free = every_digit & ~(used[row] | used[column] | used[box])
        if free.bit_count() < fewest:
            fewest, place, choices = free.bit_count(), index, free
            if fewest <= 1:
                break
    cell = blanks.pop(place)
    digits = [digit for digit in range(1, size + 1) if choices >> digit & 1]
    if rng is not None:
        rng.shuffle(digits)
    for digit in digits:
        cells[cell] = digit
        for unit in units_of[cell]:
            used[unit] ^= 1 << digit
        yield from _fill(cells, blanks, used, size, rng)
        for unit in units_of[cell]:
            used[unit] ^= 1 << digit
    cells[cell] = 0
    blanks.insert(place, cell)


@cache
def _units(size: int) -> tuple[frozenset[int], ...]:
    """The cells of each row, then of each column, then of each box."""
    units_of = _units_of(size)
    return tuple(frozenset(cell for cell in range(size * size) if unit in units_of[cell]) for unit in range(3 * size))


@cache
def _units_of(size: int) -> tuple[tuple[int, int, int], ...]:
    """Row, column and box of each cell, as numbers from 0 to three times the size."""
    height, width = BOXES[size]
    return tuple(
        (row, size + column, 2 * size + row // height * (size // width) + column // width)
        for row in range(size)
        for column in range(size)
    )


def _rows(cells: tuple[int, ...]) -> Grid:
    size = round(len(cells) ** 0.5)
    return tuple(cells[start : start + size] for start in range(0, len(cells), size))
