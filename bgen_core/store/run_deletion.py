"""Deleting runs: what goes is counted before it goes, and a picture that another run shows stays."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.errors import LostPictureError, UserInputError
from bgen_core.ids import BlobHash, RunId, SweepId
from bgen_core.store.blobs import BlobStore
from bgen_core.store.database import Database, id_chunks
from bgen_core.store.pictures import Pictures, planned_references
from bgen_core.store.schema import CellRow, RunRow, TagRow, VoteRow
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

    @property
    def sentence(self) -> str:
        """What goes, for a person who is asked."""
        gone = [counted(self.runs, "run"), f"{counted(self.pictures, 'picture')} ({self.size / 1e6:.1f} MB)"]
        gone += [counted(self.rated, "rating")] if self.rated else []
        gone += [counted(self.noted, "note")] if self.noted else []
        gone += [f"the tags of {counted(self.tagged, 'run')}"] if self.tagged else []
        gone += [counted(self.votes, "blind vote")] if self.votes else []
        text = f"{listed(gone)} go."
        if self.shared:
            text += (
                f" {counted(self.shared, 'picture')} that other runs show {'stays' if self.shared == 1 else 'stay'}."
            )
        if self.sweeps:
            text += f" {counted(self.sweeps, 'sweep')} will have gaps; going on with one makes its runs again."
        return text


class Deletion:
    """The part of the store that deletes runs."""

    def __init__(self, database: Database, blobs: BlobStore, pictures: Pictures) -> None:
        self._database = database
        self._blobs = blobs
        self._pictures = pictures

    def count(self, ids: Sequence[RunId]) -> RunDeletion:
        """What `delete` would remove; nothing is changed.

        Raises
        ------
        UserInputError
            There is no run of one of these ids.
        """
        with self._database.reading() as session:
            _check_known(session, ids)
            counts, pictures = _counts(session, ids), _pictures_of(session, ids)
            shared = _needed_by_others(session, ids, pictures)
        present = [size for name in pictures - shared if (size := self._size(name)) is not None]
        return RunDeletion(
            runs=len(set(ids)), pictures=len(present), size=sum(present), shared=len(shared), **counts
        )  # fmt: skip

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
            There is no run of one of these ids; then nothing is removed.
        """
        going = self.count(ids)
        with self._database.writing() as session:
            _check_known(session, ids)
            pictures = _pictures_of(session, ids)
            for chunk in id_chunks(ids):
                session.execute(sa.delete(VoteRow).where(VoteRow.run_a.in_(chunk) | VoteRow.run_b.in_(chunk)))
                session.execute(sa.delete(RunRow).where(RunRow.id.in_(chunk)))
        # Only now: a killed process leaves pictures that nothing refers to, and never a run without its picture.
        self._pictures.remove_unused(pictures)
        return going

    def _size(self, name: BlobHash) -> int | None:
        try:
            return self._blobs.size(name)
        except LostPictureError:
            return None


def _check_known(session: Session, ids: Sequence[RunId]) -> None:
    known: set[RunId] = set()
    for chunk in id_chunks(ids):
        known.update(session.scalars(sa.select(RunRow.id).where(RunRow.id.in_(chunk))))
    missing = [run_id for run_id in ids if run_id not in known]
    if missing:
        shown = ", ".join(run_id[:12] for run_id in missing[:3]) + (", …" if len(missing) > 3 else "")
        raise UserInputError(f"Nothing is deleted, because these runs are not in the store: {shown}.")


def _counts(session: Session, ids: Sequence[RunId]) -> dict[str, int]:
    rated = noted = tagged = 0
    votes: set[int] = set()
    sweeps: set[SweepId] = set()
    for chunk in id_chunks(ids):
        ours = sa.select(sa.func.count(RunRow.rating), sa.func.count(RunRow.notes)).where(RunRow.id.in_(chunk))
        ratings, notes = session.execute(ours).one()
        rated, noted = rated + ratings, noted + notes
        tagged += (
            session.scalar(sa.select(sa.func.count(TagRow.run_id.distinct())).where(TagRow.run_id.in_(chunk))) or 0
        )
        votes.update(session.scalars(sa.select(VoteRow.id).where(VoteRow.run_a.in_(chunk) | VoteRow.run_b.in_(chunk))))
        sweeps.update(session.scalars(sa.select(CellRow.sweep_id).where(CellRow.run_id.in_(chunk))))
    return {"rated": rated, "noted": noted, "tagged": tagged, "votes": len(votes), "sweeps": len(sweeps)}


def _pictures_of(session: Session, ids: Sequence[RunId]) -> set[BlobHash]:
    found: set[BlobHash] = set()
    for chunk in id_chunks(ids):
        columns = sa.select(RunRow.image, RunRow.raw, RunRow.reference).where(RunRow.id.in_(chunk))
        for names in session.execute(columns):
            found.update(name for name in names if name)
    return found


def _needed_by_others(session: Session, ids: Sequence[RunId], pictures: set[BlobHash]) -> set[BlobHash]:
    """Those of the pictures that a run beside these, or a sweep's plan, needs."""
    leaving, needed = set(ids), set[BlobHash]()
    for chunk in id_chunks(sorted(pictures)):
        for column in (RunRow.image, RunRow.raw, RunRow.reference):
            for run_id, name in session.execute(sa.select(RunRow.id, column).where(column.in_(chunk))):
                needed |= set() if run_id in leaving else {name}
    return needed | {name for _, name in planned_references(session) if name in pictures}
