"""Rows of sweeps: written, read, and changed in one conditional statement."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast, get_args

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.errors import UserInputError
from bgen_core.ids import NO_SUBJECT, RunId, SubjectId, SweepId
from bgen_core.records.early_stop import EarlyWish
from bgen_core.records.sweep import SweepRecord
from bgen_core.records.sweep_states import UNFINISHED_STATES, StateChange, SweepState
from bgen_core.store.access import Access, made_by_sweeps, sharing_of
from bgen_core.store.schema import CellRow, SubjectRow, SweepRow, SweepSubjectRow
from bgen_core.wording import quoted


def add_sweep_row(
    session: Session,
    record: SweepRecord,
    cell_ids: Mapping[int, RunId],
    access: Access,
    *,
    is_imported: bool = False,
) -> None:
    """Write a sweep and its cells, at the end of its owner's queue; see `Sweeps.add`."""
    if record.total != len(cell_ids):
        raise ValueError(f"{record.total} cells announced, {len(cell_ids)} given")
    last = session.scalar(sa.select(sa.func.max(SweepRow.place)))
    session.add(
        SweepRow(
            id=record.id,
            owner=record.owner,
            created=record.created,
            finished=record.finished,
            state=checked_state(record.state),
            title=record.title,
            plan=record.plan,
            subject_id=record.subject_id,
            total=record.total,
            message=record.message,
            place=max(last or 0.0, 0.0) + 1,
            expected_seconds=record.expected_seconds,
            explored=record.explored,
            sharing=record.sharing,
            viewers_vote=record.viewers_vote,
            is_imported=is_imported,
            early_by=record.early.by if record.early else "",
            early_stops=bool(record.early and record.early.stops),
            early_note=record.early_note,
        )
    )
    session.flush()
    named = subjects_of(record.plan) | {record.subject_id}
    if not access.sees_all:  # whoever may open the sweep will see them
        named = set(session.scalars(sa.select(SubjectRow.id).where(SubjectRow.id.in_(named), access.subjects())))
    session.add_all([SweepSubjectRow(sweep_id=record.id, subject_id=each) for each in sorted(named - {NO_SUBJECT})])
    is_settled = is_imported or "redraw" not in record.plan
    cells = [
        {"sweep_id": record.id, "cell_index": index, "run_id": run_id, "error": "", "is_settled": is_settled}
        for index, run_id in cell_ids.items()
    ]
    if cells:
        session.execute(sa.insert(CellRow), cells)


def subjects_of(plan: Mapping[str, Any]) -> set[SubjectId]:
    """Ids of the subjects that a plan's JSON names."""
    swept = [axis["values"] for axis in plan.get("axes", ()) if axis["name"] == "subject"]
    return set[SubjectId]().union([plan.get("subject_id", NO_SUBJECT)], *swept)


def changed(session: Session, sweep_id: SweepId, change: StateChange, *, message: str = "", **also: Any) -> bool:
    """Change a sweep's state in one conditional statement, and other columns with it; whether it happened."""
    finished = None if change.to in UNFINISHED_STATES else datetime.now(UTC)
    result = session.execute(
        sa.update(SweepRow)
        .where(SweepRow.id == sweep_id, SweepRow.state.in_(change.starts))
        .values(state=change.to, message=message, finished=finished, **also)
        .execution_options(synchronize_session=False)
    )
    happened = cast("sa.CursorResult[Any]", result).rowcount == 1
    if happened and change.to == "queued":
        made_by_sweeps(session, SweepRow.id == sweep_id)  # what its owner deleted, and others kept, is theirs again
    return happened


def sweep_row(session: Session, sweep_id: SweepId) -> SweepRow:
    row = session.get(SweepRow, sweep_id)
    if row is None:
        raise unknown_sweep(sweep_id)
    return row


def unknown_sweep(sweep_id: SweepId) -> UserInputError:
    return UserInputError(f"No sweep is called {quoted(sweep_id)}: open one from the sweep page, or start a new one.")


def without_plan(sweep: SweepRecord) -> SweepRecord:
    """A place in the queue, and no more."""
    return replace(sweep, title="", plan={}, subject_id=NO_SUBJECT, message="", explored=None)


def sweep_record(row: SweepRow) -> SweepRecord:
    return SweepRecord(
        id=row.id,
        owner=row.owner,
        created=row.created,
        state=checked_state(row.state),
        title=row.title,
        plan=row.plan,
        subject_id=row.subject_id,
        total=row.total,
        message=row.message,
        place=row.place,
        expected_seconds=row.expected_seconds,
        explored=row.explored,
        started=row.started,
        finished=row.finished,
        sharing=sharing_of(row.sharing),
        viewers_vote=row.viewers_vote,
        early=EarlyWish(by=row.early_by, stops=row.early_stops) if row.early_by else None,
        early_note=row.early_note,
    )


def checked_state(state: str) -> SweepState:
    for known in get_args(SweepState):
        if state == known:
            return known
    raise ValueError(f"{quoted(state)} is not a sweep's state")
