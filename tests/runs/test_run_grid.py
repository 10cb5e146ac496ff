"""Any runs in a grid: each run lies once, in the cell of its two values."""

import pandas as pd
import pytest

from bgen_core.runs.run_grid import MOST_HEADINGS, run_grid

NAMES = ("prompt", "steps", "seed")
TABLE = pd.DataFrame(
    {
        "prompt": ["b", "a", "b", "a", "b"],
        "steps": [20.0, 20.0, 8.0, None, 20.0],
        "seed": [1, 1, 1, 1, 1],
    }
)


def test_each_run_lies_in_the_cell_of_its_values() -> None:
    grid = run_grid(TABLE, NAMES)
    assert (grid.across, grid.down) == ("prompt", "steps")
    assert (grid.columns, grid.rows) == (("a", "b"), (8.0, 20.0, None))
    assert grid.cells == (((), (2,)), ((1,), (0, 4)), ((3,), ()))


@pytest.mark.parametrize(
    ("across", "down", "chosen"),
    [
        ("steps", "", ("steps", "prompt")),
        ("", "prompt", ("steps", "prompt")),
        ("steps", "steps", ("steps", "prompt")),
        ("seed", "gone", ("prompt", "steps")),  # one does not part these runs, the other is not there
    ],
)
def test_a_heading_that_parts_nothing_is_replaced(across: str, down: str, chosen: tuple[str, str]) -> None:
    grid = run_grid(TABLE, NAMES, across=across, down=down)
    assert (grid.across, grid.down) == chosen
    assert sorted(place for row in grid.cells for cell in row for place in cell) == [0, 1, 2, 3, 4]


def test_runs_that_do_not_differ_are_one_cell() -> None:
    grid = run_grid(TABLE.iloc[:1], NAMES)
    assert (grid.across, grid.down, grid.cells) == ("", "", (((0,),),))


def test_a_column_with_no_end_of_values_is_no_heading() -> None:
    many = pd.DataFrame({"prompt": [str(number) for number in range(MOST_HEADINGS + 1)], "steps": 1, "seed": 1})
    assert run_grid(many, NAMES, across="prompt").across == ""
