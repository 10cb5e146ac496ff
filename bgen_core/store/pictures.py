"""Which pictures the database refers to, and removing those that it does not."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.ids import BlobHash, SweepId, VisitorId
from bgen_core.parameters import PICTURES
from bgen_core.store.access import Access
from bgen_core.store.blobs import BlobStore
from bgen_core.store.database import Database, id_chunks
from bgen_core.store.references import references_of
from bgen_core.store.removals import begin_removal, end_removal, write_rows
from bgen_core.store.schema import ReferenceOwnerRow, RunOwnerRow, RunRow, SubjectRow, SweepRow

PictureRole = Literal["image", "raw", "photo", "alpha", "reference", "background", "planned"]

_COLUMNS: tuple[tuple[PictureRole, Any, Any], ...] = (
    ("image", RunRow.id, RunRow.image),
    ("raw", RunRow.id, RunRow.raw),
    ("photo", SubjectRow.id, SubjectRow.photo),
    ("alpha", SubjectRow.id, SubjectRow.alpha),
    ("reference", RunRow.id, RunRow.reference),
    ("background", RunRow.id, RunRow.background),
)
_AT_ONCE = 200  # pictures that one transaction looks for


@dataclass(frozen=True, kw_only=True)
class PictureUse:
    """One row that needs a picture: a run its finished, raw, reference or background picture, a subject its photo or
    alpha, and a sweep the reference and background pictures of its plan.
    """

    role: PictureRole
    owner_id: str


@dataclass(frozen=True, kw_only=True)
class Removed:
    """Files that were removed, or would be: how many, and their length in bytes."""

    files: int = 0
    size: int = 0

    def __add__(self, other: "Removed") -> "Removed":
        return Removed(files=self.files + other.files, size=self.size + other.size)


class Pictures:
    """The part of the store that knows what its pictures are for."""

    def __init__(self, database: Database, blobs: BlobStore, access: Access) -> None:
        self._database = database
        self._blobs = blobs
        self._access = access

    def sees(self, name: BlobHash) -> bool:
        """Whether whoever looks may see a picture: one of a run, subject or reference that they see."""
        if self._access.sees_all:
            return True
        with self._database.reading() as session:
            return is_seen(session, self._access, name)

    def give_reference(self, png: bytes) -> BlobHash:
        """Keep a picture for whoever gives it; see `references.encode_reference` and `encode_background`."""
        self._access.check_member()
        name = self._blobs.put(png)
        owner = self._access.person
        write_rows(
            self._database,
            self._blobs,
            lambda session: own_reference(session, name, owner),
            put={name: lambda: png},
        )
        return name

    def keep(self, pngs: Iterable[bytes]) -> None:
        """Keep pictures that a sweep is about to name."""
        put = {self._blobs.put(png): png for png in pngs}
        if put:
            at_hand = {name: lambda png=png: png for name, png in put.items()}
            write_rows(self._database, self._blobs, lambda _: None, put=at_hand)

    def uses(self) -> dict[BlobHash, list[PictureUse]]:
        """Content address -> every row that needs it."""
        found: dict[BlobHash, list[PictureUse]] = {}
        with self._database.reading() as session:
            for role, owner, column in _COLUMNS:
                for owner_id, name in session.execute(sa.select(owner, column).where(column != "")):
                    found.setdefault(name, []).append(PictureUse(role=role, owner_id=owner_id))
            for owner_id, name in planned_references(session):
                found.setdefault(name, []).append(PictureUse(role="planned", owner_id=owner_id))
        return found

    def bytes_of(self, owner: VisitorId) -> int:
        """Length of the pictures of the runs that an owner's sweeps made first, each counted once."""
        names: set[BlobHash] = set()
        with self._database.reading() as session:
            for image, raw in session.execute(sa.select(RunRow.image, RunRow.raw).where(RunRow.owner == owner)):
                names |= {image, raw}
        return sum(self._blobs.sizes(names).values())

    def used(self, names: Collection[BlobHash]) -> set[BlobHash]:
        """Which of these pictures a row needs."""
        with self._database.reading() as session:
            return used_pictures(session, names)

    def remove_unused(self, names: Collection[BlobHash], sizes: Mapping[BlobHash, int] | None = None) -> Removed:
        """Remove those of these pictures that no row needs, with their small versions; see `removals`.

        Parameters
        ----------
        sizes
            Content address -> length in bytes, where that is known.
        """
        return remove_unused(self._database, self._blobs, names, sizes)


