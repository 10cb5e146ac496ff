"""What people think of runs: ratings and notes of each, tags that all who see a run read, and blind votes."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, get_args

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.errors import UserInputError
from bgen_core.ids import NOBODY, RunId, SweepId, VisitorId
from bgen_core.limits import LONGEST_TAG, MOST_TAGS, check_text
from bgen_core.store.access import EVERYONE, Access
from bgen_core.store.database import Database, id_chunks
from bgen_core.store.schema import CellRow, OpinionRow, RunRow, SweepRow, TagRow, VoteRow
from bgen_core.wording import quoted

MAX_RATING = 5
Winner = Literal["a", "b", "tie"]
Drawn = Literal["", "telling", "random", "repeat"]


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What is thought of one run.

    Attributes
    ----------
    rating
        What whoever looks gave it, 1 to 5; where they gave none, what is everyone's.
    notes
        What they wrote beside it, or what is everyone's.
    tags
        Those that anybody gave it, in alphabetical order.
    mean_rating
        Of all who rated it; None where nobody did.
    raters
        How many did.
    """

    rating: int | None = None
    notes: str = ""
    tags: tuple[str, ...] = ()
    mean_rating: float | None = None
    raters: int = 0


@dataclass(frozen=True, kw_only=True)
class Note:
    """What somebody wrote beside a run."""

    owner: VisitorId
    text: str


@dataclass(frozen=True, kw_only=True)
class Vote:
    """One blind vote: which of two runs of a sweep somebody found better; the store writes who votes.

    Attributes
    ----------
    run_a, run_b
        Left and right.
    drawn
        Why it was these two: their values tell most, by chance, or the voter had seen them before. Empty where that is
        not known, as of votes that an older version kept.
    """

    sweep_id: SweepId
    voter: VisitorId = NOBODY
    run_a: RunId
    run_b: RunId
    winner: Winner
    drawn: Drawn = ""
    created: datetime = field(default_factory=lambda: datetime.now(UTC))


