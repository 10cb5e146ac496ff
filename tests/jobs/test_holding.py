"""Who holds a sweep: a living process is left alone with it, a dead one's sweep is taken over."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bgen_core.errors import StoreError
from bgen_core.jobs import supervisor as supervisor_module
from bgen_core.jobs.executors.local import LocalExecutor
from bgen_core.jobs.holding import holding, is_held, requeue_orphans
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.running.turns import Turns
from bgen_core.jobs.supervisor import CRASHES_ALLOWED, EndedWorker, WorkerSupervisor
from bgen_core.jobs.worker import Heartbeat, serve_next
from bgen_core.jobs.worker_folder import WorkerFolder, WorkerStatus
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from tests.jobs.quick_sweeps import Noise, claim, submit

HOLD = """
import sys, time
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def held_by_another_process(folder: WorkerFolder, sweep_id: str) -> Iterator[None]:
    command = [sys.executable, "-c", HOLD, str(folder.sweep_lock(sweep_id))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "held"
        try:
            yield
        finally:
            holder.send_signal(signal.SIGKILL)


def test_the_worker_leaves_what_a_living_process_holds_and_serves_the_next(
    store: Store, settings: Settings, folder: WorkerFolder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (Noise(), 8))
    held, free = submit(store, settings), submit(store, settings, seeds="11", owner="max")
    runner, heartbeat = Runner(store, settings), Heartbeat(folder)
    turns = Turns(store, folder)
    with held_by_another_process(folder, held):
        assert serve_next(store, folder, runner, heartbeat, turns)
        assert not serve_next(store, folder, runner, heartbeat, turns)
        requeue_orphans(store, folder)
        assert (store.sweeps.get(held).state, store.sweeps.get(free).state) == ("running", "done")
        assert not any(cell.done for cell in store.sweeps.cells(held))
    requeue_orphans(store, folder)
    assert serve_next(store, folder, runner, heartbeat, turns)
    assert store.sweeps.get(held).state == "done"


@pytest.mark.parametrize("held", [True, False])
def test_a_paused_sweep_goes_on_where_it_is_held_and_otherwise_waits_its_turn(
    store: Store, settings: Settings, folder: WorkerFolder, held: bool
):
    sweep_id, executor = submit(store, settings), LocalExecutor(store, settings)
    assert executor.pause(sweep_id)
    if held:
        with held_by_another_process(folder, sweep_id):
            assert executor.go_on(sweep_id)
            assert store.sweeps.claim_next() is None
    else:
        assert executor.go_on(sweep_id)
    assert store.sweeps.get(sweep_id).state == ("running" if held else "queued")


def test_holding_ends_with_the_body_and_leaves_no_file(folder: WorkerFolder):
    with holding(folder, "one") as mine, holding(folder, "one", patience=0) as second, holding(folder, "two") as other:
        assert (mine, second, other) == (True, False, True)
        assert is_held(folder, "one")
    assert not is_held(folder, "one")
    assert not list(folder.path.iterdir())


def test_a_folder_that_cannot_be_written_is_a_sentence(settings: Settings):
    settings.home.write_text("")
    with pytest.raises(StoreError, match="cannot be written"), holding(WorkerFolder(settings.home), "one"):
        pass


def test_crashes_count_against_the_sweep_in_hand_and_a_fault_of_the_store_against_none(
    store: Store, settings: Settings, folder: WorkerFolder, monkeypatch: pytest.MonkeyPatch
):
    """The thread that watches the worker goes on whatever happens: without it nothing is computed any more."""
    submit(store, settings), submit(store, settings, seeds="11", owner="max")
    in_hand, left_by_a_command_line = claim(store).id, claim(store).id
    select, states = store.sweeps.select, []
    seen, stopped = threading.Event(), threading.Event()

    def away_at_first(**given: Any) -> Any:
        if len(states) == 1:
            raise StoreError("The database cannot be used, because another program holds it.")
        return select(**given)

    def dying_worker() -> Any:
        states.append(store.sweeps.get(in_hand).state)
        if len(states) > CRASHES_ALLOWED + 1:
            seen.set()
            stopped.wait(60)
        folder.write_status(WorkerStatus(pid=7, state="painting", sweep_id=in_hand))
        return EndedWorker(pid=7, code=-9, hung=False)

    monkeypatch.setattr(store.sweeps, "select", away_at_first)
    monkeypatch.setattr(supervisor_module, "FIRST_PAUSE_SECONDS", 0)
    supervisor = WorkerSupervisor(lambda: store, settings)
    monkeypatch.setattr(supervisor, "_run_worker", dying_worker)
    supervisor.start()
    try:
        assert seen.wait(60)
    finally:
        stopped.set()
        supervisor.stop()
    assert states == ["running"] * (CRASHES_ALLOWED + 1) + ["failed"]
    assert store.sweeps.get(left_by_a_command_line).state == "running"
