"""How rows and pictures stay together, which no transaction joins: no row is ever without its pictures.

A picture is put before its row, and outside of the writer's turn, since a bucket answers once in the time of several
commits. Who removes pictures writes down in a turn which of them no row needs, removes them outside of it, and then
writes down that this is done. Who writes a row looks in its turn whether one of its pictures was written down: then it
is put again when the removal is over. What was put or read within `REMEMBERED` of the row is so never missed; no
clock but the database's is asked, and no file.
"""

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.errors import LostPictureError, StoreAwayError
from bgen_core.ids import BlobHash
from bgen_core.store.blobs import BlobStore
from bgen_core.store.database import Database, id_chunks
from bgen_core.store.schema import RemovalRow

_OF_PICTURES = sa.select(RemovalRow.picture, RemovalRow.removal, RemovalRow.began, RemovalRow.is_done).where(
    RemovalRow.picture.in_(sa.bindparam("pictures", expanding=True))
)
REMEMBERED = timedelta(days=30)
# A removal takes seconds. One that is not done by then was killed, and removes nothing any more.
OVER_AFTER = timedelta(minutes=5)
_WAIT_SECONDS = 15.0
_LOOK_SECONDS = 0.05
_Result = TypeVar("_Result")


@dataclass(frozen=True, kw_only=True)
class Removal:
    """Pictures that no row needs, written down: who writes this has until `deadline` to remove them.

    Attributes
    ----------
    deadline
        By `time.monotonic`.
    """

    id: str
    pictures: tuple[BlobHash, ...]
    deadline: float


def begin_removal(session: Session, pictures: Collection[BlobHash]) -> Removal:
    """Write down, in a writer's turn, that pictures go which no row needs; some of them may be going already."""
    deadline = monotonic() + OVER_AFTER.total_seconds() / 2  # the other half for what is under way
    now, removal = _now(session), secrets.token_hex(8)
    session.execute(sa.delete(RemovalRow).where(RemovalRow.began < now - REMEMBERED))
    # What another one is removing is left to it: it would still be at it when this one is done.
    under_way = {name for name, each in _removals(session, pictures).items() if not each.is_over(now)}
    going = sorted(set(pictures) - under_way)
    for chunk in id_chunks(going):
        session.execute(sa.delete(RemovalRow).where(RemovalRow.picture.in_(chunk)))
    session.add_all(RemovalRow(picture=name, removal=removal, began=now, is_done=False) for name in going)
    session.flush()
    return Removal(id=removal, pictures=tuple(going), deadline=deadline)


def end_removal(database: Database, removal: Removal) -> None:
    """Write down that all of it is removed."""
    with database.writing() as session:
        session.execute(sa.update(RemovalRow).where(RemovalRow.removal == removal.id).values(is_done=True))


def removed(session: Session, pictures: Collection[BlobHash]) -> set[BlobHash]:
    """Which of these pictures were removed, or are about to be, and not put again with a row since."""
    return set(_removals(session, pictures))


def write_rows(
    database: Database,
    blobs: BlobStore,
    rows: Callable[[Session], _Result],
    *,
    put: Mapping[BlobHash, Callable[[], bytes]],
    read: Collection[BlobHash] = (),
) -> _Result:
    """Write rows that need pictures, in one turn in which nobody asks the place of the pictures anything.

    Parameters
    ----------
    rows
        Writes them in the turn; it is called once.
    put
        Content address -> its bytes, of the pictures that the caller has just put.
    read
        Other pictures that the rows need, which the caller has read or seen in a row.

    Raises
    ------
    LostPictureError
        A picture is gone that the caller cannot put again.
    StoreAwayError
        A picture is being removed, and that takes long.
    """
    needed, put_again = {*put, *read}, dict[BlobHash, str]()
    deadline = monotonic() + _WAIT_SECONDS
    while True:
        with database.writing() as session:
            found = _removals(session, needed)
            if all(put_again.get(name) == each.removal for name, each in found.items()):
                for chunk in id_chunks(found):
                    session.execute(sa.delete(RemovalRow).where(RemovalRow.picture.in_(chunk)))
                return rows(session)
            now = _now(session)
            over = {name: each.removal for name, each in found.items() if each.is_over(now)}
        for name in found:
            if name not in put:
                lost = f"The raw picture {name[:12]}… was deleted meanwhile: make this cell again."
                raise LostPictureError(lost, public=lost)
        for name, removal in over.items():
            blobs.put(put[name]())
            put_again[name] = removal
        if len(over) < len(found):
            if monotonic() > deadline:
                raise StoreAwayError(
                    f"A picture that is to be kept is being removed by another process since {_WAIT_SECONDS:.0f} s: "
                    f"try again in {OVER_AFTER.total_seconds() / 60:.0f} minutes.",
                    public="A picture that is to be kept is being removed at this moment: try again in a few minutes.",
                )
            sleep(_LOOK_SECONDS)


@dataclass(frozen=True, kw_only=True)
class _Found:
    removal: str
    began: datetime
    is_done: bool

    def is_over(self, now: datetime) -> bool:
        return self.is_done or now - self.began > OVER_AFTER


def _removals(session: Session, pictures: Collection[BlobHash]) -> dict[BlobHash, _Found]:
    found: dict[BlobHash, _Found] = {}
    for chunk in id_chunks(pictures):
        for name, removal, began, is_done in session.connection().execute(_OF_PICTURES, {"pictures": chunk}):
            found[name] = _Found(removal=removal, began=began, is_done=is_done)
    return found


def _now(session: Session) -> datetime:
    """By the clock that all processes share: the database server's, or of SQLite this machine's."""
    if session.connection().dialect.name == "sqlite":
        return datetime.now(UTC)
    now = session.scalar(sa.select(sa.func.clock_timestamp(type_=sa.DateTime(timezone=True))))
    return datetime.now(UTC) if now is None else now.astimezone(UTC)
