"""Kill painters, Ray's head and machine, dispatcher and database at random, and look whether anything is lost.

    python -m benchmarks.chaos --kills 100 --seed 1

A dispatcher has painters that sleep in place of computing and paint a colour by the cell's seed; rows go to a
PostgreSQL server of its own (`--sqlite`: to a file, which cannot be killed). Sweeps follow each other while processes
are killed by SIGKILL; the database is away for some seconds then. At the end every cell must be there once and have its
colour, no sweep may have failed, and no more may have been painted again than one lease for each painter lost.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import psutil

from bgen_core.errors import StoreAwayError
from bgen_core.ids import SweepId
from bgen_core.records.lease_rule import LEASE_SECONDS
from bgen_core.records.worker import WorkerRecord
from bgen_core.settings import load_settings
from bgen_core.store.blobs import STORED_LIMITS
from bgen_core.store.store import open_store
from bgen_core.subject.decoding.image_io import decode_photo
from tests.cluster.asleep import PAINTED, SECONDS
from tests.jobs import quick_sweeps
from tests.postgresql import Server, running_server
from tests.sleeping import STEPS, TOGETHER

PROJECT = Path(__file__).parents[1]
DISPATCH = """
from bgen_core.cluster.dispatcher import dispatch
from bgen_core.settings import load_settings
dispatch(load_settings(), body="tests.cluster.asleep:paint", measuring="")
"""
CELLS = 120
STEP_SECONDS = 0.3
CELLS_PER_LEASE = round(LEASE_SECONDS * TOGETHER / STEPS / STEP_SECONDS)
LONGEST_SECONDS = 300.0  # of one sweep: nothing waits for ever
AWAY_SECONDS = 60.0  # for which this program itself waits for the database
HEAD, MACHINE, DATABASE = "gcs_server", "raylet", "database"
CHANCES = {"painter": 65, "dispatcher": 10, MACHINE: 7, HEAD: 8, DATABASE: 10}
_Answer = TypeVar("_Answer")


class Chaos:
    """The store, its dispatcher, and what was killed.

    Attributes
    ----------
    killed
        How often what was.
    painters_lost
        How many painters that were at work ended by it.
    silences
        By what was killed, the longest time until the next picture was committed, in seconds.
    ended_by
        Process of a painter -> what was killed when it ended.
    """

    def __init__(self, home: Path, database: Server | None, *, seed: int, painters: int) -> None:
        address = {"database": database.url("chaos")} if database else {}
        self.settings = load_settings(home=home, **address)
        self.store = open_store(self.settings)
        self.killed: Counter[str] = Counter()
        self.painters_lost = 0
        self.silences: dict[str, float] = {}
        self.ended_by: dict[str, str] = {}
        self._database = database
        self._random = random.Random(seed)
        self._log = (home.parent / "dispatcher.log").open("ab")
        self._waited_for: tuple[str, float, int] | None = None
        self._environment = os.environ | {
            "BGEN_HOME": str(home),
            "BGEN_WORKERS": str(painters),
            SECONDS: str(STEP_SECONDS),
            "PYTHONPATH": str(PROJECT),
            **({"BGEN_DATABASE": database.url("chaos")} if database else {}),
        }
        self._start()

    def _start(self) -> None:
        self.dispatcher = subprocess.Popen(
            [sys.executable, "-c", DISPATCH], env=self._environment, stdout=self._log, stderr=self._log
        )

    def paint(self, first: int, kills: int) -> SweepId:
        """One sweep, with kills at random moments while it is made."""
        seeds = f"{first}-{first + CELLS - 1}"
        sweep_id = SweepId(patiently(lambda: quick_sweeps.submit(self.store, self.settings, seeds=seeds)))
        began = time.monotonic()
        next_kill = began
        while (state := patiently(lambda: self.store.sweeps.get(sweep_id).state)) not in ("done", "failed"):
            if time.monotonic() - began > LONGEST_SECONDS:
                sys.exit(f"sweep {sweep_id} is still {state}")
            if self.dispatcher.poll() is not None:
                self._start()
            self._note_silence(sweep_id)
            if kills and time.monotonic() >= next_kill and self.kill(sweep_id):
                kills -= 1
                next_kill = time.monotonic() + self._random.uniform(0.5, 8.0)
            time.sleep(0.1)
        self._waited_for = None  # its last pictures may have been in the hands of nobody who was killed
        return sweep_id

    def kill(self, sweep_id: SweepId) -> bool:
        """Kill something while painters paint; false where none does now."""
        painting = [each for each in patiently(self.store.workers.serving) if each.is_alive and each.status.sweep_id]
        if not painting:
            return False
        chances = {what: chance for what, chance in CHANCES.items() if self._database or what != DATABASE}
        (what,) = self._random.choices([*chances], [*chances.values()])
        try:
            lost = self._kill(what, painting)
        except (ProcessLookupError, psutil.Error):
            return False
        if lost is None:
            return False
        self.killed[what] += 1
        self.painters_lost += lost
        self._waited_for = (what, time.monotonic(), self._made(sweep_id))
        return True

    def _kill(self, what: str, painting: list[WorkerRecord]) -> int | None:
        """Returns how many painters that are lost with it; None where it was not there."""
        if what == "painter":
            chosen = self._random.choice(painting)
            os.kill(chosen.process.pid, signal.SIGKILL)
            return self._note_ended(what, [chosen])
        if what == DATABASE and self._database is not None:
            self._database.kill()
            time.sleep(self._random.uniform(0.5, 5.0))
            self._database.start()
            return 0
        if what == "dispatcher":
            self.dispatcher.kill()
            self.dispatcher.wait()
            return self._note_ended(what, painting)
        children = psutil.Process(self.dispatcher.pid).children(recursive=True)
        found = next((each for each in children if what in each.name()), None)
        if found is None:
            return None
        found.kill()
        return self._note_ended(what, painting)

    def _note_ended(self, what: str, painters: list[WorkerRecord]) -> int:
        self.ended_by |= {str(each.process.pid): what for each in painters}
        return len(painters)

    def _made(self, sweep_id: SweepId) -> int:
        return sum(cell.done for cell in patiently(lambda: self.store.sweeps.cells(sweep_id)))

    def _note_silence(self, sweep_id: SweepId) -> None:
        if self._waited_for is None:
            return
        what, since, made = self._waited_for
        if self._made(sweep_id) > made:
            self.silences[what] = max(self.silences.get(what, 0.0), time.monotonic() - since)
            self._waited_for = None

    def end(self) -> None:
        self.dispatcher.send_signal(signal.SIGINT)
        self.dispatcher.wait(60)
        self.store.close()


def patiently(ask: Callable[[], _Answer]) -> _Answer:
    """Ask the store again while the database is away."""
    deadline = time.monotonic() + AWAY_SECONDS
    while True:
        try:
            return ask()
        except StoreAwayError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--kills-a-sweep", type=int, default=4)
    parser.add_argument("--painters", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sqlite", action="store_true", help="rows in a file, without a server to kill")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bgen-chaos-", ignore_cleanup_errors=True))
        database = None if given.sqlite else stack.enter_context(_database())
        home = Path(folder) / "home"
        chaos = Chaos(home, database, seed=given.seed, painters=given.painters)
        sweeps: list[SweepId] = []
        try:
            while (left := given.kills - chaos.killed.total()) > 0:
                sweeps.append(chaos.paint(1 + CELLS * len(sweeps), min(left, given.kills_a_sweep)))
                print(f"{len(sweeps)} sweeps, killed {dict(chaos.killed)}", flush=True)
            _judge(chaos, sweeps, home)
        finally:
            chaos.end()


@contextmanager
def _database() -> Iterator[Server]:
    with running_server() as server:
        server.run("CREATE DATABASE chaos")
        yield server


def _judge(chaos: Chaos, sweeps: list[SweepId], home: Path) -> None:
    cells = [cell for sweep_id in sweeps for cell in chaos.store.sweeps.cells(sweep_id)]
    missing, failed = sum(not cell.done for cell in cells), sum(bool(cell.error) for cell in cells)
    wrong = 0
    for cell in cells:
        if cell.done:
            run = chaos.store.runs.get(cell.run_id)
            raw = decode_photo(chaos.store.blobs.get(run.raw), name=run.raw, limits=STORED_LIMITS).image
            wrong += bool((raw != run.params.seed % 256).any())
    by_seed: dict[str, list[str]] = {}
    for line in (home / PAINTED).read_text().splitlines():
        seed, process = line.split()
        by_seed.setdefault(seed, []).append(process)
    lost_with = [process for processes in by_seed.values() for process in processes[:-1]]
    again, whose = len(lost_with), Counter(chaos.ended_by.get(each, "a painter that lived") for each in lost_with)
    allowed = chaos.painters_lost * CELLS_PER_LEASE
    silences = ", ".join(f"{what} {spent:.0f} s" for what, spent in sorted(chaos.silences.items()))
    print(
        f"{chaos.killed.total()} kills {dict(chaos.killed)}, {chaos.painters_lost} painters lost, "
        f"{len(sweeps)} sweeps, {len(cells)} cells: {missing} missing, {failed} failed, {wrong} with other pixels, "
        f"{again} painted again "
        f"({again / max(1, chaos.killed.total()):.1f} a kill; {allowed} are allowed, {CELLS_PER_LEASE} a painter)\n"
        f"first painted by painters that ended with: {dict(whose)}\n"
        f"longest time from a kill to the next picture that was committed: {silences or 'none was waited for'}"
    )
    if missing or failed or wrong or again > allowed:
        sys.exit(1)


if __name__ == "__main__":
    main()
