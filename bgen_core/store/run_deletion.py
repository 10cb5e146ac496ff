"""Deleting runs: what goes is counted before it goes, and a picture that another run shows stays.

A run that others made too stays theirs: whoever deletes it no longer has it, and their sweeps show it no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.errors import NotAllowedError, UserInputError
from bgen_core.ids import BlobHash, RunId, SweepId
from bgen_core.store.access import Access
from bgen_core.store.blobs import BlobStore
from bgen_core.store.database import Database, id_chunks
from bgen_core.store.pictures import Pictures, planned_references
from bgen_core.store.schema import CellRow, OpinionRow, RunOwnerRow, RunRow, TagRow, VoteRow
from bgen_core.wording import counted, listed


@dataclass(frozen=True, kw_only=True)
class RunDeletion:
    """What goes with some runs, and what stays.

    Attributes
    ----------
    runs
        Number of runs.
    rated, noted, tagged
        How many of them somebody rated, wrote a note beside, or tagged: that goes too.
    votes
        Blind votes on them, which go too.
    sweeps
        Sweeps whose grids get gaps; going on with such a sweep makes the runs again.
    pictures, size
        Picture files that go, and their length in bytes.
    shared
        Pictures that stay, because other runs need them.
    kept
        Runs that others made too: they keep them, and all that was said of them.
    """

    runs: int
    rated: int
    noted: int
    tagged: int
    votes: int
    sweeps: int
    pictures: int
    size: int
    shared: int
    kept: int = 0

    @property
    def sentence(self) -> str:
        """What goes, for a person who is asked."""
        return self._say("go")

    @property
    def told(self) -> str:
        """What is gone, for a person whose wish was done."""
        return self._say("are gone")

    def _say(self, verb: str) -> str:
        gone = [counted(self.runs, "run"), f"{counted(self.pictures, 'picture')} ({self.size / 1e6:.1f} MB)"]
        gone += [counted(self.rated, "rating")] if self.rated else []
        gone += [counted(self.noted, "note")] if self.noted else []
        gone += [f"the tags of {counted(self.tagged, 'run')}"] if self.tagged else []
        gone += [counted(self.votes, "blind vote")] if self.votes else []
        text = f"{listed(gone)} {verb}."
        if self.shared:
            text += (
                f" {counted(self.shared, 'picture')} that other runs show {'stays' if self.shared == 1 else 'stay'}."
            )
        if self.kept:
            text += f" {counted(self.kept, 'run')} that others made too {'stays' if self.kept == 1 else 'stay'} theirs."
        if self.sweeps:
            text += f" {counted(self.sweeps, 'sweep')} will have gaps; going on with one makes its runs again."
        return text


class Deletion:
    """The part of the store that deletes runs."""

    def __init__(self, database: Database, blobs: BlobStore, pictures: Pictures, access: Access) -> None:
        self._database = database
        self._blobs = blobs
        self._pictures = pictures
        self._access = access

    def count(self, ids: Sequence[RunId]) -> RunDeletion:
        """What `delete` would remove; nothing is changed.

        Raises
        ------
        UserInputError
            There is no run of one of these ids, or somebody else made it.
        """
        with self._database.reading() as session:
            deletion, pictures = self._count(session, ids, self._going(session, ids))
        sizes = self._blobs.sizes(pictures)
        return replace(deletion, pictures=len(sizes), size=sum(sizes.values()))

    def _count(
        self, session: Session, ids: Sequence[RunId], going: Sequence[RunId]
    ) -> tuple[RunDeletion, set[BlobHash]]:
        """What goes, and the pictures that no other run needs: how many of them are there is not looked at."""
        counts, pictures = _counts(session, going), _pictures_of(session, going)
        counts["sweeps"] = len(_sweeps_of(session, ids))
        shared = _needed_by_others(session, going, pictures)
        kept = len(set(ids)) - len(set(going))
        deletion = RunDeletion(runs=len(set(ids)), pictures=0, size=0, shared=len(shared), kept=kept, **counts)
        return deletion, pictures - shared

    def delete(self, ids: Sequence[RunId]) -> RunDeletion:
        """Remove runs with what people wrote beside them, then the pictures that nothing else needs.

        Subjects and sweeps stay; a sweep's cells count as not made any more.

        Returns
        -------
        RunDeletion
            What went.

        Raises
        ------
        UserInputError
            There is no run of one of these ids, or somebody else made it; then nothing is removed.
        """
        with self._database.writing() as session:
            going = self._going(session, ids)
            deletion, pictures = self._count(session, ids, going)
            for chunk in id_chunks(ids):
                own = RunOwnerRow.owner.in_(self._access.own)
                session.execute(sa.delete(RunOwnerRow).where(RunOwnerRow.run_id.in_(chunk), own))
            for chunk in id_chunks(going):
                session.execute(sa.delete(VoteRow).where(VoteRow.run_a.in_(chunk) | VoteRow.run_b.in_(chunk)))
                session.execute(sa.delete(RunRow).where(RunRow.id.in_(chunk)))
        # Only now: a killed process leaves pictures that nothing refers to, and never a run without its picture.
        gone = self._pictures.remove_unused(pictures)
        return replace(deletion, pictures=gone.files, size=gone.size)

    def _going(self, session: Session, ids: Sequence[RunId]) -> list[RunId]:
        """Those of these runs that nobody keeps when whoever acts deletes them."""
        known, mine, others = set[RunId](), set[RunId](), set[RunId]()
        for chunk in id_chunks(ids):
            known.update(session.scalars(sa.select(RunRow.id).where(RunRow.id.in_(chunk), self._access.runs())))
            query = sa.select(RunOwnerRow.run_id, RunOwnerRow.owner).where(RunOwnerRow.run_id.in_(chunk))
            for run_id, owner in session.execute(query):
                (mine if owner in self._access.own else others).add(run_id)
        _check_known(ids, known)
        if self._access.sees_all:
            return list(dict.fromkeys(ids))
        self._access.check_member()
        if foreign := [run_id for run_id in ids if run_id not in mine]:
            raise NotAllowedError(
                f"Nothing is deleted, because others made {_shown(foreign)}: they or an admin may delete them."
            )
        return [run_id for run_id in dict.fromkeys(ids) if run_id not in others]


def _check_known(ids: Sequence[RunId], known: set[RunId]) -> None:
    if missing := [run_id for run_id in ids if run_id not in known]:
        raise UserInputError(f"Nothing is deleted, because these runs are not in the store: {_shown(missing)}.")


def _shown(ids: Sequence[RunId]) -> str:
    return ", ".join(run_id[:12] for run_id in ids[:3]) + (", …" if len(ids) > 3 else "")


def _counts(session: Session, ids: Sequence[RunId]) -> dict[str, int]:
    rated = noted = tagged = 0
    votes: set[int] = set()
    for chunk in id_chunks(ids):
        given, written = (
            sa.func.count(sa.case((said.is_not(None), OpinionRow.run_id)).distinct())
            for said in (OpinionRow.rating, OpinionRow.notes)
        )
        ours = sa.select(given, written).where(OpinionRow.run_id.in_(chunk))
        ratings, notes = session.execute(ours).one()
        rated, noted = rated + ratings, noted + notes
        tagged += (
            session.scalar(sa.select(sa.func.count(TagRow.run_id.distinct())).where(TagRow.run_id.in_(chunk))) or 0
        )
        votes.update(session.scalars(sa.select(VoteRow.id).where(VoteRow.run_a.in_(chunk) | VoteRow.run_b.in_(chunk))))
    return {"rated": rated, "noted": noted, "tagged": tagged, "votes": len(votes)}


def _sweeps_of(session: Session, ids: Sequence[RunId]) -> set[SweepId]:
    found: set[SweepId] = set()
    for chunk in id_chunks(ids):
        found.update(session.scalars(sa.select(CellRow.sweep_id).where(CellRow.run_id.in_(chunk))))
    return found


def _pictures_of(session: Session, ids: Sequence[RunId]) -> set[BlobHash]:
    found: set[BlobHash] = set()
    for chunk in id_chunks(ids):
        columns = sa.select(RunRow.image, RunRow.raw, RunRow.reference, RunRow.background).where(RunRow.id.in_(chunk))
        for names in session.execute(columns):
            found.update(name for name in names if name)
    return found


def _needed_by_others(session: Session, ids: Sequence[RunId], pictures: set[BlobHash]) -> set[BlobHash]:
    """Those of the pictures that a run beside these, or a sweep's plan, needs."""
    leaving, needed = set(ids), set[BlobHash]()
    for chunk in id_chunks(sorted(pictures)):
        for column in (RunRow.image, RunRow.raw, RunRow.reference, RunRow.background):
            for run_id, name in session.execute(sa.select(RunRow.id, column).where(column.in_(chunk))):
                needed |= set() if run_id in leaving else {name}
    return needed | {name for _, name in planned_references(session) if name in pictures}
