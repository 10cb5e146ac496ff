import random
import threading
from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from bgen_core.errors import UserInputError
from bgen_core.records.sweep_states import (
    CANCEL,
    FAIL,
    FINISH,
    REQUEUE,
    RETRY,
    STATE_CHANGES,
    UNFINISHED_STATES,
    StateChange,
    SweepState,
)
from bgen_core.settings import Settings
from bgen_core.store.store import Store, open_store
from tests.made_up import LONG_AGO, commit, made_up_run, made_up_sweep, run_id

pytestmark = pytest.mark.both_databases


def test_a_sweep_survives_a_restart(settings: Settings) -> None:
    record = made_up_sweep(total=2, message="ü", plan={"numbers": [1, 2.5, None], "name": "日本"})
    with open_store(settings) as store:
        store.sweeps.add(record, [run_id(0), run_id(1)])
    with open_store(settings) as store:
        assert store.sweeps.get("sweep-1") == replace(record, place=1.0)
        assert [cell.run_id for cell in store.sweeps.cells("sweep-1")] == [run_id(0), run_id(1)]


def test_cells_are_done_when_their_run_exists_whoever_made_it(store: Store) -> None:
    known = commit(store, made_up_run(0))
    store.sweeps.add(made_up_sweep(total=3), [known.id, run_id(1), known.id])
    store.sweeps.set_cell_error("sweep-1", 1, "The GPU is out of memory.")
    cells = store.sweeps.cells("sweep-1")
    assert [(cell.index, cell.done, cell.error) for cell in cells] == [
        (0, True, ""),
        (1, False, "The GPU is out of memory."),
        (2, True, ""),
    ]
    commit(store, made_up_run(1))
    store.sweeps.set_cell_error("sweep-1", 1, "")
    assert [(cell.done, cell.error) for cell in store.sweeps.cells("sweep-1")] == [(True, "")] * 3
    assert [sweep.id for sweep in store.sweeps.of_run(known.id)] == ["sweep-1"]


def test_a_thousand_cells_come_back_in_their_order(store: Store) -> None:
    ids = [run_id(number) for number in range(1000)]
    store.sweeps.add(made_up_sweep(total=1000), ids)
    assert [cell.run_id for cell in store.sweeps.cells("sweep-1")] == ids


def test_what_does_not_exist_is_a_sentence(store: Store) -> None:
    for ask in (store.sweeps.get, store.sweeps.cells, lambda name: store.sweeps.change_state(name, FINISH)):
        with pytest.raises(UserInputError, match="No sweep is called 'nothing'"):
            ask("nothing")
    store.sweeps.add(made_up_sweep(), [])
    with pytest.raises(UserInputError, match="'sweep-1' has no cell 0"):
        store.sweeps.set_cell_error("sweep-1", 0, "error")


def test_a_state_or_a_number_of_cells_that_makes_no_sense_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="2 cells announced, 0 given"):
        store.sweeps.add(made_up_sweep(total=2), [])
    store.sweeps.add(made_up_sweep(), [])
    with pytest.raises(ValueError, match="'sleeping' is not a sweep's state"):
        store.sweeps.add(made_up_sweep("sweep-2", state="sleeping"), [])
    assert [(sweep.id, sweep.state) for sweep in store.sweeps.select()] == [("sweep-1", "queued")]


def test_sweeps_are_listed_as_they_were_added_by_state_and_owner(store: Store) -> None:
    for number, (state, owner) in enumerate([("done", "a"), ("queued", "b"), ("failed", "a"), ("running", "a")]):
        created = LONG_AGO - timedelta(hours=number)
        store.sweeps.add(made_up_sweep(f"{number}", state=state, owner=owner, created=created), [])
    listed = {
        "all": store.sweeps.select(),
        "active": store.sweeps.select(states=["queued", "running"]),
        "owner": store.sweeps.select(owner="a"),
        "both": store.sweeps.select(states=["done"], owner="b"),
        "none": store.sweeps.select(states=[]),
    }
    assert {name: "".join(sweep.id for sweep in found) for name, found in listed.items()} == {
        "all": "0123",
        "active": "13",
        "owner": "023",
        "both": "",
        "none": "",
    }


