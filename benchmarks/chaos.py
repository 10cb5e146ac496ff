"""Kill painters, their Ray's processes and their dispatcher at random moments, and look whether anything is lost.

    python -m benchmarks.chaos --kills 100 --seed 1

A dispatcher has painters that sleep in place of computing and paint a colour by the cell's seed. Sweeps follow each
other while processes are killed. Then every cell must be there once and have its colour, no sweep may have failed, and
what was painted again is counted against the kills.
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
from pathlib import Path

import psutil

from bgen_core.ids import SweepId
from bgen_core.settings import load_settings
from bgen_core.store.blobs import STORED_LIMITS
from bgen_core.store.store import open_store
from bgen_core.subject.decoding.image_io import decode_photo
from tests.cluster.asleep import PAINTED, SECONDS
from tests.jobs import quick_sweeps

PROJECT = Path(__file__).parents[1]
DISPATCH = """
from bgen_core.cluster.dispatcher import dispatch
from bgen_core.settings import load_settings
dispatch(load_settings(), body="tests.cluster.asleep:paint", measuring="")
"""
CELLS = 120
LONGEST_SECONDS = 300.0  # of one sweep: nothing waits for ever
RAYS = ("gcs_server", "raylet")


class Chaos:
    """The store, its dispatcher, and what was killed."""

    def __init__(self, home: Path, seed: int, painters: int) -> None:
        self.settings = load_settings(home=home)
        self.store = open_store(self.settings)
        self.killed: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._log = (home.parent / "dispatcher.log").open("ab")
        self._environment = os.environ | {
            "BGEN_HOME": str(home),
            "BGEN_WORKERS": str(painters),
            SECONDS: "0.3",
            "PYTHONPATH": str(PROJECT),
        }
        self._start()

    def _start(self) -> None:
        self.dispatcher = subprocess.Popen(
            [sys.executable, "-c", DISPATCH], env=self._environment, stdout=self._log, stderr=self._log
        )

    def paint(self, first: int, kills: int) -> SweepId:
        """One sweep, with kills at random moments while it is made."""
        sweep_id = SweepId(quick_sweeps.submit(self.store, self.settings, seeds=f"{first}-{first + CELLS - 1}"))
        began = time.monotonic()
        next_kill = began
        while (state := self.store.sweeps.get(sweep_id).state) not in ("done", "failed"):
            if time.monotonic() - began > LONGEST_SECONDS:
                sys.exit(f"sweep {sweep_id} is still {state}")
            if self.dispatcher.poll() is not None:
                self._start()
            if kills and time.monotonic() >= next_kill and self.kill():
                kills -= 1
                next_kill = time.monotonic() + self._random.uniform(0.5, 8.0)
            time.sleep(0.1)
        return sweep_id

    def kill(self) -> bool:
        """Kill something while painters paint; false where none does now."""
        painting = [each for each in self.store.workers.serving() if each.is_alive and each.status.sweep_id]
        if not painting:
            return False
        what = self._random.choices(["painter", "dispatcher", "raylet", "gcs_server"], [80, 10, 5, 5])[0]
        try:
            if what == "painter":
                os.kill(self._random.choice(painting).process.pid, signal.SIGKILL)
            elif what == "dispatcher":
                self.dispatcher.kill()
                self.dispatcher.wait()
            else:
                children = psutil.Process(self.dispatcher.pid).children(recursive=True)
                for each in [each for each in children if what in each.name()][:1]:
                    each.kill()
        except (ProcessLookupError, psutil.Error):
            return False
        self.killed[what] += 1
        return True

    def end(self) -> None:
        self.dispatcher.send_signal(signal.SIGINT)
        self.dispatcher.wait(60)
        self.store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--kills-a-sweep", type=int, default=4)
    parser.add_argument("--painters", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bgen-chaos-", ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "home"
        chaos = Chaos(home, given.seed, given.painters)
        sweeps: list[SweepId] = []
        while (left := given.kills - chaos.killed.total()) > 0:
            sweeps.append(chaos.paint(1 + CELLS * len(sweeps), min(left, given.kills_a_sweep)))
            print(f"{len(sweeps)} sweeps, killed {dict(chaos.killed)}", flush=True)
        _judge(chaos, sweeps, home)
        chaos.end()


def _judge(chaos: Chaos, sweeps: list[SweepId], home: Path) -> None:
    cells = [cell for sweep_id in sweeps for cell in chaos.store.sweeps.cells(sweep_id)]
    missing, failed = sum(not cell.done for cell in cells), sum(bool(cell.error) for cell in cells)
    wrong = 0
    for cell in cells:
        run = chaos.store.runs.get(cell.run_id)
        raw = decode_photo(chaos.store.blobs.get(run.raw), name=run.raw, limits=STORED_LIMITS).image
        wrong += bool((raw != run.params.seed % 256).any())
    painted = Counter(line.split()[0] for line in (home / PAINTED).read_text().splitlines())
    again = sum(painted.values()) - len(painted)
    print(
        f"{chaos.killed.total()} kills {dict(chaos.killed)}, {len(sweeps)} sweeps, {len(cells)} cells: "
        f"{missing} missing, {failed} failed, {wrong} with other pixels, {again} painted again "
        f"({again / max(1, chaos.killed.total()):.1f} a kill)"
    )
    if missing or failed or wrong:
        sys.exit(1)


if __name__ == "__main__":
    main()
