"""Who looks at the store and acts in it."""

from dataclasses import dataclass
from typing import Literal

from bgen_core.ids import VisitorId

Role = Literal["viewer", "member", "admin"]

Sharing = Literal["private", "link", "shared"]
"""Who sees something beside its owner and admins: nobody, whoever opened its link, or everybody who may visit."""


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
        A viewer looks and votes; a member also uploads, sweeps and changes what is theirs; an admin sees and changes
        what is anybody's.
    is_local
        Whether only this machine is answered: then all its browsers are one person, who says everything as everyone.
    """

    id: VisitorId
    name: str = ""
    role: Role = "member"
    is_local: bool = False
