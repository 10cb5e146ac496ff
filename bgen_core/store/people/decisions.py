"""Questions that sweeps were made to answer, and what was decided."""

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.errors import UserInputError
from bgen_core.ids import NOBODY, SweepId
from bgen_core.limits import check_text
from bgen_core.records.decision import LONGEST_QUESTION, NOTHING_ASKED, SweepDecision
from bgen_core.store.access import Access
from bgen_core.store.database import Database
from bgen_core.store.schema import DecisionRow, SweepRow
from bgen_core.store.sweep_rows import unknown_sweep


class Decisions:
    """The part of the store that holds each sweep's question and decision: its owner's to write, for all to read."""

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    def of(self, sweep_id: SweepId) -> SweepDecision:
        """A sweep's; an empty one where nothing was written, or the sweep is not seen."""
        query = (
            sa.select(DecisionRow)
            .join(SweepRow, SweepRow.id == DecisionRow.sweep_id)
            .where(DecisionRow.sweep_id == sweep_id, self._access.sweeps())
        )
        with self._database.reading() as session:
            row = session.scalar(query)
            return NOTHING_ASKED if row is None else _decision(row)

    def ask(self, sweep_id: SweepId, question: str) -> None:
        """Write the question; an empty one takes it back.

        Raises
        ------
        UserInputError
            No sweep has this id, or the question is too long.
        NotAllowedError
            The sweep is somebody else's.
        """
        asked = check_text("The question", question).strip()
        if len(asked) > LONGEST_QUESTION:
            raise UserInputError(f"A question has up to {LONGEST_QUESTION} letters, not {len(asked)}.")
        with self._database.writing() as session:
            self._row(session, sweep_id).question = asked

    def decide(self, sweep_id: SweepId, decision: str, *, evidence: str = "") -> None:
        """Write what was decided, with what spoke for it; an empty decision takes both back.

        Raises
        ------
        UserInputError, NotAllowedError
            See `ask`.
        """
        decided, said = check_text("The decision", decision).strip(), check_text("The evidence", evidence).strip()
        with self._database.writing() as session:
            row = self._row(session, sweep_id)
            row.decision, row.evidence = decided, said if decided else ""
            row.decided_by = self._access.owner() if decided else NOBODY
            row.decided = datetime.now(UTC) if decided else None

    def _row(self, session: Session, sweep_id: SweepId) -> DecisionRow:
        owner = session.scalar(sa.select(SweepRow.owner).where(SweepRow.id == sweep_id, self._access.sweeps()))
        if owner is None:
            raise unknown_sweep(sweep_id)
        self._access.check_change(session, owner, "this sweep")
        row = session.get(DecisionRow, sweep_id)
        if row is None:
            row = DecisionRow(sweep_id=sweep_id, question="", decision="", evidence="", decided_by=NOBODY)
            session.add(row)
        return row


def _decision(row: DecisionRow) -> SweepDecision:
    return SweepDecision(
        question=row.question,
        decision=row.decision,
        evidence=row.evidence,
        decided_by=row.decided_by,
        decided=row.decided,
    )
