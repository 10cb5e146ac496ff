"""Runs that nobody said anything of for long: which they are, and removing them.

Whatever a person judged stays, and with it all of a sweep in which they did: what was not chosen is a part of it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.ids import BlobHash, RunId, SubjectId, SweepId
from bgen_core.records.sweep_states import UNFINISHED_STATES
from bgen_core.store.blobs import BlobListing
from bgen_core.store.database import id_chunks
from bgen_core.store.pictures import Removed
from bgen_core.store.schema import (
    AttemptRow,
    CellRow,
    DecisionRow,
    LinkRow,
    OpinionRow,
    RunRow,
    SweepRow,
    TagRow,
    ViewRow,
    VoteRow,
)
from bgen_core.store.store import Store

_AT_ONCE = 200  # in one transaction: other writers wait for it
_SHORTEST_ID = 6  # of a run's id in an address; anything shorter is no id


@dataclass(frozen=True, kw_only=True)
class OldRun:
    """A run that would go: what a person knows it by, and its pictures."""

    id: RunId
    created: datetime
    subject_id: SubjectId
    subject_name: str
    prompt: str
    pictures: frozenset[BlobHash]


def old_runs(store: Store, *, days: float, now: datetime | None = None) -> list[OldRun]:
    """The runs that nobody touched for so many days, the oldest first.

    None of them has a rating, a note, a tag or a vote, or is named in a saved view or shown by a link that still opens,
    or stands in a sweep with one that has or is, or in one that has a question or a decision, was begun or ended since,
    or is unfinished. What an import brought counts as new.
    """
    before = (now or datetime.now(UTC)) - timedelta(days=days)
    with store.database.reading() as session:
        found = list(_untouched(session, before))
    listing = store.blobs.listing() if found else None
    return [run for run in found if listing and not _came_since(run, listing, before)]


def size_of(store: Store, runs: Sequence[OldRun]) -> Removed:
    """The pictures that go with some runs: those that no other run, subject or sweep needs."""
    listing, uses, going = store.blobs.listing().pictures, store.pictures.uses(), {run.id for run in runs}
    alone = {
        name
        for run in runs
        for name in run.pictures
        if name in listing and all(use.owner_id in going for use in uses.get(name, ()))
    }
    return Removed(files=len(alone), size=sum(listing[name].size for name in alone))


def remove_old_runs(store: Store, *, days: float, now: datetime | None = None) -> Iterator[tuple[int, Removed]]:
    """Remove what `old_runs` finds, some at a time; what somebody touches meanwhile stays.

    Yields
    ------
    tuple[int, Removed]
        How many runs went by one step, and their pictures.
    """
    before = (now or datetime.now(UTC)) - timedelta(days=days)
    runs = {run.id: run for run in old_runs(store, days=days, now=now)}
    for chunk in id_chunks(sorted(runs), _AT_ONCE):
        with store.database.writing() as session:
            going = [run.id for run in _untouched(session, before, among=chunk)]
            session.execute(sa.delete(RunRow).where(RunRow.id.in_(going)))
        # Only now: a killed process leaves pictures that nothing refers to, and never a run without its picture.
        pictures = {name for run_id in going for name in runs[run_id].pictures}
        yield len(going), store.pictures.remove_unused(pictures)


def _untouched(session: Session, before: datetime, among: Sequence[RunId] | None = None) -> Iterator[OldRun]:
    judged, saved = _judged_runs(), _saved_in_views(session) | _shown_by_links(session)
    kept_sweeps = sa.union(
        sa.select(SweepRow.id).where(
            sa.or_(
                SweepRow.state.in_(UNFINISHED_STATES),
                SweepRow.created >= before,
                SweepRow.started >= before,
                SweepRow.finished >= before,
            )
        ),
        sa.select(VoteRow.sweep_id),
        sa.select(DecisionRow.sweep_id).where(sa.or_(DecisionRow.question != "", DecisionRow.decision != "")),
        sa.select(LinkRow.sweep_id).where(LinkRow.sweep_id.is_not(None), _still_opens()),
        sa.select(CellRow.sweep_id).where(CellRow.run_id.in_(judged)),
    )
    query = (
        sa.select(
            RunRow.id, RunRow.created, RunRow.subject_id, RunRow.subject_name, RunRow.prompt,
            RunRow.image, RunRow.raw, RunRow.reference, RunRow.background,
        )
        .where(RunRow.created < before, RunRow.id.not_in(judged))
        .where(RunRow.id.not_in(sa.select(CellRow.run_id).where(CellRow.sweep_id.in_(kept_sweeps))))
        .where(RunRow.id.not_in(sa.select(AttemptRow.run_id).where(AttemptRow.sweep_id.in_(kept_sweeps))))
        .order_by(RunRow.created, RunRow.id)
    )  # fmt: skip
    if among is not None:
        query = query.where(RunRow.id.in_(among)).with_for_update()
    for run_id, created, subject_id, subject_name, prompt, *pictures in session.execute(query):
        if run_id not in saved:
            yield OldRun(
                id=run_id,
                created=created,
                subject_id=subject_id,
                subject_name=subject_name,
                prompt=prompt,
                pictures=frozenset(filter(None, pictures)),
            )


def _judged_runs() -> sa.CompoundSelect[RunId]:
    """Ids of the runs of which somebody said something."""
    return sa.union(
        sa.select(OpinionRow.run_id),
        sa.select(TagRow.run_id),
        sa.select(VoteRow.run_a),
        sa.select(VoteRow.run_b),
    )


def _saved_in_views(session: Session) -> set[RunId]:
    """Runs that saved views name, by the first letters of their ids or by a sweep, and all others of their sweeps."""
    beginnings, sweeps, runs = set[str](), set[SweepId](), set[RunId]()
    for query in session.scalars(sa.select(ViewRow.query)):
        for value in query.values():
            for text in map(str, cast("list[object]", value) if isinstance(value, list) else [value]):
                sweeps.add(SweepId(text))
                beginnings.update(re.findall(rf"\b[0-9a-f]{{{_SHORTEST_ID},64}}\b", text))
    for chunk in id_chunks(beginnings, _AT_ONCE):
        begins = sa.or_(*(RunRow.id.startswith(beginning) for beginning in chunk))
        runs.update(session.scalars(sa.select(RunRow.id).where(begins)))
    for chunk in id_chunks(runs):
        sweeps.update(session.scalars(sa.select(CellRow.sweep_id).where(CellRow.run_id.in_(chunk))))
    for chunk in id_chunks(sweeps):
        runs.update(session.scalars(sa.select(CellRow.run_id).where(CellRow.sweep_id.in_(chunk))))
    return runs


def _shown_by_links(session: Session) -> set[RunId]:
    """Runs that links show which are not of one sweep; those of a sweep keep all of it."""
    return {
        RunId(run_id) for ids in session.scalars(sa.select(LinkRow.run_ids).where(_still_opens())) for run_id in ids
    }


def _still_opens() -> sa.ColumnElement[bool]:
    return sa.and_(~LinkRow.is_revoked, sa.or_(LinkRow.until.is_(None), LinkRow.until > datetime.now(UTC)))


def _came_since(run: OldRun, listing: BlobListing, before: datetime) -> bool:
    """Whether a picture was written later than the run says: an import keeps when runs were made."""
    files = [listing.pictures[name] for name in run.pictures if name in listing.pictures]
    return any(file.modified is None or file.modified >= before for file in files)
