"""Read-only links: what one shows to whoever has it, and what they may do there."""

from dataclasses import dataclass
from datetime import datetime

from bgen_core.ids import LinkId, RunId, SweepId, VisitorId


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link that somebody made.

    Attributes
    ----------
    owner
        Whose pictures it shows.
    until
        When it ends; None where it does not by itself.
    is_revoked
        Whether it was taken back.
    sweep_id
        The sweep that it shows; None for pictures of any.
    run_ids
        The few pictures that it shows; empty for all of the sweep.
    title, question, verdict
        What stands above the pictures, what shall be decided, and what was; texts of the owner's.
    may_vote
        Whether whoever has it may vote blindly on its pictures, each browser once on each pair.
    """

    id: LinkId
    owner: VisitorId
    created: datetime
    until: datetime | None
    is_revoked: bool
    sweep_id: SweepId | None
    run_ids: tuple[RunId, ...]
    title: str
    question: str
    verdict: str
    may_vote: bool
