"""Painters that Ray places on this machine: sweeps are shared, and whatever process dies, each cell is made once."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from bgen_core.cluster.dispatcher import SecondDispatcherError, only_dispatcher
from bgen_core.ids import SweepId
from bgen_core.jobs.leases.member import Member
from bgen_core.records.sweep_states import CANCEL
from bgen_core.records.worker import WorkerRecord
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import Store, open_store
from tests.cluster.asleep import PAINTED, POISON
from tests.jobs import quick_sweeps

pytestmark = [pytest.mark.ray, pytest.mark.slow]
PROJECT = Path(__file__).parents[2]
PAINTERS = 2
POISONED = 777
DISPATCH = """
import signal
from bgen_core.cluster.dispatcher import dispatch
from bgen_core.settings import load_settings
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by what was started in the background
dispatch(load_settings(), body="tests.cluster.asleep:paint", measuring="")
"""


def until(is_so: Callable[[], bool], what: str, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


class Served:
    """A store with a dispatcher and its painters."""

    def __init__(self, home: Path) -> None:
        self.settings: Settings = load_settings(home=home)
        self.store: Store = open_store(self.settings)
        self.log = home.parent / "dispatcher.log"
        self.process: subprocess.Popen[bytes]

    def start(self) -> None:
        environment = os.environ | {
            "BGEN_HOME": str(self.settings.home),
            "BGEN_WORKERS": str(PAINTERS),
            POISON: str(POISONED),
            "PYTHONPATH": str(PROJECT),
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, "-c", DISPATCH], env=environment, stdout=log, stderr=log)
        ready = ["ready"] * PAINTERS  # one that still loads its libraries would leave a short sweep to the others
        until(lambda: [each.status.state for each in self.painters()] == ready, f"painters are there; see {self.log}")

    def painters(self) -> list[WorkerRecord]:
        return [each for each in self.store.workers.serving() if each.is_alive and each.status.state != "starting"]

    def submit(self, first: int, last: int) -> SweepId:
        return SweepId(quick_sweeps.submit(self.store, self.settings, seeds=f"{first}-{last}"))

    def painted(self, first: int, last: int) -> Counter[int]:
        file = self.settings.home / PAINTED
        lines = file.read_text().splitlines() if file.exists() else []
        return Counter(seed for seed in (int(line.split()[0]) for line in lines) if first <= seed <= last)

    def wait_for(self, sweep_id: SweepId) -> None:
        until(lambda: self.store.sweeps.get(sweep_id).state in ("done", "failed"), "the sweep is over")
        assert self.store.sweeps.get(sweep_id).state == "done"

    def is_under_way(self, sweep_id: SweepId, least: int) -> bool:
        return sum(cell.done for cell in self.store.sweeps.cells(sweep_id)) >= least


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    pytest.importorskip("ray")
    home = tmp_path_factory.mktemp("cluster") / "home"
    served = Served(home)
    served.start()
    try:
        yield served
    finally:
        served.process.send_signal(signal.SIGINT)
        how = served.process.wait(60)
        served.store.close()
    assert how == -signal.SIGINT, "not as one whose Ray is lost"


def test_painters_share_a_sweep(served: Served) -> None:
    sweep_id = served.submit(1, 80)
    served.wait_for(sweep_id)
    assert served.painted(1, 80) == Counter(range(1, 81))
    assert {each.kind for each in served.painters()} == {"painter"}
    pids = {line.split()[1] for line in (served.settings.home / PAINTED).read_text().splitlines()}
    assert len(pids) == PAINTERS


def test_a_second_dispatcher_is_refused(served: Served) -> None:
    with (
        Member(served.store, "dispatcher") as member,
        pytest.raises(SecondDispatcherError, match=f"process {served.process.pid} of"),
        only_dispatcher(served.store, member, patience=0),
    ):
        pass


def test_a_cancelled_sweep_is_left_by_all(served: Served) -> None:
    sweep_id = served.submit(1001, 1400)
    until(lambda: served.is_under_way(sweep_id, 8), "the sweep is under way")
    served.store.sweeps.change_state(sweep_id, CANCEL)
    until(lambda: not any(each.status.sweep_id for each in served.painters()), "all have left it")
    made = sum(cell.done for cell in served.store.sweeps.cells(sweep_id))
    assert made < 400
    assert sum(served.painted(1001, 1400).values()) == made


def test_a_killed_painter_costs_what_it_had_in_hand(served: Served) -> None:
    sweep_id = served.submit(2001, 2080)
    until(lambda: served.is_under_way(sweep_id, 8), "the sweep is under way")
    killed = served.painters()[0]
    os.kill(killed.process.pid, signal.SIGKILL)
    served.wait_for(sweep_id)
    painted = served.painted(2001, 2080)
    assert set(painted) == set(range(2001, 2081))
    assert sum(painted.values()) - 80 <= 16, "painted again is what it had in hand alone"
    until(lambda: len(served.painters()) == PAINTERS, "another one has taken its place")
    assert killed.id not in {each.id for each in served.painters()}


def test_a_killed_dispatcher_takes_its_painters_along_and_the_next_one_goes_on(served: Served) -> None:
    sweep_id = served.submit(3001, 3100)
    until(lambda: served.is_under_way(sweep_id, 8), "the sweep is under way")
    painters = [psutil.Process(each.process.pid) for each in served.painters()]
    served.process.kill()
    served.process.wait(10)
    _, alive = psutil.wait_procs(painters, timeout=60)
    assert not alive
    assert served.store.sweeps.get(sweep_id).state == "running"
    served.start()
    served.wait_for(sweep_id)
    assert served.painted(3001, 3100) == Counter(range(3001, 3101)), "what they had painted was committed first"


def test_a_cell_that_kills_its_painters_fails_alone(served: Served) -> None:
    sweep_id = served.submit(POISONED - 7, POISONED + 8)
    served.wait_for(sweep_id)
    failed = [cell for cell in served.store.sweeps.cells(sweep_id) if cell.error]
    assert [cell.index for cell in failed] == [7]
    assert "when a painter died, 3 times" in failed[0].error
    assert sum(cell.done for cell in served.store.sweeps.cells(sweep_id)) == 15
