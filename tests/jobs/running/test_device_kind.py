"""A sweep stays on one kind of device: those paint it that began it, as long as one of them lives."""

import pytest

from bgen_core.cluster.painter import Control, Painter
from bgen_core.ids import WorkerId
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.running.device_kind import other_kind
from bgen_core.jobs.running.shared_turns import SharedTurns
from bgen_core.process_identity import ProcessIdentity
from bgen_core.records.worker import NO_SWEEP, WorkerStatus
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from tests.jobs import quick_sweeps
from tests.made_up import commit, made_up_run, made_up_sweep

ELSEWHERE = ProcessIdentity(host="another machine", pid=1, start=1.0)
SWEEP = "sweep-1"


def lives(store: Store, name: str, sweep_id: str = NO_SWEEP) -> None:
    status = WorkerStatus(state="ready", device_kind="cuda", device_name=name, sweep_id=sweep_id)
    store.workers.beat(WorkerId(f"with {name}"), "painter", ELSEWHERE, status)


@pytest.mark.parametrize(
    ("made_by", "living", "is_kept_off"),
    [
        pytest.param([], [("T4", SWEEP)], True, id="others paint it"),
        pytest.param([], [("T4", SWEEP), ("H200", SWEEP)], False, id="one of its own kind does too"),
        pytest.param([], [("T4", "sweep-2")], False, id="nobody has begun it"),
        pytest.param(["T4"], [("T4", "sweep-2")], True, id="others began it, and one of them lives"),
        pytest.param(["T4, in slices"], [("T4", NO_SWEEP)], True, id="however its model lay in the memory"),
        pytest.param(["T4"], [], False, id="who began it is gone"),
        pytest.param(["T4"], [("L4", NO_SWEEP)], False, id="who began it is gone, and others live"),
        pytest.param(["T40"], [("T4", NO_SWEEP)], False, id="a name that another one begins with"),
        pytest.param(["T4", "H200"], [("T4", NO_SWEEP)], False, id="its own kind has begun it too"),
    ],
)
def test_who_may_join(store: Store, made_by: list[str], living: list[tuple[str, str]], is_kept_off: bool) -> None:
    runs = [commit(store, made_up_run(number, device=device)) for number, device in enumerate(made_by)]
    store.sweeps.add(made_up_sweep(total=3), [*(run.id for run in runs), *("0" * 64 for _ in range(3 - len(runs)))])
    for name, sweep_id in living:
        lives(store, name, sweep_id)
    reason = other_kind(store, SWEEP, own="H200", member_id=WorkerId("me"))
    assert bool(reason) == is_kept_off
    if is_kept_off:
        assert reason == "it is painted by T4, and this is H200"


def test_a_sweep_that_others_began_is_left_to_them_after_a_pause(store: Store, settings: Settings) -> None:
    sweep_id = quick_sweeps.submit(store, settings, seeds="1-3")
    cells = store.sweeps.cells(sweep_id)
    commit(store, made_up_run(1, id=cells[0].run_id, raw_id=cells[0].run_id, device="T4"))
    lives(store, "T4")
    with Member(store, "painter") as mine, Member(store, "painter") as theirs:
        refused = SharedTurns(store, mine, may_paint=lambda sweep: other_kind(
            store, sweep.id, own="H200", member_id=mine.id))  # fmt: skip
        with refused.take() as sweep:
            assert sweep is None
        with SharedTurns(store, theirs, may_paint=lambda sweep: "").take() as sweep:
            assert sweep is not None and sweep.id == sweep_id


@pytest.mark.parametrize("mixes", [False, True])
def test_bgen_mix_devices_lets_any_kind_join(store: Store, settings: Settings, mixes: bool) -> None:
    sweep_id = quick_sweeps.submit(store, settings, seeds="1-3")
    quick_sweeps.claim(store)
    lives(store, "T4", sweep_id)
    with Member(store, "painter") as member:
        painter = Painter(store, settings.model_copy(update={"mix_devices": mixes}), member, Control(member.id))
        with painter._turns.take() as sweep:
            assert (sweep is not None) == mixes
