"""Who looks at the store and acts in it."""

from dataclasses import dataclass

from bgen_core.ids import VisitorId


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """A browser that is known again, or a program.

    Attributes
    ----------
    id
        What stands beside everything that is theirs: sweeps, votes, views.
    """

    id: VisitorId
