"""What the worker does once a day, by itself: old runs go where the deployment says so, and what nothing refers to."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress

from bgen_core.errors import BgenError
from bgen_core.jobs.background_faults import BackgroundFaults
from bgen_core.private_files import make_private_folder
from bgen_core.settings import Settings
from bgen_core.store.pictures import Removed
from bgen_core.store.store import Store
from bgen_core.store.upkeep.garbage import collect_garbage, most_would_go
from bgen_core.store.upkeep.retention import remove_old_runs
from bgen_core.wording import counted

logger = logging.getLogger(__name__)

WORK = "housekeeping"
DAY_SECONDS = 24 * 3600.0


class Housekeeping:
    """Looks whether a day has passed since the last time, also over restarts.

    Parameters
    ----------
    sign
        Called now and then: it gets on.
    """

    def __init__(self, store: Store, settings: Settings, sign: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._days = settings.retention_days
        self._sign = sign
        self._faults = BackgroundFaults(settings.home)
        self._last = settings.home / "worker" / "housekeeping"

    def is_due(self) -> bool:
        """Whether the last time is a day ago, or in the future, as after a clock was set."""
        try:
            passed = time.time() - self._last.stat().st_mtime
        except OSError:
            return True
        return not 0 <= passed < DAY_SECONDS

    def do(self) -> None:
        """Remove what shall go. What fails is said by `doctor` and the pages, and tried again a day later."""
        with suppress(OSError):  # a disk that takes nothing at all: what follows makes room
            make_private_folder(self._last.parent)
            self._last.touch()
        try:
            self._remove_old_runs()
            self._collect_garbage()
        except BgenError as error:
            logger.warning("housekeeping stopped: %s", error)
            self._faults.note(WORK, str(error))
        except OSError:
            raise
        except Exception as error:  # a bug costs a day's housekeeping, and not the queue
            logger.exception("housekeeping failed")
            self._faults.note(WORK, f"It failed ({type(error).__name__}): see worker.log.")

    def _remove_old_runs(self) -> None:
        if self._days is None:
            return
        runs, removed = 0, Removed()
        for went, pictures in remove_old_runs(self._store, days=self._days):
            runs, removed = runs + went, removed + pictures
            self._sign()
        logger.info(
            "retention: %s that nobody said anything of for %g days went, with %s (%.1f MB)",
            counted(runs, "run"), self._days, counted(removed.files, "picture"), removed.size / 1e6,
        )  # fmt: skip

    def _collect_garbage(self) -> None:
        if problem := most_would_go(self._store):
            self._faults.note(WORK, f"{problem} Look with `store gc --dry-run`, and remove them with `store gc --yes`.")
            return
        removed = collect_garbage(self._store)
        logger.info("gc: %s (%.1f MB) removed", counted(removed.files, "file"), removed.size / 1e6)
        self._faults.clear(WORK)
