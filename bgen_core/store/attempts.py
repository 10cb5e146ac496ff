"""Attempts at cells in the store: which seeds were tried, what was measured, and which one is kept."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.ids import RunId, SweepId
from bgen_core.records.sweep import CellAttempt
from bgen_core.store.access import own_run
from bgen_core.store.database import Database
from bgen_core.store.schema import AttemptRow, CellRow, RunRow, SweepRow


class Attempts:
    """The part of the store in which runners write down what they decide of cells that may be drawn again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def decide(
        self, sweep_id: SweepId, index: int, *, run_id: RunId, expansion: float | None, following: RunId | None
    ) -> bool:
        """Write down what was measured of the attempt under way, and which one follows: all or nothing.

        The cell's run is then the one that grew least, the first of those that are equal.

        Parameters
        ----------
        run_id
            The attempt under way, which is in the store.
        expansion
            In percent of the picture; None where it cannot be measured.
        following
            The next attempt's run, made or not; None where the cell is settled.

        Returns
        -------
        bool
            Whether it happened: not where somebody else has decided already.
        """
        with self._database.writing() as session:
            cell = session.get(CellRow, (sweep_id, index), with_for_update=True)
            sweep = session.get(SweepRow, sweep_id)
            if cell is None or sweep is None or cell.is_settled:
                return False
            rows = _rows(session, sweep_id, index)
            if not rows:
                rows = [AttemptRow(sweep_id=sweep_id, cell_index=index, number=0, run_id=cell.run_id, expansion=None)]
                session.add(rows[0])
            if rows[-1].run_id != run_id:
                return False
            rows[-1].expansion = expansion
            cell.run_id = _best(rows).run_id
            cell.is_settled = following is None
            if following is not None:
                session.add(
                    AttemptRow(
                        sweep_id=sweep_id, cell_index=index, number=len(rows), run_id=following, expansion=None
                    )
                )  # fmt: skip
                if not sweep.is_imported and session.get(RunRow, following) is not None:
                    own_run(session, following, sweep.owner)
            return True


def _rows(session: Session, sweep_id: SweepId, index: int) -> list[AttemptRow]:
    query = sa.select(AttemptRow).where(AttemptRow.sweep_id == sweep_id, AttemptRow.cell_index == index)
    return list(session.scalars(query.order_by(AttemptRow.number)))


def _best(rows: Sequence[AttemptRow]) -> AttemptRow:
    measured = [row for row in rows if row.expansion is not None]
    return min(measured, key=lambda row: (row.expansion, row.number)) if measured else rows[-1]


def attempts_of(
    session: Session, sweep_id: SweepId, indices: Collection[int] | None = None
) -> dict[int, tuple[CellAttempt, ...]]:
    """Index -> attempts, of the cells that have any."""
    query = sa.select(AttemptRow).where(AttemptRow.sweep_id == sweep_id)
    if indices is not None:
        query = query.where(AttemptRow.cell_index.in_(indices))
    found: dict[int, tuple[CellAttempt, ...]] = {}
    for row in session.scalars(query.order_by(AttemptRow.cell_index, AttemptRow.number)):
        found[row.cell_index] = (
            *found.get(row.cell_index, ()),
            CellAttempt(run_id=row.run_id, expansion=row.expansion),
        )
    return found
