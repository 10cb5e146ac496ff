"""What people think of runs: ratings, notes, tags and blind votes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.errors import UserInputError
from bgen_core.ids import NOBODY, RunId, SweepId, VisitorId
from bgen_core.limits import LONGEST_TAG, check_text
from bgen_core.store.database import Database, id_chunks
from bgen_core.store.schema import RunRow, TagRow, VoteRow
from bgen_core.wording import quoted

MAX_RATING = 5
Winner = Literal["a", "b", "tie"]


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What people wrote beside one run: a rating of 1 to 5 or none, a note, and tags in alphabetical order."""

    rating: int | None = None
    notes: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Vote:
    """One blind vote: which of two runs of a sweep somebody found better; `SeenStore` writes who."""

    sweep_id: SweepId
    voter: VisitorId = NOBODY
    run_a: RunId
    run_b: RunId
    winner: Winner
    created: datetime = field(default_factory=lambda: datetime.now(UTC))


class Opinions:
    """The part of the store that holds ratings, notes, tags and votes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rate(self, run_id: RunId, rating: int | None) -> None:
        """Give a run 1 to 5 stars, or take them back with None."""
        if rating is not None and not 1 <= rating <= MAX_RATING:
            raise UserInputError(f"A rating of {rating} is not allowed: give 1 to {MAX_RATING} stars, or none.")
        with self._database.writing() as session:
            _run(session, run_id).rating = rating

    def note(self, run_id: RunId, notes: str) -> None:
        """Write a note beside a run; an empty one removes it."""
        with self._database.writing() as session:
            _run(session, run_id).notes = check_text("The note", notes).strip() or None

    def tag(self, run_id: RunId, tags: Sequence[str]) -> None:
        """Replace a run's tags.

        Raises
        ------
        UserInputError
            A tag is longer than 40 letters or contains a comma.
        """
        cleaned = sorted({tag.strip() for tag in tags if tag.strip()})
        for tag in cleaned:
            check_text("A tag", tag)
            if len(tag) > LONGEST_TAG or "," in tag:
                raise UserInputError(
                    f"The tag {quoted(tag, 60)} is not allowed: up to {LONGEST_TAG} letters, no comma."
                )
        with self._database.writing() as session:
            _run(session, run_id)
            session.execute(sa.delete(TagRow).where(TagRow.run_id == run_id))
            session.add_all([TagRow(run_id=run_id, tag=tag) for tag in cleaned])

    def of(self, run_ids: Sequence[RunId]) -> dict[RunId, Opinion]:
        """Run -> what people wrote beside it; runs without anything have no entry."""
        tags: dict[RunId, list[str]] = {}
        found: dict[RunId, Opinion] = {}
        with self._database.reading() as session:
            for chunk in id_chunks(run_ids):
                for row in session.execute(sa.select(TagRow.run_id, TagRow.tag).where(TagRow.run_id.in_(chunk))):
                    tags.setdefault(row.run_id, []).append(row.tag)
                query = sa.select(RunRow.id, RunRow.rating, RunRow.notes).where(RunRow.id.in_(chunk))
                for run_id, rating, notes in session.execute(query):
                    if rating is not None or notes or run_id in tags:
                        own = tuple(sorted(tags.get(run_id, ())))
                        found[run_id] = Opinion(rating=rating, notes=notes or "", tags=own)
        return found

    def all_tags(self) -> list[str]:
        """Every tag that is in use, in alphabetical order."""
        with self._database.reading() as session:
            return list(session.scalars(sa.select(TagRow.tag).distinct().order_by(TagRow.tag)))

    def add_vote(self, vote: Vote) -> None:
        """Keep a vote; a voter's later vote on the same two runs replaces the earlier one."""
        pair = sorted((vote.run_a, vote.run_b))
        with self._database.writing() as session:
            session.execute(
                sa.delete(VoteRow).where(
                    VoteRow.sweep_id == vote.sweep_id,
                    VoteRow.voter == vote.voter,
                    VoteRow.run_a.in_(pair),
                    VoteRow.run_b.in_(pair),
                )
            )
            session.add(
                VoteRow(
                    sweep_id=vote.sweep_id,
                    voter=vote.voter,
                    run_a=vote.run_a,
                    run_b=vote.run_b,
                    winner=vote.winner,
                    created=vote.created,
                )
            )

    def votes_of(self, sweep_id: SweepId) -> list[Vote]:
        """All votes on a sweep's runs, in the order in which they were given."""
        query = sa.select(VoteRow).where(VoteRow.sweep_id == sweep_id).order_by(VoteRow.id)
        with self._database.reading() as session:
            return [
                Vote(
                    sweep_id=row.sweep_id,
                    voter=row.voter,
                    run_a=row.run_a,
                    run_b=row.run_b,
                    winner="a" if row.winner == "a" else "b" if row.winner == "b" else "tie",
                    created=row.created,
                )
                for row in session.scalars(query)
            ]


def _run(session: Session, run_id: RunId) -> RunRow:
    row = session.get(RunRow, run_id)
    if row is None:
        raise UserInputError(f"No run has the id {run_id[:12]}: it was deleted meanwhile.")
    return row
