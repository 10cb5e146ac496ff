"""Saved subjects: two pictures by content, and for each who saved them a name and how the mask was edited."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.errors import DamagedPictureError, LostPictureError, UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import BlobHash, SubjectId, VisitorId
from bgen_core.limits import LONGEST_NAME, check_text
from bgen_core.records.subject import SubjectEntry, SubjectUse
from bgen_core.records.sweep_states import UNFINISHED_STATES
from bgen_core.records.visitor import Sharing
from bgen_core.store.access import EVERYONE, Access, Condition, sharing_of
from bgen_core.store.blobs import STORED_LIMITS, BlobStore
from bgen_core.store.database import Database
from bgen_core.store.pictures import remove_unused
from bgen_core.store.removals import write_rows
from bgen_core.store.schema import RunRow, SubjectOwnerRow, SubjectRow, SweepRow, SweepSubjectRow
from bgen_core.subject.decoding.image_io import decode_alpha, decode_photo, encode_alpha_png, encode_png
from bgen_core.subject.subject import Subject
from bgen_core.wording import quoted


class Subjects:
    """The part of the store that holds subjects.

    Several may have saved the same one, each under a name of their own: whoever looks sees it under theirs, then under
    everyone's, then under that of who shared it first.
    """

    def __init__(self, database: Database, blobs: BlobStore, access: Access) -> None:
        self._database = database
        self._blobs = blobs
        self._access = access

    def save(self, subject: Subject, edit: dict[str, Any]) -> SubjectId:
        """Keep a subject and how its mask was made; whoever saved it before gets their name and edit replaced.

        Parameters
        ----------
        edit
            What the mask page needs to go on: the segmenter's settings and the strokes, as JSON.

        Returns
        -------
        SubjectId
            The subject's id.
        """
        self._access.check_member()
        name = _checked_name(subject.name)
        with self._database.reading() as session:
            known = session.get(SubjectRow, subject.id) is not None
        if known:
            self.restore_pictures(subject)
        # Outside of the writer's turn: a large photo takes a second.
        pngs: list[bytes] = [] if known else list(_encoded(subject))
        names = self._blobs.put_all(pngs)
        put = {name: lambda png=png: png for name, png in zip(names, pngs, strict=True)}

        def write(session: Session) -> bool:
            if session.get(SubjectRow, subject.id) is None:
                if not names:
                    return False
                session.add(
                    SubjectRow(
                        id=subject.id,
                        created=datetime.now(UTC),
                        width=subject.extent.width,
                        height=subject.extent.height,
                        photo=names[0],
                        alpha=names[1],
                    )
                )
                session.flush()
            own_subject(session, subject.id, self._access, name=name, edit=edit, again=True)
            return True

        if not write_rows(self._database, self._blobs, write, put=put):
            return self.save(subject, edit)  # somebody has deleted it meanwhile
        return subject.id

    def restore_pictures(self, subject: Subject) -> bool:
        """Put the pictures of a subject that is here back where they are missing or damaged; names and edits stay.

        Returns
        -------
        bool
            Whether there was something to put back.
        """
        with self._database.reading() as session:
            row = session.get(SubjectRow, subject.id)
            kept = () if row is None else (row.photo, row.alpha)
        if all(self._blobs.has_whole(name) for name in kept):
            return False
        pngs = _encoded(subject)
        names = self._blobs.put_all(pngs)

        def write(session: Session) -> bool:
            row = session.get(SubjectRow, subject.id)
            if row is not None:
                row.photo, row.alpha = names  # an older version packed the same pixels into other bytes
            return row is not None

        put = {name: lambda png=png: png for name, png in zip(names, pngs, strict=True)}
        return write_rows(self._database, self._blobs, write, put=put)

    def load(self, subject_id: SubjectId, *, owner: VisitorId = EVERYONE) -> Subject:
        """The subject with its pixels, equal to the one that was saved.

        Parameters
        ----------
        owner
            Under whose name the program itself asks for it.

        Raises
        ------
        UserInputError
            No subject has this id.
        LostPictureError
            Its pictures are missing or no longer those that were saved.
        """
        entry = self.get(subject_id, owner=owner)
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

    def get(self, subject_id: SubjectId, *, owner: VisitorId = EVERYONE) -> SubjectEntry:
        """One subject without its pixels; an unknown id is a UserInputError."""
        with self._database.reading() as session:
            row, share = self._found(session, subject_id, owner)
            return _entry(row, share)

    def load_edit(self, subject_id: SubjectId) -> dict[str, Any]:
        """How the subject's mask was made; an unknown id is a UserInputError."""
        with self._database.reading() as session:
            return self._found(session, subject_id)[1].edit

    def find(self, subject_id: SubjectId) -> SubjectEntry | None:
        """The subject of this content address, where it is in the library."""
        with self._database.reading() as session:
            return next(iter(self._listed(session, SubjectRow.id == subject_id)), None)

    def same_photo(self, entry: SubjectEntry) -> list[SubjectEntry]:
        """Other subjects cut from exactly the same photo, newest first."""
        with self._database.reading() as session:
            return self._listed(session, SubjectRow.photo == entry.photo, SubjectRow.id != entry.id)

    def rename(self, subject_id: SubjectId, name: str) -> None:
        """Give a subject another name. Runs that are made already keep the name that they were made under.

        Raises
        ------
        UserInputError
            No subject has this id, the name is empty, or it is somebody else's.
        """
        name = _checked_name(name)
        with self._database.writing() as session:
            self._changeable(session, subject_id).name = name

    def share(self, subject_id: SubjectId, sharing: Sharing) -> None:
        """Let others see a subject in their libraries, or no longer; sweeps that they may open show it anyway."""
        with self._database.writing() as session:
            self._changeable(session, subject_id).sharing = sharing

    def may_change(self, entry: SubjectEntry) -> bool:
        """Whether whoever looks may rename, share and delete a subject."""
        return self._access.may_change([entry.owner])

    def use(self, subject_id: SubjectId) -> SubjectUse:
        """What depends on a subject; an unknown id is a UserInputError."""
        with self._database.reading() as session:
            self._found(session, subject_id)
            made = sa.select(sa.func.count()).where(RunRow.subject_id == subject_id, self._access.runs())
            runs = session.scalar(made) or 0
            states = session.scalars(_states(subject_id).where(self._access.sweeps())).all()
        unfinished = sum(state in UNFINISHED_STATES for state in states)
        return SubjectUse(runs=runs, sweeps=len(states), unfinished=unfinished)

    def all(self) -> list[SubjectEntry]:
        """The subjects in the library of whoever looks, newest first."""
        with self._database.reading() as session:
            return self._listed(session)

    def delete(self, subject_id: SubjectId) -> None:
        """Forget a subject, and its photo where nobody else has saved it. Runs keep their pictures.

        Raises
        ------
        UserInputError
            No subject has this id, it is somebody else's, or a sweep that waits or runs needs it.
        """
        with self._database.writing() as session:
            pictures = self._delete(session, subject_id)
        # Only now: a killed process leaves pictures that nothing refers to, and never a subject without its photo.
        remove_unused(self._database, self._blobs, pictures)

    def _delete(self, session: Session, subject_id: SubjectId) -> set[BlobHash]:
        """Its pictures, where it is nobody's any more."""
        share = self._changeable(session, subject_id)
        row, name = session.get_one(SubjectRow, subject_id), share.name
        session.delete(share)
        session.flush()
        owners = sa.select(sa.func.count()).where(SubjectOwnerRow.subject_id == subject_id)
        if session.scalar(owners):
            return set()
        unfinished = _states(subject_id).where(SweepRow.state.in_(UNFINISHED_STATES))
        waiting = len(session.scalars(unfinished).all())
        if waiting:
            seen = len(session.scalars(unfinished.where(self._access.sweeps())).all())
            whose, way = (str(waiting), "cancel them first, or delete it when they are done")
            if seen < waiting:  # there is no way to what is private to others
                whose = f"{waiting}, {waiting - seen} of them private to others"
                way = "delete it when they are done"
            raise UserInputError(
                f"The subject {quoted(name)} cannot be deleted yet, because sweeps that wait or run need it ({whose}): "
                f"{way}."
            )
        pictures = {row.photo, row.alpha}
        session.delete(row)
        session.flush()
        return pictures

    def _listed(self, session: Session, *conditions: Condition) -> list[SubjectEntry]:
        query = (
            sa.select(SubjectRow, SubjectOwnerRow)
            .join(SubjectOwnerRow, SubjectOwnerRow.subject_id == SubjectRow.id)
            .where(self._access.subject_shares(), *conditions)
            .order_by(SubjectRow.created.desc(), SubjectRow.id)
        )
        rows: dict[SubjectId, SubjectRow] = {}
        shares: dict[SubjectId, list[SubjectOwnerRow]] = {}
        for row, share in session.execute(query):
            rows[row.id] = row
            shares.setdefault(row.id, []).append(share)
        return [_entry(row, self._first(shares[subject_id])) for subject_id, row in rows.items()]

    def _found(
        self, session: Session, subject_id: SubjectId, owner: VisitorId = EVERYONE
    ) -> tuple[SubjectRow, SubjectOwnerRow]:
        row = session.scalar(sa.select(SubjectRow).where(SubjectRow.id == subject_id, self._access.subjects()))
        if row is None:
            raise UserInputError(
                f"No saved subject is called {quoted(subject_id[:12])}: choose one from the library, or save it again."
            )
        shares = session.scalars(sa.select(SubjectOwnerRow).where(SubjectOwnerRow.subject_id == subject_id)).all()
        return row, self._first(shares, owner)

    def _changeable(self, session: Session, subject_id: SubjectId) -> SubjectOwnerRow:
        _, share = self._found(session, subject_id)
        self._access.check_change(session, share.owner, "this subject")
        return share

    def _first(self, shares: Iterable[SubjectOwnerRow], owner: VisitorId = EVERYONE) -> SubjectOwnerRow:
        """The one under which whoever looks knows a subject."""
        mine = owner if self._access.visitor is None else self._access.person
        return min(
            shares,
            key=lambda each: (
                each.owner != mine, each.owner != EVERYONE, each.sharing != "shared", each.created, each.owner
            ),
        )  # fmt: skip


