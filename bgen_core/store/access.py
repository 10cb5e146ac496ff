"""What somebody may see and change: the conditions that every part of the store puts into its queries.

Things have owners. What belongs to nobody is everyone's: it was there before there were owners, or the operator put it
there. A run is content that several may have made, so its owners are a relation; who else sees it is said by the sweeps
in whose grids it stands. What cannot be seen is answered as what is not there.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import get_args

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.errors import NotAllowedError
from bgen_core.ids import NOBODY, RunId, SweepId, VisitorId
from bgen_core.records.link import Link
from bgen_core.records.visitor import Sharing, Visitor
from bgen_core.store.schema import (
    AttemptRow,
    CellRow,
    OpenedLinkRow,
    ReferenceOwnerRow,
    RunOwnerRow,
    RunRow,
    SubjectOwnerRow,
    SubjectRow,
    SweepRow,
    SweepSubjectRow,
    ViewRow,
    VisitorRow,
)
from bgen_core.wording import quoted

EVERYONE = NOBODY
"""Owner of what everybody may see and every member may change."""

Condition = sa.ColumnElement[bool]


@dataclass(frozen=True, kw_only=True)
class Access:
    """What a visitor may see and do.

    Attributes
    ----------
    visitor
        None is the program itself, which sees all and writes what it is told.
    sharing
        Who sees what the visitor adds, unless they say otherwise.
    link
        The read-only link through which they look: then they see what it shows, and nothing else.
    """

    visitor: Visitor | None = None
    sharing: Sharing = "shared"
    link: Link | None = None

    @property
    def sees_all(self) -> bool:
        return self.link is None and (self.visitor is None or self.visitor.role == "admin")

    @property
    def own(self) -> tuple[VisitorId, ...]:
        """Owners of what the visitor may change as their own."""
        if self.visitor is None or self.link is not None:
            return (EVERYONE,) if self.link is None else ()
        return (self.visitor.id, EVERYONE)

    @property
    def person(self) -> VisitorId:
        """Who keeps subjects, views and opinions: on a machine of one's own, whatever the browser, everyone."""
        return EVERYONE if self.visitor is None or self.visitor.is_local else self.visitor.id

    def owner(self, named: VisitorId = EVERYONE) -> VisitorId:
        """Whose something is that is added now, whatever name stands in it."""
        return named if self.visitor is None else self.visitor.id

    def sweeps(self) -> Condition:
        """Of rows of `SweepRow`: those that the visitor may open."""
        if self.sees_all:
            return sa.true()
        if self.link is not None:
            return SweepRow.id == self.link.sweep_id
        opened = sa.select(OpenedLinkRow.sweep_id).where(OpenedLinkRow.visitor.in_(self.own))
        by_link = sa.and_(SweepRow.sharing == "link", SweepRow.id.in_(opened))
        return sa.or_(SweepRow.owner.in_(self.own), SweepRow.sharing == "shared", by_link)

    def runs(self) -> Condition:
        """Of rows of `RunRow`: those that the visitor made, that are shared, or that stand in sweeps they may open.

        A run that a sweep's owner has deleted is seen no more by that sweep, even where others made it too.
        """
        if self.sees_all:
            return sa.true()
        if self.link is not None:
            return RunRow.id.in_(self._shown_by(self.link))
        own = sa.select(RunOwnerRow.run_id).where(sa.or_(RunOwnerRow.owner.in_(self.own), RunOwnerRow.is_shared))
        in_sweeps = (
            sa.select(CellRow.run_id)
            .join(SweepRow, SweepRow.id == CellRow.sweep_id)
            .join(RunOwnerRow, sa.and_(RunOwnerRow.run_id == CellRow.run_id, RunOwnerRow.owner == SweepRow.owner))
            .where(self.sweeps())
        )
        tried = (
            sa.select(AttemptRow.run_id)
            .join(SweepRow, SweepRow.id == AttemptRow.sweep_id)
            .join(RunOwnerRow, sa.and_(RunOwnerRow.run_id == AttemptRow.run_id, RunOwnerRow.owner == SweepRow.owner))
            .where(self.sweeps())
        )
        return sa.or_(RunRow.id.in_(own), RunRow.id.in_(in_sweeps), RunRow.id.in_(tried))

    def subject_shares(self) -> Condition:
        """Of rows of `SubjectOwnerRow`: under which names and with which edits the visitor sees a subject."""
        if self.sees_all:
            return sa.true()
        if self.link is not None:
            return sa.false()
        return sa.or_(SubjectOwnerRow.owner.in_(self.own), SubjectOwnerRow.sharing == "shared")

    def subjects(self) -> Condition:
        """Of rows of `SubjectRow`: those in the visitor's library, and those of sweeps that they may open."""
        if self.sees_all:
            return sa.true()
        if self.link is not None:
            return sa.false()  # the photo's own background is not what was shared
        listed = sa.select(SubjectOwnerRow.subject_id).where(self.subject_shares())
        in_sweeps = (
            sa.select(SweepSubjectRow.subject_id)
            .join(SweepRow, SweepRow.id == SweepSubjectRow.sweep_id)
            .where(self.sweeps())
        )
        return sa.or_(SubjectRow.id.in_(listed), SubjectRow.id.in_(in_sweeps))

    def references(self) -> Condition:
        """Of rows of `ReferenceOwnerRow`: reference pictures that the visitor gave."""
        return sa.true() if self.sees_all else ReferenceOwnerRow.owner.in_(self.own)

    def views(self) -> Condition:
        """Of rows of `ViewRow`: those that the visitor may open."""
        if self.sees_all:
            return sa.true()
        if self.link is not None:
            return sa.false()
        return sa.or_(ViewRow.owner.in_(self.own), ViewRow.sharing == "shared")

    def may_change(self, owners: Collection[VisitorId]) -> bool:
        """Whether the visitor may change or delete what belongs to these owners."""
        if self.sees_all:
            return True
        return self._is_member and not set(owners).isdisjoint(self.own)

    def check_member(self) -> None:
        """Refuse what is for members.

        Raises
        ------
        NotAllowedError
            The visitor looks and votes alone.
        """
        if not self._is_member:
            raise NotAllowedError("You may look and vote here: uploading and changing is for members.")

    def check_change(self, session: Session, owner: VisitorId, what: str) -> None:
        """Refuse changing what is somebody else's.

        Parameters
        ----------
        what
            Such as "this sweep".

        Raises
        ------
        NotAllowedError
            One sentence that says whose it is.
        """
        self.check_member()
        if not self.may_change([owner]):
            name = session.scalar(sa.select(VisitorRow.name).where(VisitorRow.id == owner)) or "somebody else"
            raise NotAllowedError(f"{what.capitalize()} belongs to {name}: they or an admin may change it.")

    def check_admin(self, what: str) -> None:
        """Refuse what is for admins; `what` ends the sentence "Only an admin …"."""
        if not self.sees_all:
            raise NotAllowedError(f"Only an admin {what}.")

    def check_vote(self, sweep: SweepRow) -> None:
        """Refuse a vote where the owner asks for none: through a link, or of viewers on a sweep.

        Raises
        ------
        NotAllowedError
            Voting is not asked for.
        """
        if self.link is not None:
            if not self.link.may_vote:
                raise NotAllowedError("This link is to look at: nobody asks for votes here.")
        elif not self._is_member and not sweep.viewers_vote:
            raise NotAllowedError("The owner of this sweep does not ask viewers for votes.")

    @staticmethod
    def _shown_by(link: Link) -> sa.Select[RunId]:
        """The runs that a link shows, as long as its owner has them."""
        shown = sa.select(CellRow.run_id).where(CellRow.sweep_id == link.sweep_id)
        named = RunOwnerRow.run_id.in_(link.run_ids if link.run_ids else shown)
        return sa.select(RunOwnerRow.run_id).where(named, RunOwnerRow.owner.in_((link.owner, EVERYONE)))

    @property
    def _is_member(self) -> bool:
        if self.link is not None:
            return False
        return self.visitor is None or self.visitor.role in ("member", "admin")


