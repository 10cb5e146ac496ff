"""Sweeps in the store: the queue, and which run belongs in which place of a grid."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast, get_args

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.errors import UserInputError
from bgen_core.ids import NO_SUBJECT, RunId, SubjectId, SweepId, VisitorId
from bgen_core.records.sweep import SweepCellRow, SweepRecord
from bgen_core.records.sweep_states import (
    ACTIVE_STATES,
    CLAIM,
    GIVE_WAY,
    UNFINISHED_STATES,
    StateChange,
    SweepState,
)
from bgen_core.records.turn_rule import InQueue, QueueLeft, in_order, next_after, next_in_turn
from bgen_core.store import sweep_queue
from bgen_core.store.database import Database, id_chunks
from bgen_core.store.schema import CellRow, RunRow, SweepRow
from bgen_core.wording import quoted


class Sweeps:
    """The part of the store that holds sweeps."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, record: SweepRecord, cell_ids: Mapping[int, RunId] | Sequence[RunId]) -> None:
        """Put a sweep and its cells in the store, at the end of the queue where its state is "queued".

        Parameters
        ----------
        cell_ids
            Index in the plan -> run that belongs there; a sequence for all indices from 0.
        """
        numbered = cell_ids if isinstance(cell_ids, Mapping) else dict(enumerate(cell_ids))
        with self._database.writing() as session:
            add_sweep_row(session, record, numbered)

    def get(self, sweep_id: SweepId) -> SweepRecord:
        """One sweep.

        Raises
        ------
        UserInputError
            No sweep has this id.
        """
        with self._database.reading() as session:
            return _record(_row(session, sweep_id))

    def select(
        self, *, states: Collection[SweepState] | None = None, owner: VisitorId | None = None
    ) -> list[SweepRecord]:
        """Sweeps by their place, as they were added unless reordered; all, or those in some states or of one owner."""
        query = sa.select(SweepRow).order_by(SweepRow.place, SweepRow.created, SweepRow.id)
        if states is not None:
            query = query.where(SweepRow.state.in_([_checked(state) for state in states]))
        if owner is not None:
            query = query.where(SweepRow.owner == owner)
        with self._database.reading() as session:
            return [_record(row) for row in session.scalars(query)]

    def with_runs(self) -> frozenset[SweepId]:
        """Ids of the sweeps of whose cells at least one is made and not deleted."""
        query = sa.select(CellRow.sweep_id).where(CellRow.run_id == RunRow.id).distinct()
        with self._database.reading() as session:
            return frozenset(session.scalars(query))

    def change_state(self, sweep_id: SweepId, change: StateChange, message: str = "") -> bool:
        """Turn a sweep from one of the states in which the change can be made; what others did meanwhile stands.

        Parameters
        ----------
        message
            Why it failed or stopped, in one sentence for a person.

        Returns
        -------
        bool
            Whether it happened.

        Raises
        ------
        UserInputError
            No sweep has this id.
        """
        also = {"started": datetime.now(UTC)} if change is GIVE_WAY else {}
        with self._database.writing() as session:
            if _changed(session, sweep_id, change, message=message, **also):
                return True
            _row(session, sweep_id)
            return False

    def hasten(self, sweep_id: SweepId) -> None:
        """Let a queued sweep change places with the one of the same owner that is served before it, if there is one."""
        with self._database.writing() as session:
            row = _row(session, sweep_id)
            before = session.scalars(
                sa.select(SweepRow)
                .where(SweepRow.owner == row.owner, SweepRow.state == "queued")
                .where(SweepRow.place < row.place, SweepRow.place >= 0)
                .order_by(SweepRow.place.desc())
                .limit(1)
            ).first()
            if before is not None and row.state == "queued":
                row.place, before.place = before.place, row.place

    def put_first(self, sweep_id: SweepId) -> None:
        """Let a queued sweep be made before all others, whosever turn it is, and without giving way to them."""
        with self._database.writing() as session:
            row = _row(session, sweep_id)
            first = session.scalar(sa.select(sa.func.min(SweepRow.place)).where(SweepRow.state.in_(ACTIVE_STATES)))
            if row.state == "queued":
                row.place = min(0.0, first or 0.0) - 1

    def queue(self) -> list[SweepRecord]:
        """The queued sweeps in the order in which `claim_next` will take them."""
        with self._database.reading() as session:
            order = [each.id for each in in_order(sweep_queue.waiting(session), sweep_queue.served(session))]
            rows = {row.id: row for row in session.scalars(sa.select(SweepRow).where(SweepRow.state == "queued"))}
            return [_record(rows[sweep_id]) for sweep_id in order]

    def queue_left(self) -> QueueLeft:
        """What is left of the sweeps in hand and of those that wait, whoever may see them."""
        with self._database.reading() as session:
            return QueueLeft(
                in_hand=sweep_queue.left(session, "running"),
                waiting=sweep_queue.left(session, "queued"),
                served=sweep_queue.served(session),
            )

    def next_after(self, sweep_id: SweepId) -> SweepRecord | None:
        """The queued sweep to which a running one gives way; None where it goes on."""
        with self._database.reading() as session:
            row = _row(session, sweep_id)
            running = InQueue(id=row.id, owner=row.owner, created=row.created, place=row.place)
            following = next_after(running, sweep_queue.waiting(session), sweep_queue.served(session))
            return None if following is None else _record(_row(session, following.id))

    def shares_device(self, sweep_id: SweepId) -> bool:
        """Whether others have turns between those of a sweep."""
        with self._database.reading() as session:
            owner = _row(session, sweep_id).owner
            return any(each.owner != owner for each in sweep_queue.waiting(session))

    def claim_next(self, *, leaving: VisitorId | None = None) -> SweepRecord | None:
        """Turn the next queued sweep to "running" and return it; None where nothing waits.

        Two workers never get the same sweep.

        Parameters
        ----------
        leaving
            Whose turn ends now: others come before.
        """
        with self._database.writing() as session:
            now = datetime.now(UTC)
            served = sweep_queue.served(session) | ({leaving: now} if leaving else {})
            following = next_in_turn(sweep_queue.waiting(session), served)
            if following is None or not _changed(session, following.id, CLAIM, started=now):
                return None
            return _record(_row(session, following.id))

    def cells(self, sweep_id: SweepId) -> list[SweepCellRow]:
        """The cells of a sweep by their index, with which of them are made; an unknown id is a UserInputError."""
        query = (
            sa.select(CellRow.cell_index, CellRow.run_id, RunRow.id.is_not(None), CellRow.error)
            .join(RunRow, RunRow.id == CellRow.run_id, isouter=True)
            .where(CellRow.sweep_id == sweep_id)
            .order_by(CellRow.cell_index)
        )
        with self._database.reading() as session:
            _row(session, sweep_id)
            return [
                SweepCellRow(index=index, run_id=run_id, done=done, error=error)
                for index, run_id, done, error in session.execute(query)
            ]

    def open_cells(self, *, owner: VisitorId | None = None, enough: int = 0) -> int:
        """How many cells of sweeps that wait, run or are paused are not made; of all owners, or of one.

        Parameters
        ----------
        enough
            Up to this many it need not be exact: it costs no look at the cells then, and is never less than there are.
        """
        chosen = SweepRow.state.in_(UNFINISHED_STATES)
        if owner is not None:
            chosen = sa.and_(chosen, SweepRow.owner == owner)
        missing = (
            sa.select(sa.func.count())
            .select_from(CellRow)
            .join(SweepRow, SweepRow.id == CellRow.sweep_id)
            .join(RunRow, RunRow.id == CellRow.run_id, isouter=True)
            .where(chosen, RunRow.id.is_(None))
        )
        with self._database.reading() as session:
            planned = session.scalar(sa.select(sa.func.sum(SweepRow.total)).where(chosen)) or 0
            return planned if planned <= enough else session.scalar(missing) or 0

    def set_cell_error(self, sweep_id: SweepId, index: int, error: str) -> None:
        """Keep why a cell failed; an empty text clears it."""
        with self._database.writing() as session:
            cell = session.get(CellRow, (sweep_id, index))
            if cell is None:
                raise UserInputError(f"Sweep {quoted(sweep_id)} has no cell {index}.")
            cell.error = error

    def clear_cell_errors(self, sweep_id: SweepId, index: int | None = None) -> None:
        """Forget why cells failed, so that they are tried again: one cell's, or all of them."""
        query = sa.update(CellRow).where(CellRow.sweep_id == sweep_id).values(error="")
        with self._database.writing() as session:
            session.execute(query if index is None else query.where(CellRow.cell_index == index))

    def of_run(self, run_id: RunId) -> list[SweepRecord]:
        """The sweeps in whose grid a run stands, newest first."""
        return self.of_runs([run_id])

    def of_runs(self, run_ids: Sequence[RunId]) -> list[SweepRecord]:
        """The sweeps in whose grids at least one of these runs stands, newest first."""
        found: dict[SweepId, SweepRow] = {}
        with self._database.reading() as session:
            for chunk in id_chunks(run_ids):
                query = sa.select(SweepRow).where(
                    SweepRow.id.in_(sa.select(CellRow.sweep_id).where(CellRow.run_id.in_(chunk)))
                )
                found.update((row.id, row) for row in session.scalars(query))
            records = [_record(row) for row in found.values()]
        return sorted(sorted(records, key=lambda each: each.id), key=lambda each: each.created, reverse=True)


