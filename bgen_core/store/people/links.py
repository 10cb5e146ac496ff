"""Read-only links: made by who owns what they show, taken back by them or an admin."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.errors import UserInputError
from bgen_core.ids import LinkId, RunId, SweepId, VisitorId
from bgen_core.limits import check_text
from bgen_core.records.link import Link
from bgen_core.store.access import Access
from bgen_core.store.database import Database
from bgen_core.store.schema import CellRow, LinkRow, RunOwnerRow, SweepRow
from bgen_core.wording import quoted

MOST_PICTURES = 60
LONGEST_TEXT = 300  # letters of a title, and of a question
_THIS = "this link"


class Links:
    """The part of the store that holds links."""

    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    def add(
        self,
        *,
        sweep_id: SweepId | None,
        run_ids: Sequence[RunId] = (),
        title: str,
        question: str = "",
        until: datetime | None = None,
        may_vote: bool = False,
    ) -> Link:
        """Make a link to a sweep, to some of its pictures, or to pictures of several sweeps.

        Raises
        ------
        UserInputError
            Nothing is named, too much is, a picture is not the visitor's or not the sweep's, a text is too long, its
            end is past, or there is nothing to vote on.
        """
        shown = tuple(dict.fromkeys(run_ids))
        _check(sweep_id, shown, until, may_vote=may_vote)
        for name, text in (("The title", title), ("The question", question)):
            check_text(name, text, LONGEST_TEXT)
        self._access.check_member()
        with self._database.writing() as session:
            row = LinkRow(
                id=LinkId(secrets.token_urlsafe(16)),
                owner=self._access.owner(),
                created=datetime.now(UTC),
                until=until,
                is_revoked=False,
                sweep_id=sweep_id,
                run_ids=list(shown),
                title=title.strip(),
                question=question.strip(),
                verdict="",
                may_vote=may_vote,
            )
            if sweep_id is not None:
                row.owner = self._owner_of_sweep(session, sweep_id, shown)
            else:
                self._check_own(session, shown)
            session.add(row)
            session.flush()
            return _link(row)

    def get(self, link_id: LinkId) -> Link:
        """A link by its id, whoever asks: whoever has it may know it; one that is not there is a UserInputError."""
        with self._database.reading() as session:
            return _link(_row(session, link_id))

    def of(self, *, sweep_id: SweepId | None = None) -> list[Link]:
        """The links that whoever looks may take back, the newest first; all of them, or those to a sweep."""
        query = sa.select(LinkRow).order_by(LinkRow.created.desc(), LinkRow.id)
        if not self._access.sees_all:
            query = query.where(LinkRow.owner.in_(self._access.own))
        if sweep_id is not None:
            query = query.where(LinkRow.sweep_id == sweep_id)
        with self._database.reading() as session:
            return [_link(row) for row in session.scalars(query)]

    def revoke(self, link_id: LinkId) -> None:
        """Take a link back: it opens nothing any more."""
        with self._database.writing() as session:
            self._changeable(session, link_id).is_revoked = True

    def decide(self, link_id: LinkId, verdict: str) -> None:
        """Say what was decided; an empty text takes it back."""
        check_text("The decision", verdict)
        with self._database.writing() as session:
            self._changeable(session, link_id).verdict = verdict.strip()

    def _changeable(self, session: Session, link_id: LinkId) -> LinkRow:
        row = _row(session, link_id)
        self._access.check_change(session, row.owner, _THIS)
        return row

    def _owner_of_sweep(self, session: Session, sweep_id: SweepId, shown: Sequence[RunId]) -> VisitorId:
        """Whose sweep it is, when the visitor may change it and the pictures are its own."""
        found = sa.select(SweepRow.owner).where(SweepRow.id == sweep_id, self._access.sweeps())
        owner = session.scalar(found)
        if owner is None:
            raise UserInputError(f"No sweep is called {quoted(sweep_id)}: open one from the sweep page.")
        self._access.check_change(session, owner, "this sweep")
        cells = sa.select(CellRow.run_id).where(CellRow.sweep_id == sweep_id, CellRow.run_id.in_(shown))
        if set(session.scalars(cells)) != set(shown):
            raise UserInputError("A picture of this link is not one of the sweep's: choose among its own.")
        return owner

    def _check_own(self, session: Session, shown: Sequence[RunId]) -> None:
        mine = RunOwnerRow.owner.in_(self._access.own)
        if set(session.scalars(sa.select(RunOwnerRow.run_id).where(RunOwnerRow.run_id.in_(shown), mine))) != set(shown):
            raise UserInputError("A picture of this link is not yours: a link shows what its maker made.")


def _check(sweep_id: SweepId | None, shown: Sequence[RunId], until: datetime | None, *, may_vote: bool) -> None:
    if sweep_id is None and not shown:
        raise UserInputError("A link shows a sweep or pictures: choose some.")
    if len(shown) > MOST_PICTURES:
        raise UserInputError(f"A link shows up to {MOST_PICTURES} chosen pictures, not {len(shown)}: choose fewer.")
    if may_vote and (sweep_id is None or len(shown) < 2):
        raise UserInputError("A ballot needs two or more chosen pictures of one sweep.")
    if until is not None and until <= datetime.now(UTC):
        raise UserInputError(f"The link's end, {until:%Y-%m-%d %H:%M}, is past: choose a later one, or none.")


def _row(session: Session, link_id: LinkId) -> LinkRow:
    row = session.get(LinkRow, link_id)
    if row is None:
        raise UserInputError("This link opens nothing: ask whoever sent it for a new one.")
    return row


def _link(row: LinkRow) -> Link:
    return Link(
        id=row.id,
        owner=row.owner,
        created=row.created,
        until=row.until,
        is_revoked=row.is_revoked,
        sweep_id=row.sweep_id,
        run_ids=tuple(RunId(run_id) for run_id in row.run_ids),
        title=row.title,
        question=row.question,
        verdict=row.verdict,
        may_vote=row.may_vote,
    )
