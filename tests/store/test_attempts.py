"""Attempts at cells in the store: one decision each, seen and kept as their sweep is."""

from datetime import UTC, datetime, timedelta

import pytest

from bgen_core.ids import RunId, SweepId, VisitorId
from bgen_core.records.run import RunRecord
from bgen_core.records.visitor import Sharing, Visitor
from bgen_core.store.store import Store
from bgen_core.store.upkeep.retention import old_runs
from tests.made_up import LONG_AGO, commit, made_up_run, made_up_sweep

ADA = Visitor(id=VisitorId("ada"), name="Ada")
BO = Visitor(id=VisitorId("bo"), name="Bo")
ID = SweepId("sweep-1")
PLAN = {"subject_id": "s" * 64, "axes": [], "redraw": {"max_expansion": 3, "attempts": 3}}
FIRST, SECOND, THIRD = (made_up_run(number, owner="ada", params={"seed": number}) for number in (1, 2, 3))


def drawn_twice(store: Store, sharing: Sharing) -> tuple[RunRecord, RunRecord]:
    """Two attempts at Ada's cell, of which the first is kept; each is committed after the store has heard of it."""
    record = made_up_sweep(ID, total=1, plan=PLAN, sharing=sharing, state="done", finished=LONG_AGO)
    store.seen_by(ADA).sweeps.add(record, [FIRST.id])
    first = commit(store, FIRST)
    assert store.attempts.decide(ID, 0, run_id=FIRST.id, expansion=4.0, following=SECOND.id)
    second = commit(store, SECOND)
    assert store.attempts.decide(ID, 0, run_id=SECOND.id, expansion=5.0, following=None)
    return first, second


def seen(store: Store, visitor: Visitor, run_id: RunId) -> bool:
    return bool(store.seen_by(visitor).runs.visible([run_id]))


@pytest.mark.both_databases
@pytest.mark.parametrize(("sharing", "sees"), [("private", False), ("shared", True)])
def test_an_attempt_that_is_not_kept_is_seen_by_whoever_sees_its_sweep(
    store: Store, sharing: Sharing, *, sees: bool
) -> None:
    first, second = drawn_twice(store, sharing)
    (cell,) = store.seen_by(ADA).sweeps.cells(ID)
    assert (cell.run_id, cell.is_final, [each.expansion for each in cell.attempts]) == (first.id, True, [4, 5])
    assert seen(store, ADA, second.id)
    assert seen(store, BO, second.id) is sees
    assert store.seen_by(BO).pictures.sees(second.raw) is sees


@pytest.mark.both_databases
def test_an_attempt_that_somebody_else_had_made_is_the_owners_too(store: Store) -> None:
    commit(store, made_up_run(2, owner="bo", params={"seed": 2}))
    store.seen_by(ADA).sweeps.add(made_up_sweep(ID, total=1, plan=PLAN, sharing="private"), [FIRST.id])
    commit(store, FIRST)
    store.attempts.decide(ID, 0, run_id=FIRST.id, expansion=4.0, following=SECOND.id)
    store.attempts.decide(ID, 0, run_id=SECOND.id, expansion=1.0, following=None)
    (cell,) = store.seen_by(ADA).sweeps.cells(ID)
    assert (cell.run_id, cell.done) == (SECOND.id, True)


@pytest.mark.both_databases
def test_cells_count_as_missing_until_they_are_settled(store: Store) -> None:
    store.sweeps.add(made_up_sweep(ID, total=1, plan=PLAN, state="running"), [FIRST.id])
    commit(store, FIRST)
    assert (store.sweeps.missing(ID), store.sweeps.open_cells()) == (1, 1)
    assert store.sweeps.queue_left().in_hand[0].cells == 1
    store.attempts.decide(ID, 0, run_id=FIRST.id, expansion=2.0, following=None)
    assert (store.sweeps.missing(ID), store.sweeps.open_cells()) == (0, 0)


@pytest.mark.both_databases
def test_an_attempt_whose_run_was_deleted_keeps_its_value_and_the_kept_one_is_made_again(store: Store) -> None:
    first, second = drawn_twice(store, "shared")
    store.deletion.delete([first.id, second.id])
    (cell,) = store.sweeps.cells(ID)
    assert (cell.done, cell.is_settled, cell.attempt) == (False, True, 0)
    assert [each.expansion for each in cell.attempts] == [4, 5]
    assert store.sweeps.missing(ID) == 1


@pytest.mark.both_databases
def test_attempts_of_a_sweep_that_is_kept_are_kept(store: Store) -> None:
    first, second = drawn_twice(store, "shared")
    store.opinions.rate(first.id, 5)
    other = commit(store, THIRD)
    later = datetime.now(UTC) + timedelta(days=40)
    assert {run.id for run in old_runs(store, days=30, now=later)} == {other.id}
    store.opinions.rate(first.id, None)
    assert {run.id for run in old_runs(store, days=30, now=later)} == {first.id, second.id, other.id}