class Opinions:
    """The part of the store that holds ratings, notes, tags and votes.

    What somebody says is theirs alone to change. What is everyone's is replaced by whoever says otherwise.
    """

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    def rate(self, run_id: RunId, rating: int | None) -> None:
        """Give a run 1 to 5 stars, or take them back with None."""
        if rating is not None and not 1 <= rating <= MAX_RATING:
            raise UserInputError(f"A rating of {rating} is not allowed: give 1 to {MAX_RATING} stars, or none.")
        with self._changing(run_id) as session:
            self._write(session, run_id, "rating", rating)

    def note(self, run_id: RunId, notes: str) -> None:
        """Write a note beside a run; an empty one removes it."""
        with self._changing(run_id) as session:
            self._write(session, run_id, "notes", check_text("The note", notes).strip() or None)

    def tag(self, run_id: RunId, tags: Sequence[str]) -> None:
        """Let a run have these tags: new ones are the visitor's, and theirs and everyone's go that are not among them.

        Raises
        ------
        UserInputError
            A tag is longer than 40 letters or contains a comma, or the run would have more than 1,000 by all together.
        """
        cleaned = {" ".join(tag.split()) for tag in tags if tag.strip()}
        for tag in sorted(cleaned):
            check_text("A tag", tag)
            if len(tag) > LONGEST_TAG or "," in tag:
                raise UserInputError(
                    f"The tag {quoted(tag, 60)} is not allowed: up to {LONGEST_TAG} letters, no comma."
                )
        person = self._access.person
        with self._changing(run_id) as session:
            mine = TagRow.owner.in_((person, EVERYONE))
            session.execute(sa.delete(TagRow).where(TagRow.run_id == run_id, mine, TagRow.tag.not_in(sorted(cleaned))))
            given = set(session.scalars(sa.select(TagRow.tag).where(TagRow.run_id == run_id)))
            if len(given | cleaned) > MOST_TAGS:
                raise UserInputError(f"A run has at most {MOST_TAGS:,} tags: take some away first.")
            session.add_all([TagRow(run_id=run_id, tag=tag, owner=person) for tag in sorted(cleaned - given)])

    def of(self, run_ids: Sequence[RunId]) -> dict[RunId, Opinion]:
        """Run -> what is thought of it; runs of which nobody said anything have no entry."""
        tags: dict[RunId, set[str]] = {}
        said: dict[RunId, list[OpinionRow]] = {}
        with self._database.reading() as session:
            for chunk in id_chunks(run_ids):
                for row in session.execute(sa.select(TagRow.run_id, TagRow.tag).where(TagRow.run_id.in_(chunk))):
                    tags.setdefault(row.run_id, set()).add(row.tag)
                for opinion in session.scalars(sa.select(OpinionRow).where(OpinionRow.run_id.in_(chunk))):
                    said.setdefault(opinion.run_id, []).append(opinion)
            return {
                run_id: opinion_of(
                    [(row.owner, row.rating, row.notes) for row in said.get(run_id, [])],
                    tuple(sorted(tags.get(run_id, ()))),
                    self._access.person,
                )
                for run_id in tags.keys() | said.keys()
            }

    def notes_of_others(self, run_id: RunId) -> list[Note]:
        """What others than whoever looks wrote beside a run that they may see."""
        query = (
            sa.select(OpinionRow.owner, OpinionRow.notes)
            .join(RunRow, RunRow.id == OpinionRow.run_id)
            .where(OpinionRow.run_id == run_id, OpinionRow.notes.is_not(None), self._access.runs())
            .where(OpinionRow.owner.not_in((self._access.person, EVERYONE)))
            .order_by(OpinionRow.owner)
        )
        with self._database.reading() as session:
            return [Note(owner=owner, text=notes or "") for owner, notes in session.execute(query)]

    def all_tags(self) -> list[str]:
        """Every tag that a run has that whoever looks may see, in alphabetical order."""
        query = sa.select(TagRow.tag).distinct().order_by(TagRow.tag)
        if not self._access.sees_all:
            query = query.join(RunRow, RunRow.id == TagRow.run_id).where(self._access.runs())
        with self._database.reading() as session:
            return list(session.scalars(query))

    def add_vote(self, vote: Vote) -> None:
        """Keep a vote; a voter's later vote on the same two runs replaces the earlier one.

        A repeat, which measures how steady the voter is, stands beside the first vote, and replaces an earlier repeat.

        Raises
        ------
        UserInputError
            No sweep has this id, or one of the runs does not stand in its grid.
        """
        voter, pair = self._access.owner(vote.voter), sorted({vote.run_a, vote.run_b})
        with self._database.writing() as session:
            self._check_pair(session, vote.sweep_id, pair)
            session.execute(
                sa.delete(VoteRow).where(
                    VoteRow.sweep_id == vote.sweep_id,
                    VoteRow.voter == voter,
                    VoteRow.run_a.in_(pair),
                    VoteRow.run_b.in_(pair),
                    VoteRow.drawn == "repeat" if vote.drawn == "repeat" else VoteRow.drawn != "repeat",
                )
            )
            session.add(
                VoteRow(
                    sweep_id=vote.sweep_id,
                    voter=voter,
                    run_a=vote.run_a,
                    run_b=vote.run_b,
                    winner=vote.winner,
                    drawn=vote.drawn,
                    created=vote.created,
                )
            )

    def votes_of(self, sweep_id: SweepId) -> list[Vote]:
        """All votes on a sweep's runs, in the order in which they were given."""
        query = (
            sa.select(VoteRow)
            .join(SweepRow, SweepRow.id == VoteRow.sweep_id)
            .where(VoteRow.sweep_id == sweep_id, self._access.sweeps())
            .order_by(VoteRow.id)
        )
        with self._database.reading() as session:
            return [
                Vote(
                    sweep_id=row.sweep_id,
                    voter=row.voter,
                    run_a=row.run_a,
                    run_b=row.run_b,
                    winner="a" if row.winner == "a" else "b" if row.winner == "b" else "tie",
                    drawn=drawn_as(row.drawn),
                    created=row.created,
                )
                for row in session.scalars(query)
            ]

    @contextmanager
    def _changing(self, run_id: RunId) -> Generator[Session]:
        """A writer's turn, for a member who sees the run."""
        self._access.check_member()
        with self._database.writing() as session:
            if session.scalar(sa.select(RunRow.id).where(RunRow.id == run_id, self._access.runs())) is None:
                raise UserInputError(f"No run has the id {run_id[:12]}: it was deleted meanwhile.")
            yield session

    def _write(self, session: Session, run_id: RunId, field: str, value: int | str | None) -> None:
        """Write one field of what the visitor says, in the place of what is everyone's."""
        person = self._access.person
        if person != EVERYONE and (everyones := session.get(OpinionRow, (run_id, EVERYONE))) is not None:
            setattr(everyones, field, None)
        row = session.get(OpinionRow, (run_id, person))
        if row is None:
            row = OpinionRow(run_id=run_id, owner=person)
            session.add(row)
        setattr(row, field, value)
        session.flush()
        empty = (OpinionRow.rating.is_(None), OpinionRow.notes.is_(None))
        session.execute(sa.delete(OpinionRow).where(OpinionRow.run_id == run_id, *empty))

    def _check_pair(self, session: Session, sweep_id: SweepId, pair: Sequence[RunId]) -> None:
        sweep = session.scalar(sa.select(SweepRow).where(SweepRow.id == sweep_id, self._access.sweeps()))
        if sweep is None:
            raise UserInputError(f"No sweep is called {quoted(sweep_id)}: open one from the sweep page.")
        self._access.check_vote(sweep)
        cells = sa.select(CellRow.run_id).where(CellRow.sweep_id == sweep_id, CellRow.run_id.in_(pair))
        if self._access.link is not None:
            cells = cells.join(RunRow, RunRow.id == CellRow.run_id).where(self._access.runs())
        if len(pair) != 2 or len(set(session.scalars(cells))) != 2:
            raise UserInputError("A vote needs two different pictures of this sweep.")


def drawn_as(text: object) -> Drawn:
    """One of the known reasons; what is none of them, as of a later version, counts as not known."""
    return next((known for known in get_args(Drawn) if known == text), "")


def opinion_of(
    said: Sequence[tuple[VisitorId, int | None, str | None]], tags: tuple[str, ...], person: VisitorId
) -> Opinion:
    """What is thought of a run, as somebody reads it.

    Parameters
    ----------
    said
        Owner, rating and note of each who said something.
    person
        Who reads.
    """
    ratings = {owner: rating for owner, rating, _ in said if rating is not None}
    notes = {owner: text for owner, _, text in said if text}
    return Opinion(
        rating=ratings.get(person, ratings.get(EVERYONE)),
        notes=notes.get(person, notes.get(EVERYONE, "")),
        tags=tags,
        mean_rating=sum(ratings.values()) / len(ratings) if ratings else None,
        raters=len(ratings),
    )
