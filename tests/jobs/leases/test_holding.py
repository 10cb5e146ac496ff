"""Who holds a sweep: a living process is left alone with it, a dead one's sweep is taken over."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from bgen_core.errors import StoreError
from bgen_core.jobs import supervisor as supervisor_module
from bgen_core.jobs.execute_sweep import Ended, execute_sweep
from bgen_core.jobs.executors.local import LocalExecutor
from bgen_core.jobs.leases.holding import holding, is_held, requeue_orphans
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.running.turns import Turns
from bgen_core.jobs.supervisor import CRASHES_ALLOWED, EndedWorker, WorkerSupervisor
from bgen_core.jobs.worker import serve_next
from bgen_core.process_identity import this_process
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from tests.jobs.quick_sweeps import Noise, claim, submit
from tests.workers import says


@contextmanager
def held_by_another_process(store: Store, sweep_id: str) -> Iterator[None]:
    other = Member(store, "command line")
    with holding(other, sweep_id) as theirs:
        assert theirs
        yield


def test_the_worker_leaves_what_a_living_process_holds_and_serves_the_next(
    store: Store, settings: Settings, member: Member, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (Noise(), 8))
    held, free = submit(store, settings), submit(store, settings, seeds="11", owner="max")
    runner = Runner(store, settings, member)
    turns = Turns(store, member)
    with held_by_another_process(store, held):
        assert serve_next(store, member, runner, turns)
        assert not serve_next(store, member, runner, turns)
        requeue_orphans(store, member)
        assert (store.sweeps.get(held).state, store.sweeps.get(free).state) == ("running", "done")
        assert not any(cell.done for cell in store.sweeps.cells(held))
    requeue_orphans(store, member)
    assert serve_next(store, member, runner, turns)
    assert store.sweeps.get(held).state == "done"


@pytest.mark.parametrize("held", [True, False])
def test_a_paused_sweep_goes_on_where_it_is_held_and_otherwise_waits_its_turn(
    store: Store, settings: Settings, member: Member, held: bool
):
    sweep_id, executor = submit(store, settings), LocalExecutor(store, settings)
    assert executor.pause(sweep_id)
    if held:
        with held_by_another_process(store, sweep_id):
            assert executor.go_on(sweep_id)
            assert store.sweeps.claim_next() is None
    else:
        assert executor.go_on(sweep_id)
    assert store.sweeps.get(sweep_id).state == ("running" if held else "queued")


@pytest.mark.both_databases
def test_holding_ends_with_the_body(store: Store, member: Member):
    other = Member(store, "worker")
    with (
        holding(member, "one") as mine,
        holding(other, "one", patience=0) as second,
        holding(member, "one", patience=0) as again,
        holding(other, "two") as another,
    ):
        assert (mine, second, again, another) == (True, False, False, True)
        assert is_held(store, "one")
    assert not is_held(store, "one")
    with holding(other, "one", patience=0) as mine:
        assert mine


@pytest.mark.both_databases
def test_several_share_a_sweep_that_nobody_holds_alone(store: Store, member: Member):
    other = Member(store, "painter")
    with holding(member, "one", shared=True) as mine, holding(other, "one", shared=True) as theirs:
        assert mine and theirs and is_held(store, "one")
        with holding(other, "one", patience=0) as alone:
            assert not alone
    with holding(member, "one") as mine, holding(other, "one", shared=True, patience=0) as theirs:
        assert mine and not theirs
    assert not is_held(store, "one")


def test_who_was_taken_for_dead_leaves_a_sweep_to_who_took_it(
    store: Store, settings: Settings, member: Member, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (Noise(), 8))
    monkeypatch.setattr("bgen_core.jobs.execute_sweep.LOOK_SECONDS", 0)
    monkeypatch.setattr("bgen_core.jobs.leases.member.BEAT_SECONDS", 0)
    submit(store, settings, seeds="1-9")
    sweep, other = claim(store), Member(store, "worker")
    with holding(member, sweep.id), ExitStack() as theirs:
        events = execute_sweep(store, member, Runner(store, settings, member), sweep.id)
        next(events)
        store.workers.lose([member.id])
        assert theirs.enter_context(holding(other, sweep.id))
        member.say(state="painting")
        *_, ended = events
        assert isinstance(ended, Ended) and (ended.state, ended.fault) == ("running", None)
        assert store.sweeps.get(sweep.id).state == "running"
    list(execute_sweep(store, other, Runner(store, settings, other), sweep.id))
    assert store.sweeps.get(sweep.id).state == "done"


def test_crashes_count_against_the_sweep_in_hand_and_a_fault_of_the_store_against_none(
    store: Store, settings: Settings, member: Member, monkeypatch: pytest.MonkeyPatch
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
        says(store, process=replace(this_process(), pid=7), state="painting", sweep_id=in_hand)
        return EndedWorker(pid=7, code=-9, hung=False)

    monkeypatch.setattr(store.sweeps, "select", away_at_first)
    monkeypatch.setattr(supervisor_module, "FIRST_PAUSE_SECONDS", 0)
    supervisor = WorkerSupervisor(lambda: store, settings)
    monkeypatch.setattr(supervisor, "_run_worker", dying_worker)
    supervisor.start()
    try:
        assert seen.wait(60)
    finally:
        supervisor._stopping.set()  # first: a worker that ends before would be followed by another one
        stopped.set()
        supervisor.stop()
    assert states == ["running"] * (CRASHES_ALLOWED + 1) + ["failed"]
    assert store.sweeps.get(left_by_a_command_line).state == "running"