def remove_unused(
    database: Database, blobs: BlobStore, names: Collection[BlobHash], sizes: Mapping[BlobHash, int] | None = None
) -> Removed:
    """See `Pictures.remove_unused`."""
    gone = Removed()
    for chunk in id_chunks(sorted(names), _AT_ONCE):
        with database.writing() as session:
            removal = begin_removal(session, set(chunk) - used_pictures(session, chunk))
        if not removal.pictures:
            continue
        known = blobs.sizes(removal.pictures) if sizes is None else sizes
        there = [known[name] for name in removal.pictures if name in known]
        blobs.delete_all(removal.pictures, deadline=removal.deadline)
        end_removal(database, removal)
        gone += Removed(files=len(there), size=sum(there))
    return gone


def used_pictures(session: Session, names: Collection[BlobHash]) -> set[BlobHash]:
    """Which of these pictures a row needs."""
    found: set[BlobHash] = set()
    for chunk in id_chunks(names):
        for _, _, column in _COLUMNS:
            found.update(session.scalars(sa.select(column).where(column.in_(chunk))))
    return found | {name for _, name in planned_references(session) if name in names}


def is_seen(session: Session, access: Access, name: BlobHash) -> bool:
    """Whether a row that somebody sees shows a picture."""
    return access.sees_all or any(
        session.scalar(query.limit(1)) is not None for query in _rows_that_show(access, name)
    )  # fmt: skip


def _rows_that_show(access: Access, name: BlobHash) -> Iterator[sa.Select[Any]]:
    """Queries for them, the most likely first."""
    runs, subjects = access.runs(), access.subjects()
    yield sa.select(RunRow.id).where(RunRow.image == name, runs)
    yield sa.select(RunRow.id).where(RunRow.raw == name, runs)
    yield sa.select(SubjectRow.id).where(SubjectRow.photo == name, subjects)
    yield sa.select(SubjectRow.id).where(SubjectRow.alpha == name, subjects)
    given = sa.select(ReferenceOwnerRow.owner).where(ReferenceOwnerRow.picture == name)
    yield given.where(access.references())
    # What a file claims that a sweep or run of its own names does not show another's picture.
    plans = sa.cast(SweepRow.plan, sa.Text).contains(name, autoescape=True)
    yield sa.select(SweepRow.id).where(SweepRow.owner.in_(given), access.sweeps(), plans)
    made = sa.select(RunRow.id).join(RunOwnerRow, RunOwnerRow.run_id == RunRow.id)
    named = sa.or_(RunRow.reference == name, RunRow.background == name)
    yield made.where(named, RunOwnerRow.owner.in_(given), runs)


def own_reference(session: Session, picture: BlobHash, owner: VisitorId) -> None:
    """Let somebody see a reference picture that they gave, or that a sweep of theirs names."""
    if session.get(ReferenceOwnerRow, (picture, owner)) is None:
        session.add(ReferenceOwnerRow(picture=picture, owner=owner))
        session.flush()


def planned_references(session: Session) -> Iterator[tuple[SweepId, BlobHash]]:
    """Each sweep with the reference pictures that its plan names, which going on with it needs."""
    text = sa.cast(SweepRow.plan, sa.Text)
    in_base = [
        sa.and_(text.contains(f'"{each.field}": "'), sa.not_(text.contains(f'"{each.field}": ""'))) for each in PICTURES
    ]
    in_axes = [text.contains(f'"name": "{each.name}"') for each in PICTURES]
    for sweep_id, plan in session.execute(sa.select(SweepRow.id, SweepRow.plan).where(sa.or_(*in_base, *in_axes))):
        for name in references_of(plan):
            yield sweep_id, name
