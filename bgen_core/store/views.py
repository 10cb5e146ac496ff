"""Views of the compare page that people saved under a name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from bgen_core.errors import UserInputError
from bgen_core.ids import NOBODY, VisitorId
from bgen_core.limits import LONGEST_VIEW_NAME, check_text
from bgen_core.store.database import Database
from bgen_core.store.schema import ViewRow


@dataclass(frozen=True, kw_only=True)
class SavedView:
    """A named view of the compare page: the parameters of its address; `SeenStore` writes whose it is."""

    name: str
    owner: VisitorId = NOBODY
    query: Mapping[str, Any]


class Views:
    """The part of the store that holds saved views."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, view: SavedView) -> None:
        """Keep a view under its name; the same name is replaced."""
        name = view.name.strip()
        check_text("The view's name", name)
        if not 0 < len(name) <= LONGEST_VIEW_NAME:
            raise UserInputError(f"A view's name has 1 to {LONGEST_VIEW_NAME} letters, not {len(name)}.")
        with self._database.writing() as session:
            session.merge(ViewRow(name=name, owner=view.owner, created=datetime.now(UTC), query=dict(view.query)))

    def all(self) -> list[SavedView]:
        """All saved views by name."""
        with self._database.reading() as session:
            rows = session.scalars(sa.select(ViewRow).order_by(ViewRow.name))
            return [SavedView(name=row.name, owner=row.owner, query=row.query) for row in rows]

    def delete(self, name: str) -> None:
        """Forget a view; nothing happens where there is none of that name."""
        with self._database.writing() as session:
            session.execute(sa.delete(ViewRow).where(ViewRow.name == name))
