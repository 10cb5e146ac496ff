"""What the worker says about itself: small files that are replaced whole, so that a reader never sees half of one."""

import json
import logging
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from bgen_core.errors import StoreError
from bgen_core.ids import SweepId
from bgen_core.private_files import make_private_folder
from bgen_core.records.progress import CellProgress, SweepProgress

logger = logging.getLogger(__name__)

FRESH_SECONDS = 15.0  # a living worker beats at least every five seconds, also while it loads a model
WATCHED_SECONDS = 5.0  # pages and command lines look at least every second

_LOOK = "looked"


@dataclass(frozen=True, kw_only=True)
class WorkerStatus:
    """How the worker is.

    Attributes
    ----------
    state
        "starting" until torch is imported, then "ready", "loading" (a model) or "painting".
    device_kind, dtype_name
        Where it computes; empty while it starts.
    sweep_id
        The sweep in hand, or "".
    trouble
        Why the store is waited for, in a sentence for visitors; empty as long as it can be used.
    signs
        How often the worker has shown that it gets on: a step, a picture, a look into the queue.
    terms
        What a command line must have in common with it to hand it a sweep: see `executors.agreement`.
    counts
        Figures of its work: see `running.work_counts`.
    beat
        When this was written, seconds since 1970.
    """

    pid: int
    state: Literal["starting", "ready", "loading", "painting"]
    device_kind: str = ""
    dtype_name: str = ""
    sweep_id: str = ""
    trouble: str = ""
    signs: int = 0
    terms: dict[str, str] = field(default_factory=dict[str, str])
    counts: dict[str, float] = field(default_factory=dict[str, float])
    beat: float = field(default_factory=time.time)

    @property
    def is_alive(self) -> bool:
        return time.time() - self.beat < FRESH_SECONDS


class WorkerFolder:
    """The folder `worker` under BGEN_HOME; the only place that knows its files' names."""

    def __init__(self, home: Path) -> None:
        self.path = home / "worker"

    def prepare(self) -> None:
        """Create the folder.

        Raises
        ------
        StoreError
            It cannot be written.
        """
        try:
            make_private_folder(self.path)
        except OSError as error:
            raise StoreError(
                f"the folder {self.path} cannot be written ({error.strerror}): set BGEN_HOME to one that can."
            ) from error

    @property
    def lock(self) -> Path:
        return self.path / "worker.lock"

    @property
    def log(self) -> Path:
        return self.path / "worker.log"

    def sweep_lock(self, sweep_id: SweepId) -> Path:
        return self.path / f"{sweep_id}.lock"

    def write_status(self, status: WorkerStatus) -> None:
        self._replace("status.json", asdict(status))

    def read_status(self) -> WorkerStatus | None:
        """The last word of the worker, or None where there never was one."""
        content = self._read("status.json")
        try:
            return WorkerStatus(**content) if content else None
        except TypeError:  # written by another version of the program
            return None

    def write_progress(self, sweep_id: SweepId, progress: SweepProgress) -> None:
        self._replace(f"{sweep_id}.progress.json", asdict(progress))

    def read_progress(self, sweep_id: SweepId) -> SweepProgress | None:
        """Progress of a sweep that is being computed, or None."""
        content = self._read(f"{sweep_id}.progress.json")
        if not content:
            return None
        cells = {int(index): CellProgress(**cell) for index, cell in content["cells"].items()}
        fetched, to_fetch = content.get("fetched", 0), content.get("to_fetch", 0)
        return SweepProgress(
            cells=cells, made=content["made"], began=content["began"], fetched=fetched, to_fetch=to_fetch
        )

    def clear_progress(self, sweep_id: SweepId) -> None:
        (self.path / f"{sweep_id}.progress.json").unlink(missing_ok=True)

    def note_look(self) -> None:
        """Somebody sees what is under way: for the next seconds previews are worth their price."""
        with suppress(OSError):  # a full disk costs the previews, never the look
            (self.path / _LOOK).touch()

    def is_watched(self) -> bool:
        """Whether somebody has looked at what is under way a moment ago."""
        try:
            return abs(time.time() - (self.path / _LOOK).stat().st_mtime) < WATCHED_SECONDS
        except OSError:
            return False

    def _replace(self, name: str, content: dict[str, Any]) -> None:
        """Write a file whole or not at all; a full disk costs the news, never the work."""
        path = self.path / name
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            temporary.write_text(json.dumps(content), encoding="utf-8")
            temporary.replace(path)
        except OSError:
            logger.warning("%s cannot be written", path, exc_info=True)
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
