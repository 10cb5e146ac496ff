"""Sweeps in the store: the queue, and which run belongs in which place of a grid."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.errors import UserInputError
from bgen_core.ids import RunId, SweepId, VisitorId
from bgen_core.records.early_stop import checked_mark
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
from bgen_core.records.visitor import Sharing
from bgen_core.store import sweep_queue
from bgen_core.store.access import Access, Condition, made_by_sweeps, opened_by_link
from bgen_core.store.attempts import attempts_of
from bgen_core.store.database import Database, id_chunks
from bgen_core.store.pictures import is_seen, own_reference
from bgen_core.store.references import references_of
from bgen_core.store.removals import removed
from bgen_core.store.schema import CellRow, OpenedLinkRow, RunOwnerRow, RunRow, SubjectRow, SweepRow
from bgen_core.store.sweep_rows import (
    add_sweep_row,
    changed,
    checked_state,
    subjects_of,
    sweep_record,
    sweep_row,
    unknown_sweep,
    without_plan,
)
from bgen_core.wording import quoted

_THIS = "this sweep"


class Sweeps:
    """The part of the store that holds sweeps.

    Whoever looks sees those that they may open, and of the queue how long it is; the rest is not there for them.
    """

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    def add(self, record: SweepRecord, cell_ids: Mapping[int, RunId] | Sequence[RunId]) -> None:
        """Put a sweep and its cells in the store, at the end of the queue where its state is "queued".

        It is the visitor's, as are then the runs in its grid that are there already: whoever names all that makes a
        picture has nothing to learn from it.

        Parameters
        ----------
        cell_ids
            Index in the plan -> run that belongs there; a sequence for all indices from 0.

        Raises
        ------
        UserInputError
            Its plan names a subject or a reference picture that the visitor may not see.
        """
        numbered = cell_ids if isinstance(cell_ids, Mapping) else dict(enumerate(cell_ids))
        self._access.check_member()
        owned = replace(record, owner=self._access.owner(record.owner))
        with self._database.writing() as session:
            self._own_named(session, owned)
            add_sweep_row(session, owned, numbered, self._access)
            made_by_sweeps(session, SweepRow.id == owned.id)

    def get(self, sweep_id: SweepId) -> SweepRecord:
        """One sweep.

        Raises
        ------
        UserInputError
            No sweep has this id, or it is not shared with whoever looks.
        """
        with self._database.reading() as session:
            row = sweep_row(session, sweep_id)
            if self._sees(session, row):
                return sweep_record(row)
            if row.sharing != "link" or self._access.link is not None:
                raise unknown_sweep(sweep_id)
        return self._opened(sweep_id)

    def select(
        self, *, states: Collection[SweepState] | None = None, owner: VisitorId | None = None
    ) -> list[SweepRecord]:
        """Sweeps by their place, as they were added unless reordered; all, or those in some states or of one owner."""
        query = sa.select(SweepRow).order_by(SweepRow.place, SweepRow.created, SweepRow.id).where(self._access.sweeps())
        if states is not None:
            query = query.where(SweepRow.state.in_([checked_state(state) for state in states]))
        if owner is not None:
            query = query.where(SweepRow.owner == owner)
        with self._database.reading() as session:
            return [sweep_record(row) for row in session.scalars(query)]

    def with_runs(self) -> frozenset[SweepId]:
        """Ids of the sweeps of whose cells at least one is made and not deleted."""
        query = (
            sa.select(CellRow.sweep_id)
            .join(RunRow, RunRow.id == CellRow.run_id)
            .join(SweepRow, SweepRow.id == CellRow.sweep_id)
            .where(self._access.sweeps(), self._access.runs())
            .distinct()
        )
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
            No sweep has this id, or it is somebody else's.
        """
        also = {"started": datetime.now(UTC)} if change is GIVE_WAY else {}
        with self._database.writing() as session:
            self._changeable(session, sweep_id)
            return changed(session, sweep_id, change, message=message, **also)

    def share(self, sweep_id: SweepId, sharing: Sharing) -> None:
        """Let others see a sweep, or no longer; who opened its link before must open it again."""
        with self._database.writing() as session:
            self._changeable(session, sweep_id).sharing = sharing
            session.execute(sa.delete(OpenedLinkRow).where(OpenedLinkRow.sweep_id == sweep_id))

    def let_viewers_vote(self, sweep_id: SweepId, *, vote: bool) -> None:
        """Let viewers vote on a sweep's pictures, or no longer; what they gave stays."""
        with self._database.writing() as session:
            self._changeable(session, sweep_id).viewers_vote = vote

    def may_change(self, sweep: SweepRecord) -> bool:
        """Whether whoever looks may stop a sweep, go on with it, and say who sees it."""
        return self._access.may_change([sweep.owner])

    def hasten(self, sweep_id: SweepId) -> None:
        """Let a queued sweep change places with the one of the same owner that is served before it, if there is one."""
        with self._database.writing() as session:
            row = self._changeable(session, sweep_id)
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
        """Let a queued sweep be made before all others, and without giving way to them; an admin may."""
        self._access.check_admin("puts a sweep before everybody's turn")
        with self._database.writing() as session:
            row = sweep_row(session, sweep_id)
            first = session.scalar(sa.select(sa.func.min(SweepRow.place)).where(SweepRow.state.in_(ACTIVE_STATES)))
            if row.state == "queued":
                row.place = min(0.0, first or 0.0) - 1

    def queue(self) -> list[SweepRecord]:
        """The queued sweeps in the order in which `claim_next` will take them.

        Of those that whoever looks may not open, neither title nor plan is said.
        """
        with self._database.reading() as session:
            order = [each.id for each in in_order(sweep_queue.waiting(session), sweep_queue.served(session))]
            rows = session.execute(sa.select(SweepRow, self._access.sweeps()).where(SweepRow.state == "queued"))
            found = {row.id: sweep_record(row) if seen else without_plan(sweep_record(row)) for row, seen in rows}
            return [found[sweep_id] for sweep_id in order]

    def count(self, state: SweepState) -> int:
        """How many sweeps are in a state, whoever may see them."""
        with self._database.reading() as session:
            return session.scalar(sa.select(sa.func.count()).where(SweepRow.state == state)) or 0

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
        with self._database.reading() as session:  # asked several times a second while a sweep runs
            waiting = sweep_queue.waiting(session)
            if not waiting:
                return None
            row = sweep_row(session, sweep_id)
            running = InQueue(id=row.id, owner=row.owner, created=row.created, place=row.place)
            following = next_after(running, waiting, sweep_queue.served(session))
            return None if following is None else sweep_record(sweep_row(session, following.id))

    def shares_device(self, sweep_id: SweepId) -> bool:
        """Whether others have turns between those of a sweep."""
        with self._database.reading() as session:
            owner = sweep_row(session, sweep_id).owner
            return any(each.owner != owner for each in sweep_queue.waiting(session))

    def claim_next(self, *, leaving: VisitorId | None = None) -> SweepRecord | None:
        """Turn the next queued sweep to "running" and return it; None where nothing waits.

        Two workers never get the same sweep.

        Parameters
        ----------
        leaving
            Whose turn ends now: others come before.
        """
        with self._database.reading() as session:  # whoever idles asks several times a second, and takes no turn
            if not sweep_queue.waiting(session):
                return None
        with self._database.writing() as session:
            now = datetime.now(UTC)
            served = sweep_queue.served(session) | ({leaving: now} if leaving else {})
            following = next_in_turn(sweep_queue.waiting(session), served)
            if following is None or not changed(session, following.id, CLAIM, started=now):
                return None
            return sweep_record(sweep_row(session, following.id))

    def cells(self, sweep_id: SweepId, indices: Collection[int] | None = None) -> list[SweepCellRow]:
        """The cells of a sweep by their index, with which of them are made; an unknown id is a UserInputError.

        Parameters
        ----------
        indices
            Of these alone, at most some hundred; None for all.
        """
        with self._database.reading() as session:
            row = sweep_row(session, sweep_id)
            if not self._sees(session, row):
                raise unknown_sweep(sweep_id)
            query = (
                sa.select(
                    CellRow.cell_index,
                    CellRow.run_id,
                    self._is_made(row),
                    CellRow.error,
                    CellRow.is_settled,
                    CellRow.early,
                )
                .where(CellRow.sweep_id == sweep_id)
                .order_by(CellRow.cell_index)
            )
            if indices is not None:
                query = query.where(CellRow.cell_index.in_(indices))
            tried = attempts_of(session, sweep_id, indices) if "redraw" in row.plan else {}
            return [
                SweepCellRow(
                    index=index, run_id=run_id, done=done, error=error, is_settled=is_settled,
                    attempts=tried.get(index, ()), early=checked_mark(early),
                )
                for index, run_id, done, error, is_settled, early in session.execute(query)
            ]  # fmt: skip

    def missing(self, sweep_id: SweepId) -> int:
        """How many cells of a sweep have something left to be made, and have not failed."""
        query = (
            sa.select(sa.func.count())
            .select_from(CellRow)
            .join(RunRow, RunRow.id == CellRow.run_id, isouter=True)
            .where(CellRow.sweep_id == sweep_id, CellRow.error == "")
            .where(sa.or_(RunRow.id.is_(None), ~CellRow.is_settled))
        )
        with self._database.reading() as session:
            return session.scalar(query) or 0

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
            .where(chosen, sa.or_(RunRow.id.is_(None), ~CellRow.is_settled))
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

    def stop_cell(self, sweep_id: SweepId, index: int, reason: str) -> None:
        """Keep that a cell was stopped early, and why."""
        with self._database.writing() as session:
            cell = session.get(CellRow, (sweep_id, index))
            if cell is not None:
                cell.error, cell.early = reason, "stopped"

    def note_early(self, sweep_id: SweepId, note: str) -> None:
        """Keep what was said of stopping cells early when a sweep began; what stands there already stays."""
        query = sa.update(SweepRow).where(SweepRow.id == sweep_id, SweepRow.early_note == "").values(early_note=note)
        with self._database.writing() as session:
            session.execute(query)

    def clear_cell_errors(self, sweep_id: SweepId, index: int | None = None, *, stopped: bool = False) -> None:
        """Forget why cells failed, so that they are tried again: one cell's, or all of them.

        Parameters
        ----------
        index
            Of one cell, also where it was stopped early; it is not stopped again then.
        stopped
            Whether all that were stopped early are to be painted too.
        """
        query = sa.update(CellRow).where(CellRow.sweep_id == sweep_id, CellRow.error != "")
        if index is not None:
            query = query.where(CellRow.cell_index == index)
        elif not stopped:
            query = query.where(CellRow.early != "stopped")
        mark = sa.case((CellRow.early == "stopped", "wanted"), else_=CellRow.early)
        with self._database.writing() as session:
            self._changeable(session, sweep_id)
            session.execute(query.values(error="", early=mark))

    def of_run(self, run_id: RunId) -> list[SweepRecord]:
        """The sweeps in whose grid a run stands, newest first."""
        return self.of_runs([run_id])

    def of_runs(self, run_ids: Sequence[RunId]) -> list[SweepRecord]:
        """The sweeps in whose grids at least one of these runs stands, newest first."""
        found: dict[SweepId, SweepRow] = {}
        with self._database.reading() as session:
            for chunk in id_chunks(run_ids):
                query = sa.select(SweepRow).where(
                    SweepRow.id.in_(sa.select(CellRow.sweep_id).where(CellRow.run_id.in_(chunk))), self._access.sweeps()
                )
                found.update((row.id, row) for row in session.scalars(query))
            records = [sweep_record(row) for row in found.values()]
        return sorted(sorted(records, key=lambda each: each.id), key=lambda each: each.created, reverse=True)

    def _sees(self, session: Session, row: SweepRow) -> bool:
        """Whether whoever looks may open a sweep."""
        if self._access.sees_all or row.owner in self._access.own:
            return True
        return session.scalar(sa.select(SweepRow.id).where(SweepRow.id == row.id, self._access.sweeps())) is not None

    def _own_named(self, session: Session, record: SweepRecord) -> None:
        """Let a sweep's owner own its reference pictures; what they may not see is not there for them."""
        named = subjects_of(record.plan)
        there = sa.select(SubjectRow.id).where(SubjectRow.id.in_(named))
        hidden = set(session.scalars(there)) - set(session.scalars(there.where(self._access.subjects())))
        if hidden:
            raise UserInputError(
                f"No saved subject is called {quoted(min(hidden)[:12])}: choose one from the library, or save it again."
            )
        for picture in sorted(references_of(record.plan)):
            if not is_seen(session, self._access, picture) or removed(session, [picture]):
                raise UserInputError(
                    f"The picture {quoted(picture[:12])} of this sweep is not in the store: give its file again."
                )
            own_reference(session, picture, record.owner)

    def _opened(self, sweep_id: SweepId) -> SweepRecord:
        """A sweep that is shared by its link, opened for the first time."""
        with self._database.writing() as session:
            row = sweep_row(session, sweep_id)
            if row.sharing != "link":
                raise unknown_sweep(sweep_id)
            opened_by_link(session, sweep_id, self._access.owner())
            return sweep_record(row)

    def _changeable(self, session: Session, sweep_id: SweepId) -> SweepRow:
        row = sweep_row(session, sweep_id)
        if not self._sees(session, row):
            raise unknown_sweep(sweep_id)
        self._access.check_change(session, row.owner, _THIS)
        return row

    def _is_made(self, row: SweepRow) -> Condition:
        """Of rows of `CellRow`: whether the run is there, and one of those made it through whom it is seen here."""
        if self._access.link is not None:
            return sa.exists().where(RunRow.id == CellRow.run_id, self._access.runs())
        if self._access.visitor is None:
            return sa.exists().where(RunRow.id == CellRow.run_id)
        owners = {row.owner, *self._access.own}
        return sa.exists().where(RunOwnerRow.run_id == CellRow.run_id, RunOwnerRow.owner.in_(owners))
