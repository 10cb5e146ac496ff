"""Whether the server is ready: a sentence for each reason, and none that names a folder."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bgen_core.jobs.executors.executor import Health
from bgen_core.jobs.watching.readiness import OK, WorkerReadiness, disk_reason, is_ready, store_reason
from bgen_core.jobs.worker_folder import WorkerFolder, WorkerStatus
from bgen_core.settings import Settings
from bgen_core.store.store import Store

WELL = Health(device_kind="cpu", dtype_name="float32", is_busy=False)
STATUS = WorkerStatus(pid=1, state="painting", device_kind="cpu", beat=1.0, signs=1)


@pytest.fixture
def worker(settings: Settings, folder: WorkerFolder) -> Callable[[float, WorkerStatus, Health | None], str]:
    """What is said at a time when the worker has said something of itself."""
    now = 0.0
    readiness = WorkerReadiness(settings, clock=lambda: now)

    def at(time: float, status: WorkerStatus, health: Health | None = WELL) -> str:
        nonlocal now
        now = time
        folder.write_status(status)
        return readiness.reason(health)

    return at


def test_a_worker_that_says_it_is_well_and_gets_on_is_ready(worker: Callable[..., str]) -> None:
    assert worker(0, STATUS) == OK
    assert worker(1000, replace(STATUS, beat=2.0, signs=2)) == OK
    assert worker(1001, STATUS, None) == "starting, or starting again"
    assert worker(1002, STATUS, replace(WELL, trouble="It waits.")) == "It waits."


def test_a_worker_whose_heart_beats_and_that_gets_nowhere_is_not(worker: Callable[..., str]) -> None:
    worker(0, STATUS)
    assert worker(599, replace(STATUS, beat=2.0)) == OK
    assert "no progress" in worker(601, replace(STATUS, beat=3.0))
    assert worker(602, replace(STATUS, pid=2, beat=4.0)) == OK  # it is replaced


def test_a_store_that_reads_and_takes_no_change_is_not_ready(store: Store, settings: Settings) -> None:
    assert store_reason(store) == OK
    store.database.close()
    home = Path(settings.home)
    (home / "bgen.sqlite3").unlink()
    (home / "bgen.sqlite3").mkdir()
    reason = store_reason(store)
    assert reason != OK and str(home) not in reason


def test_a_disk_that_keeps_its_reserve_is_not_ready(store: Store, settings: Settings) -> None:
    assert disk_reason(store, settings) == OK
    full = settings.model_copy(update={"disk_reserve_mb": 1e12})
    reason = disk_reason(store, full)
    assert "stay free" in reason and os.sep not in reason.replace("and/or", "")


def test_one_reason_is_enough() -> None:
    assert is_ready({"store": OK, "disk": OK})
    assert not is_ready({"store": OK, "disk": "full"})
