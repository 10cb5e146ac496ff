"""Races in the store: whose sweep they add cells to, and every decision of theirs."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.errors import UserInputError
from bgen_core.ids import RunId, SweepId
from bgen_core.records.race import Race, RaceState, RaceStep, StepKind, checked_race_state, checked_step_kind
from bgen_core.records.sweep_states import RETRY
from bgen_core.store.access import Access, made_by_sweeps
from bgen_core.store.database import Database
from bgen_core.store.schema import CellRow, RaceRow, RaceStepRow, SweepRow
from bgen_core.store.sweep_rows import changed, unknown_sweep


class Races:
    """The part of the store that holds races: the sweep's owner's to begin and stop, for all to read who see it."""

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    def begin(self, race: Race) -> None:
        """Let a race add cells to a sweep that is in the store and has none yet.

        Raises
        ------
        UserInputError
            No sweep has this id, or it is raced already.
        NotAllowedError
            The sweep is somebody else's.
        """
        with self._database.writing() as session:
            self._check_change(session, race.sweep_id)
            if session.get(RaceRow, race.sweep_id) is not None:
                raise UserInputError("This sweep is a race already: look at its panel on the Sweep page.")
            add_race_rows(session, race)

    def of(self, sweep_id: SweepId) -> Race | None:
        """The race that adds cells to a sweep; None where there is none, or the sweep is not seen."""
        query = (
            sa.select(RaceRow)
            .join(SweepRow, SweepRow.id == RaceRow.sweep_id)
            .where(RaceRow.sweep_id == sweep_id, self._access.sweeps())
        )
        with self._database.reading() as session:
            row = session.scalar(query)
            return None if row is None else _race(session, row)

    def started_from(self, sweep_id: SweepId) -> list[SweepId]:
        """The sweeps of the races that began with the values of this one, the newest first."""
        query = (
            sa.select(RaceRow.sweep_id)
            .join(SweepRow, SweepRow.id == RaceRow.sweep_id)
            .where(RaceRow.started_from == sweep_id, self._access.sweeps())
            .order_by(SweepRow.created.desc(), SweepRow.id)
        )
        with self._database.reading() as session:
            return list(session.scalars(query))

    def waiting(self) -> list[SweepId]:
        """The sweeps of all open races whose cells are made: they wait for what is decided next."""
        query = (
            sa.select(RaceRow.sweep_id)
            .join(SweepRow, SweepRow.id == RaceRow.sweep_id)
            .where(RaceRow.state == "open", SweepRow.state == "done")
            .order_by(SweepRow.finished, SweepRow.id)
        )
        with self._database.reading() as session:
            return list(session.scalars(query))

    def decide(self, race: Race, steps: Sequence[RaceStep], *, state: RaceState = "open") -> bool:
        """Write down decisions that add no cells.

        Parameters
        ----------
        race
            As it was when they were made: where others have decided meanwhile, nothing is written.

        Returns
        -------
        bool
            Whether it happened.
        """
        with self._database.writing() as session:
            return self._decided(session, race, steps, state)

    def add_round(
        self,
        race: Race,
        steps: Sequence[RaceStep],
        *,
        plan: Mapping[str, Any],
        cell_ids: Mapping[int, RunId],
        expected_seconds: float | None,
    ) -> bool:
        """Write down decisions, add cells to the race's sweep, and put it into the queue again: all or nothing.

        Parameters
        ----------
        race
            See `decide`. Nothing happens either where the sweep is not done.
        plan
            The sweep's new plan, with all cells that it had at the same indices.
        cell_ids
            Index of each of its cells -> run that belongs there.
        """
        with self._database.writing() as session:
            row = session.get(SweepRow, race.sweep_id)
            if row is None or row.state != "done" or not self._decided(session, race, steps, "open"):
                return False
            there = set(session.scalars(sa.select(CellRow.cell_index).where(CellRow.sweep_id == race.sweep_id)))
            if not there <= cell_ids.keys():
                raise ValueError("a race's sweep would lose cells")
            session.add_all(
                CellRow(sweep_id=race.sweep_id, cell_index=index, run_id=run_id, error="")
                for index, run_id in cell_ids.items()
                if index not in there
            )
            row.plan, row.total, row.expected_seconds = dict(plan), len(cell_ids), expected_seconds
            session.flush()
            changed(session, race.sweep_id, RETRY)
            made_by_sweeps(session, SweepRow.id == race.sweep_id)
            return True

    def stop(self, sweep_id: SweepId) -> bool:
        """End a race: what is painted stays, and no more seeds are added. False where it had ended.

        Raises
        ------
        UserInputError, NotAllowedError
            See `begin`.
        """
        with self._database.writing() as session:
            self._check_change(session, sweep_id)
            row = session.get(RaceRow, sweep_id)
            if row is None or row.state != "open":
                return False
            row.state = "stopped"
            text = "Somebody stopped the race: no more seeds are added."
            _add_steps(session, sweep_id, [RaceStep(kind="stopped", text=text, created=datetime.now(UTC))])
            return True

    def follow(self, sweep_id: SweepId, text: str) -> None:
        """Write down that a further race goes on from a race that has ended."""
        with self._database.writing() as session:
            self._check_change(session, sweep_id)
            if session.get(RaceRow, sweep_id) is not None:
                _add_steps(session, sweep_id, [RaceStep(kind="followed", text=text, created=datetime.now(UTC))])

    def _decided(self, session: Session, race: Race, steps: Sequence[RaceStep], state: RaceState) -> bool:
        row = session.get(RaceRow, race.sweep_id)
        if row is None or row.state != "open" or _count(session, race.sweep_id) != len(race.steps):
            return False
        row.state = state
        _add_steps(session, race.sweep_id, steps)
        return True

    def _check_change(self, session: Session, sweep_id: SweepId) -> None:
        owner = session.scalar(sa.select(SweepRow.owner).where(SweepRow.id == sweep_id, self._access.sweeps()))
        if owner is None:
            raise unknown_sweep(sweep_id)
        self._access.check_change(session, owner, "this sweep")


def add_race_rows(session: Session, race: Race) -> None:
    """Write a race of a sweep that has none, and its decisions."""
    session.add(
        RaceRow(
            sweep_id=race.sweep_id,
            started_from=race.started_from,
            axis=race.axis,
            decided_by=race.by,
            budget=race.budget,
            begun_with=race.begun_with,
            state=race.state,
        )
    )
    session.flush()
    _add_steps(session, race.sweep_id, race.steps)


def _count(session: Session, sweep_id: SweepId) -> int:
    return (
        session.scalar(sa.select(sa.func.count()).select_from(RaceStepRow).where(RaceStepRow.sweep_id == sweep_id)) or 0
    )


def _add_steps(session: Session, sweep_id: SweepId, steps: Sequence[RaceStep]) -> None:
    first = _count(session, sweep_id)
    session.add_all(
        RaceStepRow(
            sweep_id=sweep_id,
            number=first + place,
            kind=step.kind,
            text=step.text,
            value=step.value,
            created=step.created,
        )
        for place, step in enumerate(steps)
    )


def _race(session: Session, row: RaceRow) -> Race:
    steps = session.scalars(
        sa.select(RaceStepRow).where(RaceStepRow.sweep_id == row.sweep_id).order_by(RaceStepRow.number)
    )
    return Race(
        sweep_id=row.sweep_id,
        started_from=row.started_from,
        axis=row.axis,
        by=row.decided_by,
        budget=row.budget,
        begun_with=row.begun_with,
        state=checked_race_state(row.state),
        steps=tuple(
            RaceStep(kind=_kind(step), text=step.text, value=step.value, created=step.created) for step in steps
        ),
    )


def _kind(step: RaceStepRow) -> StepKind:
    return checked_step_kind(step.kind)
