"""Saved subjects: as a list shows one, and what depends on it."""

from dataclasses import dataclass
from datetime import datetime

from bgen_core.extent import Extent
from bgen_core.ids import BlobHash, SubjectId, VisitorId
from bgen_core.records.visitor import Sharing
from bgen_core.wording import counted


@dataclass(frozen=True, kw_only=True)
class SubjectEntry:
    """A saved subject without its pixels, as a list shows it.

    Attributes
    ----------
    photo, alpha
        Content addresses of two PNGs: the photo (RGB) and the alpha (grey, 255 = keep).
    owner, sharing
        Under whose name it is shown, of those who saved it, and who else sees that.
    """

    id: SubjectId
    name: str
    created: datetime
    extent: Extent
    photo: BlobHash
    alpha: BlobHash
    owner: VisitorId
    sharing: Sharing


@dataclass(frozen=True, kw_only=True)
class SubjectUse:
    """What was made with a subject, and what waits for it.

    Attributes
    ----------
    runs
        Runs in the store. They keep their pictures without it, but cannot be made again.
    sweeps
        Sweeps that name it, whatever their state.
    unfinished
        How many of these wait, run or are paused: they need it.
    """

    runs: int
    sweeps: int
    unfinished: int

    @property
    def sentence(self) -> str:
        """What depends on it, for a person who is about to delete it."""
        if not (self.runs or self.sweeps):
            return "Nothing was made with it yet."
        text = (
            f"{counted(self.runs, 'run')} and {counted(self.sweeps, 'sweep')} were made with it: pictures and tables "
        )
        text += "stay, but none of them can be made again or gone on with."
        if self.unfinished:
            text += (
                f" {counted(self.unfinished, 'sweep')} of these still {'needs' if self.unfinished == 1 else 'need'} "
            )
            text += "it: cancel first."
        return text
