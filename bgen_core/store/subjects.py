"""Saved subjects: two pictures by content, one row with the name and how the mask was edited."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.errors import DamagedPictureError, LostPictureError, UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import BlobHash, SubjectId
from bgen_core.limits import LONGEST_NAME, check_text
from bgen_core.records.sweep_states import UNFINISHED_STATES
from bgen_core.store.blobs import STORED_LIMITS, BlobStore
from bgen_core.store.database import Database
from bgen_core.store.pictures import used_pictures
from bgen_core.store.schema import RunRow, SubjectRow, SweepRow
from bgen_core.store.sweeps import subjects_of
from bgen_core.subject.decoding.image_io import decode_alpha, decode_photo, encode_alpha_png, encode_png
from bgen_core.subject.subject import Subject
from bgen_core.wording import counted, quoted


@dataclass(frozen=True, kw_only=True)
class SubjectEntry:
    """A saved subject without its pixels, as a list shows it.

    Attributes
    ----------
    photo, alpha
        Content addresses of two PNGs: the photo (RGB) and the alpha (grey, 255 = keep).
    """

    id: SubjectId
    name: str
    created: datetime
    extent: Extent
    photo: BlobHash
    alpha: BlobHash


@dataclass(frozen=True, kw_only=True)
class SubjectUse:
    """What was made with a subject, and what waits for it.

    Attributes
    ----------
    runs
        Runs in the store. They keep their pictures without it, but cannot be made again.
    sweeps
        Sweeps that name it, whatever their state.
    unfinished
        How many of these wait, run or are paused: they need it.
    """

    runs: int
    sweeps: int
    unfinished: int

    @property
    def sentence(self) -> str:
        """What depends on it, for a person who is about to delete it."""
        if not (self.runs or self.sweeps):
            return "Nothing was made with it yet."
        text = (
            f"{counted(self.runs, 'run')} and {counted(self.sweeps, 'sweep')} were made with it: pictures and tables "
        )
        text += "stay, but none of them can be made again or gone on with."
        if self.unfinished:
            text += (
                f" {counted(self.unfinished, 'sweep')} of these still {'needs' if self.unfinished == 1 else 'need'} "
            )
            text += "it: cancel first."
        return text


class Subjects:
    """The part of the store that holds subjects."""

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs

    def save(self, subject: Subject, edit: dict[str, Any]) -> SubjectId:
        """Keep a subject and how its mask was made; the same photo with the same alpha gets its name and edit replaced.

        Parameters
        ----------
        edit
            What the mask page needs to go on: the segmenter's settings and the strokes, as JSON.

        Returns
        -------
        SubjectId
            The subject's id.
        """
        name = _checked_name(subject.name)
        with self._database.reading() as session:
            known = session.get(SubjectRow, subject.id) is not None
        pictures = None if known else _encoded(subject)  # outside the transaction: a large photo takes a second
        with self._database.writing() as session:
            row = session.get(SubjectRow, subject.id)
            if row is not None:
                row.name, row.edit = name, edit
                return subject.id
            photo, alpha = pictures or _encoded(subject)
            # Kept inside the transaction, so that nobody deletes the same photo between the file and the row.
            session.add(
                SubjectRow(
                    id=subject.id,
                    name=name,
                    created=datetime.now(UTC),
                    width=subject.extent.width,
                    height=subject.extent.height,
                    photo=self._blobs.put(photo),
                    alpha=self._blobs.put(alpha),
                    edit=edit,
                )
            )
        return subject.id

    def load(self, subject_id: SubjectId) -> Subject:
        """The subject with its pixels, equal to the one that was saved.

        Raises
        ------
        UserInputError
            No subject has this id.
        LostPictureError
            Its pictures are missing or no longer those that were saved.
        """
        entry = self.get(subject_id)
        try:
            photo, alpha = self._blobs.get(entry.photo), self._blobs.get(entry.alpha)
            subject = Subject(
                name=entry.name,
                image=decode_photo(photo, name=entry.name, limits=STORED_LIMITS).image,
                alpha=decode_alpha(alpha, name=entry.name, extent=entry.extent),
            )
        except (UserInputError, DamagedPictureError) as error:
            raise self._changed(entry) from error
        if subject.id != entry.id:
            raise self._changed(entry)
        return subject

    def _changed(self, entry: SubjectEntry) -> LostPictureError:
        return LostPictureError(
            f"The pictures of the subject {quoted(entry.name)} in {self._blobs.root} have changed since it was saved: "
            "restore them from a backup, or save the subject again.",
            public=f"The pictures of the subject {quoted(entry.name)} have changed since it was saved: save it again.",
        )

    def get(self, subject_id: SubjectId) -> SubjectEntry:
        """One subject without its pixels; an unknown id is a UserInputError."""
        with self._database.reading() as session:
            return _entry(_row(session, subject_id))

    def load_edit(self, subject_id: SubjectId) -> dict[str, Any]:
        """How the subject's mask was made; an unknown id is a UserInputError."""
        with self._database.reading() as session:
            return _row(session, subject_id).edit

    def find(self, subject_id: SubjectId) -> SubjectEntry | None:
        """The subject of this content address, where it is saved already."""
        with self._database.reading() as session:
            row = session.get(SubjectRow, subject_id)
            return None if row is None else _entry(row)

    def same_photo(self, entry: SubjectEntry) -> list[SubjectEntry]:
        """Other subjects cut from exactly the same photo, newest first."""
        query = sa.select(SubjectRow).where(SubjectRow.photo == entry.photo, SubjectRow.id != entry.id)
        with self._database.reading() as session:
            return [_entry(row) for row in session.scalars(query.order_by(SubjectRow.created.desc(), SubjectRow.id))]

    def rename(self, subject_id: SubjectId, name: str) -> None:
        """Give a subject another name. Runs that are made already keep the name that they were made under.

        Raises
        ------
        UserInputError
            No subject has this id, or the name is empty.
        """
        name = _checked_name(name)
        with self._database.writing() as session:
            _row(session, subject_id).name = name

    def use(self, subject_id: SubjectId) -> SubjectUse:
        """What depends on a subject; an unknown id is a UserInputError."""
        with self._database.reading() as session:
            _row(session, subject_id)
            runs = session.scalar(sa.select(sa.func.count()).where(RunRow.subject_id == subject_id)) or 0
            sweeps = session.execute(sa.select(SweepRow.state, SweepRow.subject_id, SweepRow.plan))
            states = [state for state, first, plan in sweeps if subject_id in {first} | subjects_of(plan)]
        unfinished = sum(state in UNFINISHED_STATES for state in states)
        return SubjectUse(runs=runs, sweeps=len(states), unfinished=unfinished)

    def all(self) -> list[SubjectEntry]:
        """All saved subjects, newest first."""
        query = sa.select(SubjectRow).order_by(SubjectRow.created.desc(), SubjectRow.id)
        with self._database.reading() as session:
            return [_entry(row) for row in session.scalars(query)]

    def delete(self, subject_id: SubjectId) -> None:
        """Forget a subject and its photo. Runs keep their pictures.

        Raises
        ------
        UserInputError
            No subject has this id, or a sweep that waits or runs needs it.
        """
        with self._database.writing() as session:
            row = _row(session, subject_id)
            query = sa.select(SweepRow.subject_id, SweepRow.plan).where(SweepRow.state.in_(UNFINISHED_STATES))
            waiting = sum(subject_id in {first} | subjects_of(plan) for first, plan in session.execute(query))
            if waiting:
                raise UserInputError(
                    f"The subject {quoted(row.name)} cannot be deleted yet, because sweeps that wait or run need it "
                    f"({waiting}): cancel them first, or delete it when they are done."
                )
            pictures = {row.photo, row.alpha}
            session.delete(row)
            session.flush()
            for picture in pictures - used_pictures(session, pictures):
                self._blobs.delete(picture)


def _checked_name(name: str) -> str:
    if not name.strip():
        raise UserInputError("A subject needs a name: give it at least one letter.")
    return check_text("The subject's name", name.strip(), LONGEST_NAME)


def _row(session: Session, subject_id: SubjectId) -> SubjectRow:
    row = session.get(SubjectRow, subject_id)
    if row is None:
        raise UserInputError(
            f"No saved subject is called {quoted(subject_id[:12])}: choose one from the library, or save it again."
        )
    return row


def _entry(row: SubjectRow) -> SubjectEntry:
    return SubjectEntry(
        id=row.id,
        name=row.name,
        created=row.created,
        extent=Extent(width=row.width, height=row.height),
        photo=row.photo,
        alpha=row.alpha,
    )


def _encoded(subject: Subject) -> tuple[bytes, bytes]:
    # Level 1: a seventh of level 6's time for a sixth more bytes, on a 12-megapixel photo.
    return encode_png(subject.image, compress_level=1), encode_alpha_png(subject.alpha)