def add_sweep_row(session: Session, record: SweepRecord, cell_ids: Mapping[int, RunId]) -> None:
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
            state=_checked(record.state),
            title=record.title,
            plan=record.plan,
            subject_id=record.subject_id,
            total=record.total,
            message=record.message,
            place=max(last or 0.0, 0.0) + 1,
            expected_seconds=record.expected_seconds,
            explored=record.explored,
        )
    )
    session.flush()
    cells = [
        {"sweep_id": record.id, "cell_index": index, "run_id": run_id, "error": ""}
        for index, run_id in cell_ids.items()
    ]
    if cells:
        session.execute(sa.insert(CellRow), cells)


def subjects_of(plan: Mapping[str, Any]) -> set[SubjectId]:
    """Ids of the subjects that a plan's JSON names."""
    swept = [axis["values"] for axis in plan.get("axes", ()) if axis["name"] == "subject"]
    return set[SubjectId]().union([plan.get("subject_id", NO_SUBJECT)], *swept)


def _changed(session: Session, sweep_id: SweepId, change: StateChange, *, message: str = "", **also: Any) -> bool:
    """Change a sweep's state in one conditional statement, and other columns with it; whether it happened."""
    finished = None if change.to in UNFINISHED_STATES else datetime.now(UTC)
    result = session.execute(
        sa.update(SweepRow)
        .where(SweepRow.id == sweep_id, SweepRow.state.in_(change.starts))
        .values(state=change.to, message=message, finished=finished, **also)
        .execution_options(synchronize_session=False)
    )
    return cast("sa.CursorResult[Any]", result).rowcount == 1


def _row(session: Session, sweep_id: SweepId) -> SweepRow:
    row = session.get(SweepRow, sweep_id)
    if row is None:
        raise UserInputError(
            f"No sweep is called {quoted(sweep_id)}: open one from the sweep page, or start a new one."
        )
    return row


def _record(row: SweepRow) -> SweepRecord:
    return SweepRecord(
        id=row.id,
        owner=row.owner,
        created=row.created,
        state=_checked(row.state),
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
    )


def _checked(state: str) -> SweepState:
    for known in get_args(SweepState):
        if state == known:
            return known
    raise ValueError(f"{quoted(state)} is not a sweep's state")
