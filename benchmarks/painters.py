"""Painters against today's worker: cells a second, in turns in one run, as ratios.

    python -m benchmarks.painters                 # the demo model at one thread
    python -m benchmarks.painters --sleeping 4    # painters that sleep in place of computing

Each side is processes of its own on a store of its own, with the model loaded and everything measured before the clock
starts. Two painters at one sweep are compared with two workers, each at a sweep of its own: what the machine allows.
"""

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median

import psutil

from bgen_core.bench.sweep import made_up_subject
from bgen_core.extent import Extent
from bgen_core.ids import SweepId, VisitorId
from bgen_core.jobs.submission import forecast_sweep, submit_sweep
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.sweep.axes import parse_axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan

PHOTO = Extent(width=640, height=480)
PROJECT = Path(__file__).parents[1]
DATABASE = "bgen.sqlite3"
# It measures no runs, which painters leave to others: on this machine's processors that would be at the others' cost.
WORKER = "import bgen_core.jobs.worker as worker; worker.measure_next = lambda *_: False; worker.main()"
PAINTER = (
    "from bgen_core.cluster.painter_actor import Control; from bgen_core.jobs.leases.member import new_worker_id; "
    "from {module} import paint; print(paint(Control(new_worker_id())))"
)


class Side:
    """Processes at a store.

    Parameters
    ----------
    code
        What each of them runs.
    seconds
        Of a step, where they sleep.
    tuned
        A side whose measured batch sizes these take: sides that chose others would be compared by their luck in that.
    """

    def __init__(self, code: Sequence[str], *, seconds: float | None = None, tuned: "Side | None" = None) -> None:
        self.seconds_a_cell = 0.0  # of processors, at the last sweep
        self._home = tempfile.TemporaryDirectory(prefix="bgen-painters-")
        self.settings: Settings = load_settings(home=Path(self._home.name) / "home")
        self.store: Store = open_store(self.settings)
        if tuned is not None:
            with closing(sqlite3.connect(self.settings.home / DATABASE)) as own, own:
                own.execute("ATTACH ? AS other", (str(tuned.settings.home / DATABASE),))
                own.execute("INSERT INTO tunings SELECT * FROM other.tunings")
        environment = os.environ | {"BGEN_HOME": str(self.settings.home), "OMP_WAIT_POLICY": "PASSIVE"}
        environment |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(PROJECT), "BGEN_TEST_SECONDS": str(seconds or 0)}
        self._processes: list[subprocess.Popen[bytes]] = []
        for each in code:
            log = (Path(self._home.name) / f"{len(self._processes)}.log").open("wb")
            self._processes.append(
                subprocess.Popen(
                    [sys.executable, "-c", each], env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log
                )
            )
            while sum(one.status.state == "ready" for one in self.store.workers.serving()) < len(self._processes):
                if self._processes[-1].poll() is not None:
                    sys.exit(Path(log.name).read_text())
                time.sleep(0.1)

    def cells_per_second(self, cells: int, number: int) -> float:
        """From the queue to the last commit."""
        sweep_id = self.submit(cells, number)
        began, spent = time.perf_counter(), self.processor_seconds
        while self.store.sweeps.get(sweep_id).state != "done":
            time.sleep(0.05)
        self.seconds_a_cell = (self.processor_seconds - spent) / cells
        return cells / (time.perf_counter() - began)

    @property
    def processor_seconds(self) -> float:
        """Of all its processes since they began."""
        times = [psutil.Process(process.pid).cpu_times() for process in self._processes]
        return sum(each.user + each.system for each in times)

    def submit(self, cells: int, number: int) -> SweepId:
        subject = made_up_subject(PHOTO)
        self.store.subjects.save(subject, {})
        base = InpaintParams(prompt=f"a beach, {number}", num_inference_steps=10, scheduler="default")
        axes = (parse_axis("guidance", "1,3,6"), parse_axis("seed", f"1-{cells // 3}"))
        plan = SweepPlan(subject_id=subject.id, model="demo", base=base, axes=axes)
        kinds = {"device_kind": "cpu", "dtype_name": "float32"}
        forecast = forecast_sweep(self.store, self.settings, plan, photos={subject.id: PHOTO}, **kinds)
        return submit_sweep(self.store, forecast, owner=VisitorId("bench"))

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        self.store.close()
        self._home.cleanup()


@contextmanager
def sides(*every: tuple[Sequence[str], float | None]) -> Iterator[list[Side]]:
    made: list[Side] = []
    try:
        for code, seconds in every:
            made.append(Side(code, seconds=seconds, tuned=made[0] if made else None))
            made[-1].cells_per_second(
                3, 0
            )  # what the first pictures of a size have to measure, before the clock starts
        yield made
    finally:
        for side in made:
            side.close()


def together(pairs: Sequence[tuple[Side, int, int]]) -> float:
    """Cells a second of sweeps that run at once, each at a side of its own."""
    began = time.perf_counter()
    left = {side: side.submit(cells, number) for side, cells, number in pairs}
    while left:
        left = {side: sweep_id for side, sweep_id in left.items() if side.store.sweeps.get(sweep_id).state != "done"}
        time.sleep(0.05)
    return sum(cells for _, cells, _ in pairs) / (time.perf_counter() - began)


def computing(cells: int, turns: int) -> None:
    painter = PAINTER.format(module="bgen_core.cluster.painter")
    one: list[float] = []
    two: list[float] = []
    every = (([WORKER], None), ([WORKER], None), ([painter], None), ([painter, painter], None))
    with sides(*every) as (worker, other, alone, pair):
        for turn in range(1, turns + 1):
            at_worker = worker.cells_per_second(cells, turn)
            at_painter = alone.cells_per_second(cells, turn)
            undivided = together([(worker, cells, -turn), (other, cells, -turn)])
            shared = pair.cells_per_second(2 * cells, turn)
            one.append(at_painter / at_worker)
            two.append(shared / undivided)
            print(
                f"turn {turn}: worker {at_worker:.2f}, painter {at_painter:.2f} cells/s, ratio {one[-1]:.3f} "
                f"(processor: {worker.seconds_a_cell:.3f}, {alone.seconds_a_cell:.3f} s a cell); "
                f"two sweeps {undivided:.2f}, two painters {shared:.2f} cells/s, ratio {two[-1]:.3f}",
                flush=True,
            )
    print(f"one painter / the worker {median(one):.3f}; two painters / two undivided sweeps {median(two):.3f}")


def sleeping(painters: int, cells: int, turns: int, seconds: float) -> None:
    painter = PAINTER.format(module="tests.cluster.asleep")
    with sides(([painter], seconds), ([painter] * painters, seconds)) as (alone, many):
        ratios: list[float] = []
        for turn in range(1, turns + 1):
            one = alone.cells_per_second(cells, turn)
            ratios.append(many.cells_per_second(cells * painters, turn) / one / painters)
            print(f"turn {turn}: one sleeping painter {one:.2f} cells/s, ratio {ratios[-1]:.3f}", flush=True)
        print(f"{painters} sleeping painters / {painters} times one: {median(ratios):.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=60)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--sleeping", type=int, default=0, metavar="PAINTERS")
    parser.add_argument("--seconds", type=float, default=0.5, help="of a step, where they sleep")
    given = parser.parse_args()
    if given.sleeping:
        sleeping(given.sleeping, given.cells, given.turns, given.seconds)
    else:
        computing(given.cells, given.turns)


if __name__ == "__main__":
    main()
