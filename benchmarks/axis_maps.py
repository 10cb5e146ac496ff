"""How long the maps of a sweep of 512 cells take: reading its small pictures, and splitting their variance.

    python -m benchmarks.axis_maps

Makes a store with a sweep that nobody computed, of pictures of 512 × 512. Prints one line for each figure, in seconds
of the processor's own time: with small pictures that were kept, as measuring leaves them, and with none.
"""

import argparse
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil

from benchmarks.compare_page import say
from benchmarks.kills import make_subject
from bgen_core.extent import Extent
from bgen_core.ids import SweepId
from bgen_core.runs.analysis.axis_maps.sweep_maps import SubjectMaps, sweep_maps
from bgen_core.settings import load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.sweep.axes import parse_axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from tests.made_up import commit, made_up_run, made_up_sweep

EXTENT = Extent(width=512, height=512)
SWEEP = SweepId("sweep-1")


def fill(store: Store) -> SweepPlan:
    """8 guidances by 8 seeds by 8 steps, all made, of pictures of noise."""
    subject = make_subject(store)
    axes = (parse_axis("steps", "2..16:2"), parse_axis("guidance", "1..8"), parse_axis("seed", "1..8"))
    plan = SweepPlan(subject_id=subject.id, model="demo", base=InpaintParams(prompt="a beach"), axes=axes)
    runs = [
        made_up_run(cell.index, params=cell.params.to_json(), subject_id=subject.id, extent=EXTENT)
        for cell in plan.cells()
    ]
    for run in runs:
        commit(store, run)
    ids = [run.id for run in runs]
    store.sweeps.add(made_up_sweep(SWEEP, cells=ids, state="done", plan=plan.to_json()), ids)
    return plan


def timed(work: Callable[[], list[SubjectMaps]]) -> float:
    """Seconds of this process's own computing."""
    began = resource.getrusage(resource.RUSAGE_SELF)
    (found,) = work()
    ended = resource.getrusage(resource.RUSAGE_SELF)
    if not found.maps.shares:
        raise RuntimeError(" ".join(found.maps.sentences))
    return ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as folder, open_store(load_settings(home=Path(folder) / "home")) as store:
        plan = fill(store)
        cells = {cell.index: cell.run_id for cell in store.sweeps.cells(SWEEP)}
        print(f"{len(cells)} cells, load {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores")
        say("no small picture was kept", timed(lambda: sweep_maps(store, plan, cells)))
        say("all small pictures were kept", timed(lambda: sweep_maps(store, plan, cells)))


if __name__ == "__main__":
    main()
