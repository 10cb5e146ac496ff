"""Whether the server is ready: a sentence for each reason, and none that names a folder."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bgen_core.jobs.executors.executor import Health
from bgen_core.jobs.watching.readiness import OK, WorkerReadiness, disk_reason, is_ready, store_reason
from bgen_core.records.worker import WorkerRecord
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from tests.workers import record

WELL = Health(device_kind="cpu", dtype_name="float32", is_busy=False)


@pytest.fixture
def said(settings: Settings) -> Callable[..., str]:
    """What is said at a time when workers have said something of themselves."""
    now, workers = 0.0, list[WorkerRecord]()
    readiness = WorkerReadiness(settings, lambda: workers, clock=lambda: now)

    def at(time: float, *serve: WorkerRecord, health: Health | None = WELL) -> str:
        nonlocal now
        now, workers[:] = time, serve
        return readiness.reason(health)

    return at


def test_a_worker_that_says_it_is_well_and_gets_on_is_ready(said: Callable[..., str]) -> None:
    assert said(0, record(signs=1)) == OK
    assert said(1000, record(beat=2.0, signs=2)) == OK
    assert said(1001, record(signs=1), health=None) == "starting, or starting again"
    assert said(1002, record(signs=1), health=replace(WELL, trouble="It waits.")) == "It waits."


def test_a_worker_whose_heart_beats_and_that_gets_nowhere_is_not(said: Callable[..., str]) -> None:
    said(0, record(signs=1))
    assert said(599, record(beat=2.0, signs=1)) == OK
    assert "no progress" in said(601, record(beat=3.0, signs=1))
    assert said(601, record(beat=3.0, signs=1), record("another")) == OK  # that one serves
    assert said(602, record("its follower", beat=4.0, signs=1)) == OK


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
