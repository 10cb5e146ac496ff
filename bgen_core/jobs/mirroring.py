"""Copying runs to the deployment's MLflow server, off the page's path: whatever is missing there, one at a time."""

import logging
import time

from bgen_core.errors import LostPictureError, UserInputError
from bgen_core.ids import RunId
from bgen_core.jobs.background_faults import BackgroundFaults
from bgen_core.reports.mlflow_mirror import MlflowError, MlflowMirror
from bgen_core.settings import Settings
from bgen_core.store.store import Store

logger = logging.getLogger(__name__)

WORK = "MLflow"
PAUSE_SECONDS = 60.0


class Mirroring:
    """The copies of a store on its MLflow server; does nothing where there is none.

    A server that is down, or refuses, is left alone for a minute, so that nobody who waits is held up; what it missed
    is copied afterwards. A run that it refuses keeps no other one waiting.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._mirror = MlflowMirror(settings.mlflow_url) if settings.mlflow_url else None
        self._faults = BackgroundFaults(settings.home)
        self._refused: set[RunId] = set()
        self._paused_until = 0.0
        if self._mirror is None:
            self._faults.clear(WORK)  # of a server that was set before

    def copy_next(self) -> bool:
        """Copy one run that is missing there; False where there is none, or nothing can be done now."""
        if self._mirror is None or time.monotonic() < self._paused_until:
            return False
        run_id = self._store.copies.missing(self._mirror.url, after=self._refused)
        if run_id is None:
            return False
        if run_id in self._refused:  # every other one is copied
            self._refused.clear()
        try:
            self._copy(self._mirror, run_id)
        except MlflowError as error:
            logger.warning("run %s is not copied to MLflow at %s: %s", run_id[:12], self._mirror.url, error)
            self._faults.note(WORK, f"Runs are not copied to {self._mirror.url}: {error}.")
            self._refused.add(run_id)
            self._paused_until = time.monotonic() + PAUSE_SECONDS
            return False
        if not self._refused:
            self._faults.clear(WORK)
        return True

    def _copy(self, mirror: MlflowMirror, run_id: RunId) -> None:
        try:
            run = self._store.runs.get(run_id)
            png = self._store.blobs.get(run.image)
        except (UserInputError, LostPictureError):  # it was deleted just now, or its picture is lost
            png, run = b"", None
        if run is not None:
            mirror.copy(run, self._store.metrics.of([run_id]).get(run_id, {}), png)
        self._store.copies.note(run_id, mirror.url)
