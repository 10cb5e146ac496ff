"""Which process this is, so that another one of the same machine can tell that it is gone."""

import os
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

_STARTED, _STATE = 19, 0  # fields of Linux' /proc/PID/stat behind the command's name; see proc(5)
_SAME_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class ProcessIdentity:
    """One process, once and for all.

    Attributes
    ----------
    host
        Machine, system start and, where processes are numbered anew, the container: equal only where a number means the
        same process.
    start
        When it was started, in a unit of the system's own: a number that is given again is told by it.
    """

    host: str
    pid: int
    start: float

    @property
    def is_gone(self) -> bool:
        """Whether it is known to have ended; of another machine's process nothing is known."""
        if self.host != this_host():
            return False
        start = _start_of(self.pid)
        return start is None or abs(start - self.start) > _SAME_SECONDS


def this_process() -> ProcessIdentity:
    """The process that asks."""
    pid = os.getpid()
    return ProcessIdentity(host=this_host(), pid=pid, start=_start_of(pid) or 0.0)


@cache
def this_host() -> str:
    """The machine since it was started, as far as its processes see each other."""
    boot, numbering = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    try:
        return f"{platform.node()} {boot.read_text().strip()} {numbering.stat().st_ino}"[:255]
    except OSError:  # no Linux
        return f"{platform.node()} {psutil.boot_time():.0f}"[:255]


def _start_of(pid: int) -> float | None:
    """When a process was started, or None where there is none, or one that ended and is only not yet collected."""
    # psutil's own time is reckoned from the wall clock on Linux, and another one after that was set.
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return None if fields[_STATE] in "ZX" else float(fields[_STARTED])
    except (OSError, IndexError, ValueError):
        pass
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return None
    except psutil.Error:
        return 0.0
