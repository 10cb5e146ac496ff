"""What the turns of the queue depend on, read without plans: it is asked for often."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.ids import VisitorId
from bgen_core.records.turn_rule import InQueue, Left
from bgen_core.store.schema import CellRow, RunRow, SweepRow


def waiting(session: Session) -> list[InQueue]:
    """The queued sweeps, in no order."""
    query = sa.select(SweepRow.id, SweepRow.owner, SweepRow.created, SweepRow.place)
    found = session.execute(query.where(SweepRow.state == "queued"))
    return [InQueue(id=name, owner=owner, created=created, place=place) for name, owner, created, place in found]


def served(session: Session) -> dict[VisitorId, datetime]:
    """When the last turn of each owner with a queued sweep ended; of one that lasts, when it began."""
    owners = sa.select(SweepRow.owner).where(SweepRow.state == "queued")
    query = (
        sa.select(SweepRow.owner, sa.func.max(SweepRow.started), sa.func.max(SweepRow.finished))
        .where(SweepRow.started.is_not(None), SweepRow.owner.in_(owners))
        .group_by(SweepRow.owner)
    )
    found = session.execute(query)
    return {owner: max(started, finished or started) for owner, started, finished in found if started is not None}


def left(session: Session, state: str) -> list[Left]:
    """What is left of the sweeps in one state, by their place."""
    model = SweepRow.plan["model"].as_string()
    begun = sa.or_(SweepRow.state == "running", SweepRow.started.is_not(None))
    missing = (
        sa.select(CellRow.sweep_id, sa.func.count().label("cells"))
        .join(SweepRow, SweepRow.id == CellRow.sweep_id)
        .where(SweepRow.state == state, begun, CellRow.error == "")
        .where(sa.or_(~CellRow.is_settled, ~sa.exists().where(RunRow.id == CellRow.run_id)))
        .group_by(CellRow.sweep_id)
        .subquery()
    )
    cells = sa.case((begun, sa.func.coalesce(missing.c.cells, 0)), else_=SweepRow.total)
    turn = (SweepRow.id, SweepRow.owner, SweepRow.created, SweepRow.place)
    columns = (*turn, SweepRow.expected_seconds, SweepRow.total, SweepRow.started)
    query = (
        sa.select(*columns, cells, model)
        .join(missing, missing.c.sweep_id == SweepRow.id, isouter=True)
        .where(SweepRow.state == state)
        .order_by(SweepRow.place, SweepRow.id)
    )
    return [
        Left(
            turn=InQueue(id=name, owner=owner, created=created, place=place),
            cells=count,
            cell_seconds=None if expected is None else expected / max(1, total),
            model=model_name or "",
            has_begun=started is not None,
        )
        for name, owner, created, place, expected, total, started, count, model_name in session.execute(query)
    ]