def sharing_of(written: str) -> Sharing:
    """A column's text as what it means."""
    for known in get_args(Sharing):
        if written == known:
            return known
    raise ValueError(f"{quoted(written)} is not a way of sharing")


def made_by_sweeps(session: Session, *conditions: Condition) -> None:
    """Let the owners of sweeps own the runs in their grids that are there; what a file says of its sweeps is no proof.

    Parameters
    ----------
    conditions
        On `SweepRow` or `CellRow`: which sweeps, or which runs.
    """
    there = sa.exists().where(RunOwnerRow.run_id == CellRow.run_id, RunOwnerRow.owner == SweepRow.owner)
    made = _owners_in_grids(*conditions, ~there).join(RunRow, RunRow.id == CellRow.run_id)
    session.execute(sa.insert(RunOwnerRow).from_select(["run_id", "owner", "is_shared"], made))


def own_new_run(session: Session, run_id: RunId, owner: VisitorId, *, is_shared: bool) -> None:
    """Let somebody own a run that has just been written, as well as the owners of the sweeps in whose grids it stands.

    Parameters
    ----------
    is_shared
        Whether others see it where no sweep says who does.
    """
    session.connection().execute(_OWN_NEW_RUN, {"run": run_id, "by": owner, "shared": is_shared})


def _owners_in_grids(*conditions: Condition) -> sa.Select[RunId, VisitorId, bool]:
    return (
        sa.select(CellRow.run_id, SweepRow.owner, sa.false())
        .join(SweepRow, SweepRow.id == CellRow.sweep_id)
        .where(*conditions, ~SweepRow.is_imported)
        .distinct()
    )


def own_run(session: Session, run_id: RunId, owner: VisitorId, *, is_shared: bool = False) -> None:
    """Let somebody own a run that is there, as well as those who do."""
    if session.get(RunOwnerRow, (run_id, owner)) is None:
        session.add(RunOwnerRow(run_id=run_id, owner=owner, is_shared=is_shared))
        session.flush()


def opened_by_link(session: Session, sweep_id: SweepId, visitor: VisitorId) -> None:
    """Remember that somebody opened a sweep that is shared by its link."""
    if session.get(OpenedLinkRow, (sweep_id, visitor)) is None:
        session.add(OpenedLinkRow(sweep_id=sweep_id, visitor=visitor))


def _owning_new_run() -> sa.Insert:
    run, by = sa.bindparam("run", type_=sa.String), sa.bindparam("by", type_=sa.String)
    is_alone = sa.and_(~sa.exists().where(CellRow.run_id == run), ~sa.exists().where(AttemptRow.run_id == run))
    own = sa.select(run, by, sa.and_(sa.bindparam("shared", type_=sa.Boolean), is_alone))
    others = _owners_in_grids(CellRow.run_id == run, SweepRow.owner != by)
    return sa.insert(RunOwnerRow).from_select(["run_id", "owner", "is_shared"], own.union_all(others))


_OWN_NEW_RUN = _owning_new_run()  # built once: every commit of a run waits for it