def test_owners_take_turns_and_their_own_sweeps_go_first_in_first_out(store: Store) -> None:
    for number, owner in enumerate("aaabbc"):
        store.sweeps.add(made_up_sweep(f"{owner}{number}", owner=owner, created=LONG_AGO + timedelta(hours=number)), [])
    claimed = []
    while (sweep := store.sweeps.claim_next()) is not None:
        assert sweep.state == "running"
        assert store.sweeps.get(sweep.id) == sweep
        claimed.append(sweep.id)
    assert claimed == ["a0", "b3", "c5", "a1", "b4", "a2"]


@pytest.mark.parametrize("seed", range(4))
def test_the_queue_is_the_order_of_claims_whoever_was_served_before(store: Store, seed: int) -> None:
    chance, waiting, served = random.Random(seed), [], {}
    for number in range(12):
        owner = chance.choice("abcd")
        store.sweeps.add(made_up_sweep(f"{owner}{number}", owner=owner), [])
        waiting.append((owner, number))
        if chance.random() < 0.5:
            following = min(waiting, key=lambda each: (served.get(each[0], -1), each[1]))  # served least recently
            claimed = store.sweeps.claim_next()
            assert claimed is not None
            assert claimed.id == "".join(map(str, following))
            waiting.remove(following)
            served[following[0]] = number
    shown = [sweep.id for sweep in store.sweeps.queue()]
    assert shown == [sweep.id for sweep in iter(store.sweeps.claim_next, None)]
    assert len(shown) == len(waiting) > 1


def test_after_a_crash_the_running_sweep_is_next_again(store: Store) -> None:
    for number in range(3):
        store.sweeps.add(made_up_sweep(f"{number}", created=LONG_AGO + timedelta(hours=number)), [])
    store.sweeps.claim_next()
    store.sweeps.change_state("0", FINISH)
    store.sweeps.claim_next()
    store.sweeps.change_state("1", REQUEUE)  # as `jobs.holding` does with a sweep that nobody runs
    assert [store.sweeps.get(name).state for name in "012"] == ["done", "queued", "queued"]
    claimed = store.sweeps.claim_next()
    assert claimed is not None
    assert claimed.id == "1"


def test_a_state_carries_its_message_until_the_next(store: Store) -> None:
    store.sweeps.add(made_up_sweep(state="running"), [])
    store.sweeps.change_state("sweep-1", FAIL, "The model cannot be loaded.")
    assert store.sweeps.get("sweep-1").message == "The model cannot be loaded."
    assert not store.sweeps.get("sweep-1").is_active
    store.sweeps.change_state("sweep-1", RETRY)
    assert store.sweeps.get("sweep-1").message == ""
    assert store.sweeps.get("sweep-1").is_active


def test_a_change_happens_in_the_states_of_its_row_and_in_no_other(store: Store) -> None:
    for number, change in enumerate(STATE_CHANGES):
        for state in get_args(SweepState):
            name = f"{state}-{number}"
            before = made_up_sweep(name, state=state, message="as it was", finished=LONG_AGO)
            store.sweeps.add(before, [])
            happened = store.sweeps.change_state(name, change, "as it is")
            after = store.sweeps.get(name)
            assert happened == (state in change.starts)
            assert (after.state, after.message) == ((change.to, "as it is") if happened else (state, "as it was"))
            ended = after.finished is not None and after.finished > LONG_AGO
            assert ended == (happened and change.to not in UNFINISHED_STATES)


def test_of_several_who_end_a_sweep_at_once_one_is_believed(store: Store, settings: Settings) -> None:
    names = [f"sweep-{number}" for number in range(20)]
    for name in names:
        store.sweeps.add(made_up_sweep(name, state="running"), [])
    ends = (FINISH, CANCEL, FAIL, CANCEL)
    believed: dict[str, list[StateChange]] = {name: [] for name in names}
    together = threading.Barrier(len(ends))

    def end_all(change: StateChange) -> None:
        with open_store(settings) as other:
            for name in names:
                together.wait(timeout=60)
                if other.sweeps.change_state(name, change):
                    believed[name].append(change)

    threads = [threading.Thread(target=end_all, args=(change,)) for change in ends]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert {name: [change.to for change in changes] for name, changes in believed.items()} == {
        name: [store.sweeps.get(name).state] for name in names
    }
