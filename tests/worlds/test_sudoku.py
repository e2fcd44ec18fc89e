import random

import pytest

from gesso.errors import SettingError
from gesso.worlds.splits import HELD_OUT_ONE_IN, belongs
from gesso.worlds.sudoku import (
    BOXES,
    FEWEST_CLUES,
    USUAL_CLUES,
    is_right,
    is_solved,
    is_valid,
    solutions,
    write_case,
    write_puzzle,
)
from gesso.worlds.sudoku_text import parse_grid, write_grid

EMPTY = ((0, 0, 0, 0),) * 4

# The example of the article on sudoku in Wikipedia.
KNOWN_PUZZLE = "530070000600195000098000060800060003400803001700020006060000280000419005000080079"
KNOWN_SOLUTION = "534678912672195348198342567859761423426853791713924856961537284287419635345286179"


def rows(digits):
    return tuple(tuple(map(int, digits[start : start + 9])) for start in range(0, 81, 9))


def solutions_by_trial(grid):
    """The plain twin: every digit in the first blank, as long as the grid stays valid."""
    blank = next(((row, column) for row in range(4) for column in range(4) if not grid[row][column]), None)
    if blank is None:
        return {grid} if is_valid(grid) else set()
    row, column = blank
    filled = set()
    for digit in range(1, 5):
        trial = [list(one) for one in grid]
        trial[row][column] = digit
        trial = tuple(map(tuple, trial))
        filled |= solutions_by_trial(trial) if is_valid(trial) else set()
    return filled


@pytest.fixture(scope="module")
def all_of_size_4():
    return solutions(EMPTY, limit=1000)


def test_there_are_288_grids_of_size_4_and_all_are_found_once(all_of_size_4):
    assert len(all_of_size_4) == len(set(all_of_size_4)) == 288
    assert set(all_of_size_4) == solutions_by_trial(EMPTY)


def test_the_solver_agrees_with_trial_of_all_fillings(all_of_size_4):
    rng = random.Random(0)
    for _ in range(10):
        grid = tuple(tuple(rng.choice((0, 0, digit)) for digit in row) for row in rng.choice(all_of_size_4))
        assert set(solutions(grid, limit=1000)) == solutions_by_trial(grid)


def test_a_known_puzzle_of_size_9_has_its_known_solution_and_no_other():
    assert solutions(rows(KNOWN_PUZZLE)) == [rows(KNOWN_SOLUTION)]


def test_clues_that_contradict_each_other_have_no_solution():
    assert solutions(((1, 1, 0, 0), *EMPTY[1:])) == []
    assert solutions(((1, 2, 0, 0), (0, 0, 3, 0), (0, 0, 4, 0), (0, 0, 0, 0))) == []


@pytest.mark.parametrize(
    "grid",
    [
        ((1, 2, 3, 4), (3, 4, 1, 2), (2, 1, 4, 3), (4, 3, 2, 2)),
        ((1, 2, 3, 4), (2, 1, 4, 3), (3, 4, 1, 2), (4, 3, 2, 1)),
        ((1, 2, 3, 5), (3, 5, 1, 2), (2, 1, 5, 3), (5, 3, 2, 1)),
        ((1, 2), (2, 1)),
    ],
    ids=["twice in a row", "twice in a box", "no such digit", "no such size"],
)
def test_a_grid_that_breaks_a_rule_is_neither_valid_nor_solved(grid):
    assert not is_valid(grid)
    assert not is_solved(grid)


def test_a_grid_with_a_blank_is_not_solved():
    assert is_valid(EMPTY)
    assert not is_solved(EMPTY)


@pytest.mark.parametrize(("size", "clues"), [(size, clues) for size in BOXES for clues in USUAL_CLUES[size]])
def test_a_puzzle_has_so_many_clues_and_one_solution(size, clues):
    rng = random.Random(clues)
    for _ in range(3):
        puzzle = write_puzzle(rng, size, clues)
        assert sum(digit > 0 for row in puzzle.clues for digit in row) == clues
        assert solutions(puzzle.clues, limit=2) == [puzzle.solution]
        assert is_solved(puzzle.solution)


def test_the_same_seed_writes_the_same_puzzle_and_another_another():
    first, again, other = (write_puzzle(random.Random(seed), 6, 14) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("size", BOXES)
def test_a_held_out_solution_never_occurs_in_training(size):
    rng = random.Random(3)
    for split in ("train", "held_out"):
        for _ in range(3):
            assert belongs(split, write_grid(write_puzzle(rng, size, 3 * size, split).solution))


def test_some_grids_of_size_4_are_held_out(all_of_size_4):
    held_out = sum(belongs("held_out", write_grid(grid)) for grid in all_of_size_4)
    assert 0.5 / HELD_OUT_ONE_IN < held_out / 288 < 1.5 / HELD_OUT_ONE_IN


@pytest.mark.parametrize("size", BOXES)
def test_the_answer_of_a_case_is_right_and_solves_what_the_prompt_shows(size):
    rng = random.Random(4)
    for _ in range(5):
        case = write_case(rng, size=size)
        assert is_right(case, case.answer)
        assert case.kind == f"sudoku{size}"
        clues = parse_grid(case.prompt.split("\n", 1)[1])
        assert clues is not None
        assert [write_grid(grid) for grid in solutions(clues)] == [case.answer]


def test_what_is_not_the_solution_is_wrong():
    case = write_case(random.Random(5), size=4)
    lines = case.answer.split("\n")
    assert not is_right(case, "\n".join([lines[1], lines[0], *lines[2:]]))
    assert not is_right(case, case.prompt.split("\n", 1)[1])
    assert not is_right(case, write_case(random.Random(6), size=4).answer)
    assert not is_right(case, write_case(random.Random(6), size=6).answer)
    assert not is_right(case, "")


@pytest.mark.parametrize(
    ("size", "clues", "message"),
    [
        (5, 10, "no size 5; use 4, 6, 9"),
        (6, 7, "cannot have 7 clues; use 8 to 36"),
        (4, 17, "cannot have 17 clues; use 4 to 16"),
    ],
)
def test_an_impossible_puzzle_is_refused(size, clues, message):
    with pytest.raises(SettingError, match=message):
        write_puzzle(random.Random(0), size, clues)


def test_the_bounds_of_a_case_are_possible():
    assert all(FEWEST_CLUES[size] <= low < high < size * size for size, (low, high) in USUAL_CLUES.items())
