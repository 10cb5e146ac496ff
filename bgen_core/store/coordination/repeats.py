"""Pictures that are to be made again by a painter with the GPU that made them, and what came out."""

import secrets
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa

from bgen_core.ids import BlobHash, WorkerId
from bgen_core.store.coordination.database_clock import database_now
from bgen_core.store.database import Database
from bgen_core.store.schema import RepeatRow

WANTED_SECONDS = 30.0  # since whoever asked last said that they wait
NOBODY_YET = WorkerId("")


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """One picture to make again.

    Attributes
    ----------
    png
        Where the store has it; no row needs it, so it goes when it is an hour old.
    model
        Catalogue name, Hub id or folder.
    taken_by
        The painter that makes it, or `NOBODY_YET`.
    answer
        What came out, as the painter's code and the asker's agree on; None as long as nothing did.
    """

    id: str
    png: BlobHash
    model: str
    taken_by: WorkerId
    answer: dict[str, Any] | None


class Repeats:
    """The part of the store by which whoever wants a picture made again and painters find each other."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, *, gpu: str, png: BlobHash, model: str) -> str:
        """Ask for a picture; returns the name under which it is waited for."""
        repeat_id = secrets.token_hex(8)
        with self._database.coordinating() as session:
            session.execute(sa.delete(RepeatRow).where(RepeatRow.wanted_until < database_now()))  # who asked is gone
            session.execute(
                sa.insert(RepeatRow).values(
                    id=repeat_id,
                    gpu=gpu,
                    png=png,
                    model=model,
                    taken_by=NOBODY_YET,
                    wanted_until=database_now() + WANTED_SECONDS,
                    answer=None,
                )
            )
        return repeat_id

    def wait(self, repeat_id: str) -> Repeat | None:
        """How it stands, asked for every few seconds, which says that it is still wanted; None where it is gone."""
        until = database_now() + WANTED_SECONDS
        with self._database.coordinating() as session:
            session.execute(sa.update(RepeatRow).where(RepeatRow.id == repeat_id).values(wanted_until=until))
            row = session.get(RepeatRow, repeat_id)
            return None if row is None else _repeat(row)

    def waits(self, gpu: str) -> bool:
        """Whether something is wanted of this kind of GPU that nobody has taken."""
        with self._database.reading() as session:
            return bool(session.scalar(sa.select(sa.exists().where(*_free(gpu)))))

    def take(self, worker_id: WorkerId, gpu: str) -> Repeat | None:
        """Take one that is wanted of this kind of GPU, for one painter alone; None where there is none."""
        with self._database.reading() as session:
            found = session.scalars(sa.select(RepeatRow.id).where(*_free(gpu)).limit(1)).first()
        if found is None:
            return None
        with self._database.coordinating() as session:
            query = sa.update(RepeatRow).where(RepeatRow.id == found, *_free(gpu)).values(taken_by=worker_id)
            if cast("sa.CursorResult[Any]", session.execute(query)).rowcount != 1:
                return None  # another one was faster
            row = session.get(RepeatRow, found)
            return None if row is None else _repeat(row)

    def answer(self, repeat_id: str, content: dict[str, Any]) -> None:
        """Say what came out; where nobody waits any more, that is no error."""
        with self._database.coordinating() as session:
            session.execute(sa.update(RepeatRow).where(RepeatRow.id == repeat_id).values(answer=content))

    def forget(self, repeat_id: str) -> None:
        """Want it no more."""
        with self._database.coordinating() as session:
            session.execute(sa.delete(RepeatRow).where(RepeatRow.id == repeat_id))


def _free(gpu: str) -> tuple[sa.ColumnElement[bool], ...]:
    return RepeatRow.gpu == gpu, RepeatRow.taken_by == NOBODY_YET, RepeatRow.wanted_until > database_now()


def _repeat(row: RepeatRow) -> Repeat:
    return Repeat(id=row.id, png=row.png, model=row.model, taken_by=row.taken_by, answer=row.answer)
