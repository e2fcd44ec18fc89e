import random

import pytest

from gesso.text.tokenizer import Tokenizer
from gesso.worlds.sudoku import BOXES, write_puzzle
from gesso.worlds.sudoku_text import ROW_NAMES, TOKENS_PER_CELL, digit_position, parse_grid, write_grid
from tests.tiny_model import TEXT_FILES

CANVAS_LENGTH = 256
ENDING_TOKENS = 2  # end of turn, end of sequence


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.load(TEXT_FILES)


@pytest.fixture(scope="module", params=sorted(BOXES))
def puzzle(request):
    return write_puzzle(random.Random(request.param), request.param, BOXES[request.param][1] * request.param)


def test_a_grid_is_read_back_as_it_was_written(puzzle):
    for grid in (puzzle.clues, puzzle.solution):
        assert parse_grid(write_grid(grid)) == grid
        assert parse_grid(f"\n{write_grid(grid)} ") == grid


def test_a_small_grid_reads_as_the_page_shows():
    assert write_grid(((1, 0, 3, 4), (0, 3, 0, 0))) == "A11 A2_ A33 A44\nB1_ B23 B3_ B4_"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A11 A22\nB12",
        "A11 A22\nB12 B21 B33",
        "A11 A22\nB12 C21",
        "A11 A22\nB22 B11",
        "A11, A22\nB12 B21",
        "A11 A22\n\nB12 B21",
        "A11 A22 B12 B21",
        "Here it is: A11 A22\nB12 B21",
    ],
)
def test_what_is_not_exactly_a_grid_is_not_read(text):
    assert parse_grid(text) is None


def test_every_cell_takes_three_tokens_and_its_digit_is_the_last_of_them(tokenizer, puzzle):
    size = len(puzzle.solution)
    for grid in (puzzle.clues, puzzle.solution):
        tokens = tokenizer.encode(write_grid(grid))
        assert len(tokens) == size * (TOKENS_PER_CELL * size + 1) - 1
        for row, name in enumerate(ROW_NAMES[:size]):
            for column in range(size):
                end = digit_position(size, row, column) + 1
                cell = tokenizer.decode(tokens[end - TOKENS_PER_CELL : end])
                assert cell.strip() == f"{name}{column + 1}{grid[row][column] or '_'}"


def test_a_solution_fits_a_canvas_with_the_tokens_that_end_it(tokenizer, puzzle):
    assert len(tokenizer.encode(write_grid(puzzle.solution))) + ENDING_TOKENS <= CANVAS_LENGTH
