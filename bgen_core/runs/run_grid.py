"""Any runs as a grid: two of their columns are its headings, whatever sweeps the runs come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

MOST_HEADINGS = 60  # of a side: beyond, nobody finds anything again


@dataclass(frozen=True, kw_only=True)
class RunGrid:
    """Which runs lie where.

    Attributes
    ----------
    across, down
        Names of the columns whose values are the headings; empty for a side without any.
    columns, rows
        Those values, in their order; one empty text for a side without any.
    cells
        For each row and each of its columns the places of the runs that lie there, in the order of the table.
    """

    across: str
    down: str
    columns: tuple[Any, ...]
    rows: tuple[Any, ...]
    cells: tuple[tuple[tuple[int, ...], ...], ...]


def heading_columns(table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Those of the columns in which these runs differ, and not so much that a side would have no end."""
    return [name for name in names if 2 <= table[name].nunique(dropna=False) <= MOST_HEADINGS]


def run_grid(table: pd.DataFrame, names: Sequence[str], *, across: str = "", down: str = "") -> RunGrid:
    """Lay these runs out by two columns.

    Parameters
    ----------
    table
        Rows of the wide table of runs.
    names
        Columns that may be headings, those first that are preferred.
    across, down
        The columns to take; one that does not part these runs, or is empty, is replaced by the first that does.
    """
    offered = heading_columns(table, names)
    across = across if across in offered else next((name for name in offered if name != down), "")
    down = down if down in offered and down != across else next((name for name in offered if name != across), "")
    columns, column_of = _values(table, across)
    rows, row_of = _values(table, down)
    cells: list[list[list[int]]] = [[[] for _ in columns] for _ in rows]
    for place, (row, column) in enumerate(zip(row_of, column_of, strict=True)):
        cells[row][column].append(place)
    return RunGrid(
        across=across,
        down=down,
        columns=columns,
        rows=rows,
        cells=tuple(tuple(tuple(cell) for cell in row) for row in cells),
    )


def _values(table: pd.DataFrame, name: str) -> tuple[tuple[Any, ...], list[int]]:
    """The sorted values of a column, what is missing last, and for each run the place of its own."""
    if not name:
        return ("",), [0] * len(table)
    codes, known = pd.factorize(table[name], sort=True)
    values: list[Any] = list(known)
    if (codes < 0).any():
        values.append(None)
    return tuple(values), [int(code) if code >= 0 else len(values) - 1 for code in codes]
