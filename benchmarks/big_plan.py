"""How a plan of 1,000 cells begins, next to one of 27: time until it is in the queue, and memory of the run.

    python -m benchmarks.big_plan

Each plan runs in a process of its own with the embedded model at one step, so that memory is the process's own peak.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.kills import make_subject
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.submission import forecast_sweep, submit_sweep
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.subject.subject import Subject
from bgen_core.sweep.axes import parse_axis
from bgen_core.sweep.events import Started
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan

SIZES = (27, 1000)


def warm_up(store: Store, settings: Settings, runner: Runner, subject: Subject) -> None:
    """One picture of the same size before: the engine measures a new size once, whatever the plan."""
    base = InpaintParams(prompt="a forest", num_inference_steps=1)
    plan = SweepPlan(subject_id=subject.id, model="demo", base=base)
    photos = {subject.id: subject.extent}
    forecast = forecast_sweep(store, settings, plan, photos=photos, device_kind="cpu", dtype_name="float32")
    for _ in runner.run(submit_sweep(store, forecast, owner="benchmark")):
        pass


def run_plan(seeds: int, home: Path, *, only_start: bool = False) -> dict[str, float]:
    """One plan from its axes to its last cell, or to its first."""
    settings = load_settings(home=home, device="cpu")
    with open_store(settings) as store:
        subject = make_subject(store)
        runner = Runner(store, settings)
        warm_up(store, settings, runner, subject)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        began = time.perf_counter()
        axes = (parse_axis("seed", f"1-{seeds}"),)
        base = InpaintParams(prompt="a beach", num_inference_steps=1)
        plan = SweepPlan(subject_id=subject.id, model="demo", base=base, axes=axes)
        photos = {subject.id: subject.extent}
        forecast = forecast_sweep(store, settings, plan, photos=photos, device_kind="cpu", dtype_name="float32")
        sweep_id = submit_sweep(store, forecast, owner="benchmark")
        queued = time.perf_counter() - began
        first = 0.0
        for event in runner.run(sweep_id):
            if isinstance(event, Started) and not first:
                first = time.perf_counter() - began
                if only_start:
                    break
        total = time.perf_counter() - began
    return {
        "cells": seeds,
        "seconds until queued": round(queued, 3),
        "seconds until the first cell is under way": round(first, 3),
        "seconds in all": round(total, 1),
        "peak memory before, MB": round(before),
        "peak memory, MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000),
    }


def main() -> None:
    """Print the figures of both plans as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, help="only this plan, in this process")
    parser.add_argument("--only-start", action="store_true", help="stop at the first cell")
    arguments = parser.parse_args()
    if arguments.cells:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(run_plan(arguments.cells, Path(folder) / "home", only_start=arguments.only_start)))
        return
    command = [sys.executable, "-m", "benchmarks.big_plan", "--cells"]
    results = [
        json.loads(subprocess.run([*command, str(size)], check=True, capture_output=True, text=True).stdout)
        for size in SIZES
    ]
    small, large = (result["peak memory, MB"] for result in results)
    print(json.dumps({"plans": results, "more memory for the large one, MB": large - small}, indent=1))


if __name__ == "__main__":
    main()
