"""What is done beside painting, while nothing waits: one kind of work after another, each looked at now and then.

A kind that fails for a reason of its own is noted and let alone for a while: a picture that no metric takes, or a
server that answers nonsense, costs neither the other kinds nor the painting anything.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bgen_core.errors import BgenError
from bgen_core.jobs.background_faults import BackgroundFaults
from bgen_core.models.devices import is_lasting_device_fault

logger = logging.getLogger(__name__)

LET_ALONE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class SideWork:
    """One kind of work.

    Attributes
    ----------
    what
        What it is called where its faults are told, by this name alone.
    do
        Does a little of it; gives something true where there was something to do.
    every
        Seconds between two looks where there was nothing to do.
    """

    what: str
    do: Callable[[], object]
    every: float = 0.0


class SideWorks:
    """All kinds, the most urgent first.

    Parameters
    ----------
    faults
        Where it is told that one fails.
    clock
        Seconds.
    """

    def __init__(
        self, works: Sequence[SideWork], faults: BackgroundFaults, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._works = works
        self._faults = faults
        self._clock = clock
        self._due: dict[str, float] = {}
        self._failed: set[str] = set()
        for work in works:
            faults.clear(work.what)  # of a process before

    def make_due(self) -> None:
        """Look at all kinds again, except those that failed a moment ago."""
        self._due = {what: at for what, at in self._due.items() if what in self._failed}

    def do_some(self) -> bool:
        """Let the first kind that has something to do do it; False where none has.

        Raises
        ------
        BgenError, OSError
            The store cannot be used: nothing else can be done then, either.
        """
        for work in self._works:
            if self._clock() < self._due.get(work.what, 0.0):
                continue
            self._due[work.what] = self._clock() + work.every
            if self._did(work):
                self._due[work.what] = 0.0
                return True
        return False

    def _did(self, work: SideWork) -> bool:
        try:
            did = bool(work.do())
        except (BgenError, OSError):
            raise
        except Exception as error:
            if is_lasting_device_fault(error):
                raise
            logger.exception("%s failed, and is let alone for %.0f s", work.what, LET_ALONE_SECONDS)
            self._faults.note(work.what, f"It failed ({type(error).__name__}): see worker.log.")
            self._failed.add(work.what)
            self._due[work.what] = self._clock() + LET_ALONE_SECONDS
            return False
        if work.what in self._failed:
            self._failed.discard(work.what)
            self._faults.clear(work.what)
        return did
