"""What goes wrong beside painting, where nobody waits for it: said on the pages and by `doctor` until it is mended."""

import json
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from bgen_core.private_files import make_private_folder
from bgen_core.whole_file import write_whole

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class BackgroundFault:
    """The last fault of one kind of background work.

    Attributes
    ----------
    what
        The kind of work, such as "MLflow".
    text
        One sentence.
    since
        When it was noted first, seconds since 1970.
    """

    what: str
    text: str
    since: float


class BackgroundFaults:
    """Last faults, a small file for each kind of work under BGEN_HOME. Never raises: it tells of what went wrong."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "worker" / "faults"

    def note(self, what: str, text: str) -> None:
        """Keep a fault; one of the same kind keeps the time when it was first noted."""
        before = self._read(self._path(what))
        fault = BackgroundFault(what=what, text=text, since=before.since if before else time.time())
        try:
            make_private_folder(self._folder)
            write_whole(self._path(what), [json.dumps(asdict(fault)).encode()])
        except OSError:
            logger.warning("a fault of %s cannot be noted: %s", what, text, exc_info=True)

    def clear(self, what: str) -> None:
        """That kind of work gets on again."""
        with suppress(OSError):
            self._path(what).unlink(missing_ok=True)

    def all(self) -> Sequence[BackgroundFault]:
        """What is not mended yet, the oldest first."""
        try:
            paths = list(self._folder.glob("*.json"))
        except OSError:
            return []
        faults = (self._read(path) for path in paths)
        return sorted((fault for fault in faults if fault), key=lambda fault: fault.since)

    def _path(self, what: str) -> Path:
        return self._folder / f"{what.lower().replace(' ', '-')}.json"

    def _read(self, path: Path) -> BackgroundFault | None:
        try:
            return BackgroundFault(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):  # none, half written by a crash, or of another version
            return None
