"""A worker that hangs: a stand-in that takes the worker's place, says what that says, and gets stuck."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psutil
import pytest

from bgen_core.jobs import supervisor as supervisor_module
from bgen_core.jobs.only_worker import SecondWorkerError, only_worker
from bgen_core.jobs.supervisor import CRASHES_ALLOWED, EndedWorker, WorkerSupervisor
from bgen_core.jobs.worker_folder import WorkerFolder, WorkerStatus
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from tests.jobs.quick_sweeps import claim, submit
from tests.waiting import wait_until

# The module's name among the words is that of a real worker.
STAND_IN = """
import os, signal, sys, time
from pathlib import Path
from filelock import FileLock
from bgen_core.jobs.worker_folder import WorkerFolder, WorkerStatus
folder, way = WorkerFolder(Path(os.environ["BGEN_HOME"])), sys.argv[2]
folder.prepare()
if way == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with FileLock(folder.lock):
    folder.write_status(WorkerStatus(pid=os.getpid(), state="painting", device_kind="cpu"))
    if way == "stopped":
        os.kill(os.getpid(), signal.SIGSTOP)
    while True:
        time.sleep(0.1)
        folder.write_status(WorkerStatus(pid=os.getpid(), state="painting", device_kind="cpu"))
"""


def stand_in(way: str) -> tuple[str, ...]:
    return (sys.executable, "-P", "-c", STAND_IN, "bgen_core.jobs.worker", way)


def limited(settings: Settings, *, seconds: float) -> Settings:
    return settings.model_copy(update={"stall_minutes": seconds / 60})


@contextmanager
def supervised(store: Store, settings: Settings, folder: WorkerFolder) -> Iterator[psutil.Process]:
    """The first stand-in, when it has said something of itself."""
    supervisor = WorkerSupervisor(lambda: store, settings)
    supervisor.start()
    try:
        wait_until(folder.read_status, "the first worker")
        yield psutil.Process(pid_of(folder))
    finally:
        supervisor.stop()


def pid_of(folder: WorkerFolder) -> int:
    status = folder.read_status()
    assert status is not None
    return status.pid


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "FIRST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(supervisor_module, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(supervisor_module, "END_SECONDS", 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["stopped", "beating"])
def test_a_worker_without_progress_is_killed_and_replaced(
    store: Store, settings: Settings, folder: WorkerFolder, monkeypatch: pytest.MonkeyPatch, way: str
):
    monkeypatch.setattr(supervisor_module, "WORKER", stand_in(way))
    with supervised(store, limited(settings, seconds=3), folder) as first:
        wait_until(lambda: pid_of(folder) != first.pid, "another worker")
        assert not first.is_running()


@pytest.mark.slow
@pytest.mark.parametrize("way", ["stopped", "deaf"])
def test_the_end_of_the_app_ends_a_worker_that_does_not_listen(
    store: Store, settings: Settings, folder: WorkerFolder, monkeypatch: pytest.MonkeyPatch, way: str
):
    monkeypatch.setattr(supervisor_module, "WORKER", stand_in(way))
    with supervised(store, settings, folder) as worker:
        pass
    assert not worker.is_running()


def test_a_sweep_in_which_the_worker_hangs_again_and_again_fails_with_that_reason(
    store: Store, settings: Settings, folder: WorkerFolder
):
    submit(store, settings)
    sweep = claim(store)
    folder.write_status(WorkerStatus(pid=7, state="painting", sweep_id=sweep.id))
    supervisor = WorkerSupervisor(lambda: store, settings)
    for _ in range(CRASHES_ALLOWED):
        assert store.sweeps.get(sweep.id).state == "running"
        supervisor._count_crash(EndedWorker(pid=7, code=-9, hung=True))
    assert store.sweeps.get(sweep.id).state == "failed"
    assert store.sweeps.get(sweep.id).message.startswith("The worker got stuck in this sweep 3 times in a row")


@contextmanager
def left_behind(settings: Settings, folder: WorkerFolder) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of an app that was killed: stopped, with the lock in its hand."""
    environment = {"BGEN_HOME": str(settings.home), "PYTHONPATH": str(supervisor_module.PROJECT)}
    with subprocess.Popen(stand_in("stopped"), env=environment) as process:
        wait_until(folder.read_status, "the first worker")
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.slow
def test_a_worker_that_a_killed_app_left_hanging_is_ended_by_the_next(settings: Settings, folder: WorkerFolder):
    with left_behind(settings, folder) as old:
        with (
            pytest.raises(SecondWorkerError, match=rf"the worker of another server \(process {old.pid}\) serves "),
            only_worker(folder, stall_seconds=600, patience=0.1),
        ):
            pass
        assert old.poll() is None  # it has said something lately

        status = folder.read_status()
        assert status is not None
        hour_ago = time.time() - 3600
        folder.write_status(replace(status, beat=hour_ago))
        with pytest.raises(SecondWorkerError), only_worker(folder, stall_seconds=600, patience=0.1):
            pass
        assert old.poll() is None  # that number was another process's then

        wait_until(lambda: time.time() - status.beat > 1, "a beat that is old enough")
        folder.write_status(status)
        with only_worker(folder, stall_seconds=1, patience=5):
            assert old.wait(timeout=60) < 0
        with only_worker(folder, stall_seconds=600, patience=0):
            pass


def test_a_folder_that_cannot_be_written_is_a_sentence(settings: Settings):
    settings.home.write_text("")
    with pytest.raises(Exception, match="cannot be written"), only_worker(WorkerFolder(settings.home), stall_seconds=1):
        pass
