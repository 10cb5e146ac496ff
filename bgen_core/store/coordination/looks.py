"""Whether somebody sees what is under way: only then previews are worth their price."""

import time
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from bgen_core.errors import StoreError
from bgen_core.store.coordination.database_clock import database_now
from bgen_core.store.coordination.upserts import insert_into
from bgen_core.store.database import Database
from bgen_core.store.schema import LookRow

WATCHED_SECONDS = 5.0  # pages and command lines look at least every second
_WRITE_SECONDS = 2.0  # however many look
_BELIEVED_SECONDS = {True: 1.0, False: 0.2}  # the first preview shall not wait for the next look at the looks
_PREVIEWS = "previews"


@dataclass
class _Known:
    """What this process has last written and read of a database's looks, by its own clock."""

    written: float = 0.0
    read: float = 0.0
    is_watched: bool = False


_known: WeakKeyDictionary[Database, _Known] = WeakKeyDictionary()  # a store's parts are made anew for each visitor


class Looks:
    """The part of the store that knows whether somebody looks. It never raises: a look is not worth a fault."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self) -> None:
        """Somebody sees what is under way."""
        known, now = self._knows, time.monotonic()
        if known.written and now < known.written + _WRITE_SECONDS:
            return
        known.written = now
        try:
            with self._database.coordinating() as session:
                insert = insert_into(session, LookRow).values(name=_PREVIEWS, at=database_now())
                session.execute(
                    insert.on_conflict_do_update(index_elements=[LookRow.name], set_={"at": insert.excluded.at})
                )
        except StoreError:  # a full disk costs the previews, never the look
            return

    def is_watched(self) -> bool:
        """Whether somebody has looked a moment ago."""
        known, now = self._knows, time.monotonic()
        if not known.read or now >= known.read + _BELIEVED_SECONDS[known.is_watched]:
            known.read, known.is_watched = now, self._look()
        return known.is_watched

    def _look(self) -> bool:
        query = sa.select(database_now() - LookRow.at).where(LookRow.name == _PREVIEWS)
        try:
            with self._database.reading() as session:
                age = session.scalar(query)
        except StoreError:
            return False
        return age is not None and age < WATCHED_SECONDS

    @property
    def _knows(self) -> _Known:
        return _known.setdefault(self._database, _Known())
