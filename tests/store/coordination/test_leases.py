"""Who holds what: one alone, until it has not beaten for long or its process is gone, by the database's clock."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from bgen_core.ids import WorkerId
from bgen_core.process_identity import ProcessIdentity, this_process
from bgen_core.records import worker as limits
from bgen_core.records.worker import WorkerStatus
from bgen_core.store.store import Store

pytestmark = pytest.mark.both_databases

ELSEWHERE = ProcessIdentity(host="another machine", pid=1, start=1.0)
FIRST, SECOND = WorkerId("first"), WorkerId("second")


def beat(store: Store, *worker_ids: WorkerId, process: ProcessIdentity = ELSEWHERE) -> list[int]:
    return [store.workers.beat(each, "worker", process, WorkerStatus()) for each in worker_ids]


def test_what_one_holds_another_does_not_get(store: Store) -> None:
    beat(store, FIRST, SECOND)
    assert store.leases.take(FIRST, "raw", ["a", "b"]) == {"a", "b"}
    assert store.leases.take(SECOND, "raw", ["b", "c"]) == {"c"}
    assert store.leases.take(FIRST, "raw", ["a", "b", "c"]) == {"a", "b"}
    assert store.leases.take(SECOND, "sweep", ["a"]) == {"a"}, "a kind of its own"
    assert store.leases.of(FIRST) == {("raw", "a"), ("raw", "b")}
    assert beat(store, FIRST, SECOND) == [2, 2]
    store.leases.release(FIRST, "raw", ["b", "c", "nothing"])
    assert store.leases.take(SECOND, "raw", ["a", "b"]) == {"b"}
    assert {name: holder.worker_id for name, holder in store.leases.holders("raw", ["a", "b", "x"]).items()} == {
        "a": FIRST,
        "b": SECOND,
    }


def test_what_a_silent_worker_held_is_free_after_its_time_and_each_new_holder_has_another_epoch(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LEASE_SECONDS", 0.0)  # as if the time had passed
    beat(store, FIRST)
    store.leases.take(FIRST, "raw", ["a", "b"])
    assert store.leases.holders("raw", ["a"]) == {}
    monkeypatch.undo()
    beat(store, SECOND)
    assert store.leases.take(SECOND, "raw", ["a"]) == {"a"}
    assert beat(store, FIRST) == [1], "it beats again, and what nobody has taken is still its own"
    assert store.leases.of(FIRST) == {("raw", "b")}
    assert store.leases.take(FIRST, "raw", ["a", "b"]) == {"b"}
    held = store.leases.holders("raw", ["a", "b"])
    assert (held["a"].epoch, held["b"].epoch) == (2, 1)


def test_that_one_was_lost_frees_nothing_of_others(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LEASE_SECONDS", 0.0)
    lost = WorkerId("lost")
    beat(store, lost)
    store.leases.take(lost, "raw", ["old"])
    monkeypatch.undo()
    beat(store, FIRST, SECOND)
    assert store.leases.take(FIRST, "raw", ["a", "b"]) == {"a", "b"}
    assert store.leases.take(SECOND, "raw", ["a", "b", "c"]) == {"c"}
    assert store.leases.take(SECOND, "raw", ["old"]) == {"old"}
    assert store.leases.of(FIRST) == {("raw", "a"), ("raw", "b")}


def test_what_a_process_of_this_machine_held_is_free_as_soon_as_it_is_gone(store: Store) -> None:
    gone = replace(this_process(), start=this_process().start + 100)  # its number is another one's now
    beat(store, FIRST, process=gone)
    beat(store, SECOND, process=this_process())
    store.leases.take(FIRST, "raw", ["a"])
    assert store.leases.holders("raw", ["a"]) == {}
    assert store.leases.take(SECOND, "raw", ["a", "b"]) == {"a", "b"}
    assert store.leases.holders("raw", ["a"])["a"].epoch == 2
    assert [each.id for each in store.workers.serving()] == [SECOND]
    beat(store, WorkerId("third"))
    assert FIRST in {each.id for each in store.workers.all()}, "what it last said may explain its end"


def test_a_worker_that_is_not_registered_gets_nothing_and_one_that_leaves_keeps_nothing(store: Store) -> None:
    assert store.leases.take(FIRST, "raw", ["a"]) == set()
    beat(store, FIRST, SECOND)
    store.leases.take(FIRST, "raw", ["a"])
    store.workers.leave(FIRST)
    assert store.leases.take(SECOND, "raw", ["a"]) == {"a"}


def test_many_are_taken_at_once(store: Store) -> None:
    beat(store, FIRST, SECOND)
    names = [f"{number:064x}" for number in range(2000)]
    assert store.leases.take(FIRST, "raw", names[:1500]) == set(names[:1500])
    assert store.leases.take(SECOND, "raw", names) == set(names[1500:])
    store.leases.release(FIRST, "raw", names)
    assert store.leases.holders("raw", names[:1500]) == {}


def test_beats_leases_looks_and_progress_spoil_no_cache(store: Store) -> None:
    before = store.revision()
    beat(store, FIRST)
    store.leases.take(FIRST, "raw", ["a"])
    store.looks.note()
    assert store.revision() == before


def test_a_restored_or_emptied_table_is_filled_by_the_next_beat(store: Store) -> None:
    beat(store, FIRST)
    with store.database.coordinating() as session:
        session.execute(sa.text("DELETE FROM workers"))
    beat(store, FIRST)
    assert store.leases.take(FIRST, "raw", ["a"]) == {"a"}
