"""What is said of a cell that was drawn again."""

import pytest

from bgen_core.records.sweep import CellAttempt, SweepCellRow
from bgen_core.runs.attempt_words import attempt_text, redrawn_text
from bgen_core.sweep.seeds.redraw import Redraw
from tests.made_up import run_id

THREE = Redraw(max_expansion=3, attempts=4)


def cell(*grew: float | None, kept: int = 0, settled: bool = True, error: str = "") -> SweepCellRow:
    tried = tuple(CellAttempt(run_id=run_id(number), expansion=value) for number, value in enumerate(grew))
    return SweepCellRow(index=0, run_id=run_id(kept), done=True, error=error, is_settled=settled, attempts=tried)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (cell(1.25), "1st seed of at most 4: 1.25 % (limit 3 %)."),
        (cell(5.2, 4, 2.1, kept=2), "3rd seed of at most 4: 2.10 % (limit 3 %); earlier: 5.20 % and 4.00 %."),
        (
            cell(5.2, 4, 6, 7, kept=1),
            "No seed holds. The 2nd of 4 grew least: 4.00 % (limit 3 %); the others: 5.20 %, 6.00 % and 7.00 %.",
        ),
        (cell(5.2, None, settled=False), "The 2nd seed of at most 4 is tried; so far 5.20 % (limit 3 %)."),
        (cell(5.2, None, settled=False, error="no memory"), "The 2nd seed failed; so far 5.20 % (limit 3 %)."),
        (cell(None), "Its expansion cannot be measured: it is not drawn again."),
        (cell(5.2, None), "No seed holds. The 1st of 2 grew least: 5.20 % (limit 3 %)."),
        (cell(settled=False), ""),
    ],
)
def test_each_state_of_a_cell_has_its_sentence(row: SweepCellRow, said: str) -> None:
    assert attempt_text(row, THREE) == said


def test_a_sweep_without_the_option_says_nothing() -> None:
    assert attempt_text(cell(9), None) == redrawn_text([cell(9, 9)], None) == ""


def test_a_sweep_says_how_many_cells_hold_at_no_seed() -> None:
    assert redrawn_text([cell(1)], THREE) == ""
    assert redrawn_text([cell(5, 1, kept=1)], THREE) == "1 cell was drawn again"
    cells = [cell(5, 1, kept=1), cell(1), cell(5, 6), cell(5, None, settled=False)]
    assert redrawn_text(cells, THREE) == "3 cells were drawn again; 1 of them holds at no seed, the best is kept"
