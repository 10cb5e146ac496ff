"""Who looks at the store and acts in it."""

from dataclasses import dataclass
from typing import Literal

from bgen_core.ids import VisitorId

Role = Literal["viewer", "member", "admin"]


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """A person, a browser that is known again, or a program.

    Attributes
    ----------
    id
        What stands beside everything that is theirs: sweeps, votes, views.
    name
        How others read who it is; empty where nobody said.
    role
        A viewer looks and votes; a member also uploads, sweeps and changes what is there; an admin also others' sweeps.
    """

    id: VisitorId
    name: str = ""
    role: Role = "member"
