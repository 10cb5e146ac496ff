"""How people are called: beside what is theirs, others read a name and not an id."""

from collections.abc import Iterable

import sqlalchemy as sa

from bgen_core.ids import VisitorId
from bgen_core.records.visitor import Visitor
from bgen_core.store.database import Database, id_chunks
from bgen_core.store.schema import VisitorRow


class Visitors:
    """The part of the store that holds names."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, visitor: Visitor) -> None:
        """Keep how a visitor is called now; without a name there is nothing to keep."""
        if not visitor.name:
            return
        with self._database.reading() as session:
            if session.scalar(sa.select(VisitorRow.name).where(VisitorRow.id == visitor.id)) == visitor.name:
                return
        with self._database.writing() as session:
            session.merge(VisitorRow(id=visitor.id, name=visitor.name))

    def names(self, ids: Iterable[VisitorId]) -> dict[VisitorId, str]:
        """Visitor -> how they are called; those of whom no name is known have no entry."""
        found: dict[VisitorId, str] = {}
        with self._database.reading() as session:
            for chunk in id_chunks(list(dict.fromkeys(ids))):
                rows = session.execute(sa.select(VisitorRow.id, VisitorRow.name).where(VisitorRow.id.in_(chunk)))
                found.update((visitor, name) for visitor, name in rows)
        return found
