"""Views of the compare page that people saved under a name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from bgen_core.errors import UserInputError
from bgen_core.ids import NOBODY, VisitorId
from bgen_core.limits import LONGEST_VIEW_NAME, check_text
from bgen_core.records.visitor import Sharing
from bgen_core.store.access import Access, sharing_of
from bgen_core.store.database import Database
from bgen_core.store.schema import ViewRow


@dataclass(frozen=True, kw_only=True)
class SavedView:
    """A named view of the compare page: the parameters of its address; the store writes whose it is."""

    name: str
    owner: VisitorId = NOBODY
    query: Mapping[str, Any]
    sharing: Sharing = "shared"


class Views:
    """The part of the store that holds saved views: each person's, and those that are shared."""

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    def save(self, view: SavedView) -> None:
        """Keep a view under its name; one of the same name that is the visitor's own or everyone's is replaced."""
        self._access.check_member()
        name = view.name.strip()
        check_text("The view's name", name)
        if not 0 < len(name) <= LONGEST_VIEW_NAME:
            raise UserInputError(f"A view's name has 1 to {LONGEST_VIEW_NAME} letters, not {len(name)}.")
        owner = view.owner if self._access.visitor is None else self._access.person
        with self._database.writing() as session:
            session.execute(
                sa.delete(ViewRow).where(ViewRow.name == name, ViewRow.owner.in_((owner, *self._access.own)))
            )
            session.add(
                ViewRow(name=name, owner=owner, created=datetime.now(UTC), query=dict(view.query), sharing=view.sharing)
            )

    def all(self) -> list[SavedView]:
        """The saved views that whoever looks may open, by name."""
        with self._database.reading() as session:
            rows = session.scalars(sa.select(ViewRow).where(self._access.views()).order_by(ViewRow.name, ViewRow.owner))
            return [
                SavedView(name=row.name, owner=row.owner, query=row.query, sharing=sharing_of(row.sharing))
                for row in rows
            ]

    def may_change(self, view: SavedView) -> bool:
        """Whether whoever looks may delete a view."""
        return self._access.may_change([view.owner])

    def delete(self, view: SavedView) -> None:
        """Forget a view; nothing happens where it is gone."""
        with self._database.writing() as session:
            self._access.check_change(session, view.owner, "this view")
            session.execute(sa.delete(ViewRow).where(ViewRow.name == view.name, ViewRow.owner == view.owner))
