"""A worker that hangs: a stand-in that takes the worker's place, says what that says, and gets stuck."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psutil
import pytest

from bgen_core.errors import StoreAwayError
from bgen_core.jobs import supervisor as supervisor_module
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.leases.only_worker import SecondWorkerError, only_worker
from bgen_core.jobs.supervisor import CRASHES_ALLOWED, DISPATCHER, WORKER, EndedWorker, WorkerSupervisor
from bgen_core.process_identity import this_process
from bgen_core.python_path import python_path
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from tests.jobs.quick_sweeps import claim, submit
from tests.waiting import wait_until
from tests.workers import says

# The module's name among the words is that of a real worker.
STAND_IN = """
import os, signal, sys, time
from pathlib import Path
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.leases.only_worker import only_worker
from bgen_core.process_identity import this_host
from bgen_core.settings import load_settings
from bgen_core.store.store import open_store
settings, way = load_settings(), sys.argv[2]
if way == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open_store(settings) as store, Member(store, "worker") as member, only_worker(store, member, settings.home):
    member.say(state="painting", device_kind="cpu")
    while store.workers.of_process(this_host(), os.getpid()).status.state != "painting":
        time.sleep(0.05)
    if way == "stopped":
        with member._turn:  # it does not stop in the middle of a beat: it would keep the database from the others
            os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(600)
"""


def stand_in(way: str) -> tuple[str, ...]:
    return (sys.executable, "-P", "-c", STAND_IN, "bgen_core.jobs.worker", way)


def limited(settings: Settings, *, seconds: float) -> Settings:
    return settings.model_copy(update={"stall_minutes": seconds / 60})


@contextmanager
def supervised(store: Store, settings: Settings) -> Iterator[psutil.Process]:
    """The first stand-in, when it has said something of itself."""
    supervisor = WorkerSupervisor(lambda: store, settings)
    supervisor.start()
    try:
        wait_until(lambda: painting(store), "the first worker")
        yield psutil.Process(painting(store)[0])
    finally:
        supervisor.stop()


def painting(store: Store) -> list[int]:
    """Processes that say so, the newest first."""
    return [each.process.pid for each in store.workers.all() if each.status.state == "painting"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "FIRST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(supervisor_module, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(supervisor_module, "STATUS_SECONDS", 0.05)
    monkeypatch.setattr(supervisor_module, "END_SECONDS", 1.0)


def test_painters_have_a_dispatcher_in_the_workers_place(settings: Settings, store: Store) -> None:
    assert WorkerSupervisor(lambda: store, settings)._command == WORKER
    with_painters = settings.model_copy(update={"workers": "2"})
    assert WorkerSupervisor(lambda: store, with_painters)._command == DISPATCHER


@pytest.mark.slow
@pytest.mark.usefixtures("forked_processes")
@pytest.mark.parametrize("way", ["stopped", "beating"])
def test_a_worker_without_progress_is_killed_and_replaced(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch, way: str
):
    monkeypatch.setattr(supervisor_module, "WORKER", stand_in(way))
    with supervised(store, limited(settings, seconds=4)) as first:
        wait_until(lambda: painting(store)[0] != first.pid, "another worker")
        assert not first.is_running()


@pytest.mark.slow
@pytest.mark.usefixtures("forked_processes")
@pytest.mark.parametrize("way", ["stopped", "deaf"])
def test_the_end_of_the_app_ends_a_worker_that_does_not_listen(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch, way: str
):
    monkeypatch.setattr(supervisor_module, "WORKER", stand_in(way))
    with supervised(store, settings) as worker:
        pass
    assert not worker.is_running()


def test_a_sweep_in_which_the_worker_hangs_again_and_again_fails_with_that_reason(store: Store, settings: Settings):
    submit(store, settings)
    sweep = claim(store)
    says(store, process=replace(this_process(), pid=7), state="painting", sweep_id=sweep.id)
    supervisor = WorkerSupervisor(lambda: store, settings)
    for _ in range(CRASHES_ALLOWED):
        assert store.sweeps.get(sweep.id).state == "running"
        supervisor._count_crash(EndedWorker(pid=7, code=-9, hung=True))
    assert store.sweeps.get(sweep.id).state == "failed"
    assert store.sweeps.get(sweep.id).message.startswith("The worker got stuck in this sweep 3 times in a row")


@contextmanager
def left_behind(store: Store, settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of an app that was killed: stopped, with its home in its hand."""
    environment = os.environ | {"BGEN_HOME": str(settings.home), "PYTHONPATH": python_path()}
    with subprocess.Popen(stand_in("stopped"), env=environment) as process:
        try:
            wait_until(lambda: painting(store), "the first worker")
            wait_until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED, "it to stop")
            yield process
        finally:
            process.kill()


@pytest.mark.slow
def test_a_worker_that_a_killed_app_left_hanging_is_ended_by_the_next(store: Store, settings: Settings, member: Member):
    with left_behind(store, settings) as old:
        with (
            pytest.raises(SecondWorkerError, match=rf"the worker of another server \(process {old.pid}\) serves "),
            only_worker(store, member, settings.home, patience=0.1),
        ):
            pass
        assert old.poll() is None  # it has said something lately
        store.workers.lose([each.id for each in store.workers.all()])  # as if half a minute had passed
        with only_worker(store, member, settings.home, patience=0):
            assert old.wait(timeout=60) < 0
        with only_worker(store, Member(store, "worker"), settings.home, patience=0):
            pass


def test_a_second_home_on_one_database_has_a_worker_of_its_own(store: Store, settings: Settings, member: Member):
    other = Member(store, "worker")
    with only_worker(store, member, settings.home), only_worker(store, other, settings.home / "another", patience=0):
        assert len(store.workers.serving()) == 2


@pytest.mark.slow
def test_a_worker_whose_store_is_away_is_not_taken_for_hung(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(supervisor_module, "WORKER", stand_in("beating"))
    looked: list[int] = []

    def away(*_: object) -> None:
        looked.append(1)
        raise StoreAwayError("The database does not answer.")

    with supervised(store, limited(settings, seconds=4)) as first:
        monkeypatch.setattr(store.workers, "check", away)
        wait_until(lambda: looked, "a worker that seems to hang")
        assert first.is_running()