def own_subject(
    session: Session,
    subject_id: SubjectId,
    access: Access,
    *,
    name: str,
    edit: dict[str, Any],
    created: datetime | None = None,
    again: bool = False,
) -> None:
    """Let whoever acts own a subject that is there, under a name of theirs.

    Parameters
    ----------
    again
        Whether the name and the edit take the place of those that they gave it before.
    """
    owner = access.person
    share = session.get(SubjectOwnerRow, (subject_id, owner))
    if share is None:
        session.add(
            SubjectOwnerRow(
                subject_id=subject_id,
                owner=owner,
                created=created or datetime.now(UTC),
                name=name,
                edit=edit,
                sharing=access.sharing,
            )
        )
    elif again:
        share.name, share.edit = name, edit
    session.flush()


def _states(subject_id: SubjectId) -> sa.Select[str]:
    """The states of the sweeps whose plans name a subject."""
    query = sa.select(SweepRow.state).join(SweepSubjectRow, SweepSubjectRow.sweep_id == SweepRow.id)
    return query.where(SweepSubjectRow.subject_id == subject_id)


def _checked_name(name: str) -> str:
    if not name.strip():
        raise UserInputError("A subject needs a name: give it at least one letter.")
    return check_text("The subject's name", name.strip(), LONGEST_NAME)


def _entry(row: SubjectRow, share: SubjectOwnerRow) -> SubjectEntry:
    return SubjectEntry(
        id=row.id,
        name=share.name,
        created=row.created,
        extent=Extent(width=row.width, height=row.height),
        photo=row.photo,
        alpha=row.alpha,
        owner=share.owner,
        sharing=sharing_of(share.sharing),
    )


def _encoded(subject: Subject) -> tuple[bytes, bytes]:
    # Level 1: a seventh of level 6's time for a sixth more bytes, on a 12-megapixel photo.
    return encode_png(subject.image, compress_level=1), encode_alpha_png(subject.alpha)
