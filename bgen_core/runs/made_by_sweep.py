"""Which pictures of a grid a sweep made itself: the others were there before, made under another load."""

import sqlalchemy as sa

from bgen_core.ids import RunId, SweepId
from bgen_core.store.database import id_chunks
from bgen_core.store.schema import CellRow, RunRow, SweepRow
from bgen_core.store.store import Store


def runs_made_by(store: Store, sweep_id: SweepId) -> frozenset[RunId]:
    """Runs of a sweep's grid that were made while it ran.

    A sweep runs from when it was taken from the queue to its end. Of a sweep that was stopped and taken up again only
    the last beginning is known: what was made before it, but after its submission, counts as its own where it stands in
    no other sweep's grid that was under way then.
    """
    made = (
        sa.select(RunRow.id, RunRow.created, SweepRow.started)
        .join(CellRow, CellRow.run_id == RunRow.id)
        .join(SweepRow, SweepRow.id == CellRow.sweep_id)
        .where(SweepRow.id == sweep_id, *_while_under_way())
    )
    others = (
        sa.select(CellRow.run_id)
        .join(RunRow, RunRow.id == CellRow.run_id)
        .join(SweepRow, SweepRow.id == CellRow.sweep_id)
        .where(SweepRow.id != sweep_id, *_while_under_way())
    )
    with store.database.reading() as session:
        found = {run_id: started is None or created >= started for run_id, created, started in session.execute(made)}
        early = [run_id for run_id, is_own in found.items() if not is_own]
        shared = {
            run_id for chunk in id_chunks(early) for run_id in session.scalars(others.where(CellRow.run_id.in_(chunk)))
        }
    return frozenset(found) - shared


def _while_under_way() -> tuple[sa.ColumnElement[bool], ...]:
    ended = sa.or_(SweepRow.finished.is_(None), RunRow.created <= SweepRow.finished)
    return RunRow.created >= SweepRow.created, ended
