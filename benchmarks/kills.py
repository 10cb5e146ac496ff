"""Pull the plug of the worker, of the app and of both, again and again, and compare with an undisturbed run.

    python -m benchmarks.kills --kills 30

Starts the app as `make run` does, submits a sweep of the embedded model, sends SIGKILL at random moments, starts the
app again where it is gone, and goes on until the sweep is done. Then every cell must be there once, no picture half, no
finished cell computed again, and the pixels those of a run that nobody disturbed.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from bgen_core.jobs.runner import Runner
from bgen_core.jobs.submission import forecast_sweep, submit_sweep
from bgen_core.records.sweep_states import RETRY
from bgen_core.settings import load_settings
from bgen_core.store.blobs import STORED_LIMITS
from bgen_core.store.store import Store, open_store
from bgen_core.subject.decoding.image_io import decode_photo
from bgen_core.subject.subject import Subject
from bgen_core.sweep.axes import parse_axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from tests.serving import start_app

CELLS_A_KILL = 6


def make_subject(store: Store) -> Subject:
    """A box before noise: what it shows does not matter here."""
    alpha = np.zeros((96, 128), np.float32)
    alpha[30:, 40:90] = 1
    noise = np.random.default_rng(1).integers(0, 255, (96, 128, 3), dtype=np.uint8)
    subject = Subject(name="box", image=noise, alpha=alpha)
    store.subjects.save(subject, {})
    return subject


def submit(store: Store, home: Path, subject: Subject, seeds: int) -> str:
    """A sweep of two step counts and so many seeds."""
    axes = (parse_axis("steps", "6,12"), parse_axis("seed", f"1-{seeds}"))
    plan = SweepPlan(subject_id=subject.id, model="demo", base=InpaintParams(prompt="a beach"), axes=axes)
    settings = load_settings(home=home, device="cpu")
    photos = {subject.id: subject.extent}
    forecast = forecast_sweep(store, settings, plan, photos=photos, device_kind="cpu", dtype_name="float32")
    return submit_sweep(store, forecast, owner="kills")


def pixels(store: Store, run_id: str) -> np.ndarray:
    """A run's picture."""
    blob = store.runs.get(run_id).image
    return decode_photo(store.blobs.get(blob), name=blob, limits=STORED_LIMITS).image.astype(int)


def pull_the_plug(store: Store, home: Path, sweep_id: str, kills: int, rng: random.Random) -> dict[str, object]:
    """Kill and restart until the sweep is done; returns when each run was first seen."""
    log = home.parent / "app.log"
    app = start_app(home, log)
    first_seen: dict[str, object] = {}
    victims: Counter[str] = Counter()
    try:
        while (state := store.sweeps.get(sweep_id).state) != "done":
            if state == "failed":  # three crashes without a picture: a person presses "Go on"
                store.sweeps.change_state(sweep_id, RETRY)
            time.sleep(rng.uniform(0.1, 12.0) if sum(victims.values()) < kills else 1.0)
            for cell in store.sweeps.cells(sweep_id):
                if cell.done:
                    first_seen.setdefault(cell.run_id, store.runs.get(cell.run_id).created)
            worker = next(iter(store.workers.serving()), None)
            if sum(victims.values()) >= kills or worker is None:
                continue
            if not first_seen or worker.status.state not in ("painting", "ready"):
                continue
            victim = rng.choice(["worker", "app", "both"])
            if victim in ("worker", "both"):
                try:
                    os.kill(worker.process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            if victim in ("app", "both"):
                app.kill()
                app.wait()
                time.sleep(rng.uniform(0, 1.0))
                app = start_app(home, log)
            victims[victim] += 1
            print(f"kill {sum(victims.values())}: {victim}, {len(first_seen)} cells done", file=sys.stderr)
    finally:
        app.terminate()
        app.wait(timeout=30)
    print(f"kills: {dict(victims)}", file=sys.stderr)
    return first_seen


def main() -> None:
    """Run it and print the figures as JSON; exit code 1 where a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    seeds = max(6, arguments.kills * CELLS_A_KILL // 2)
    with tempfile.TemporaryDirectory() as folder:
        home, calm = Path(folder) / "home", Path(folder) / "calm"
        with open_store(load_settings(home=home)) as store, open_store(load_settings(home=calm)) as other:
            subject = make_subject(store)
            sweep_id = submit(store, home, subject, seeds)
            seen = pull_the_plug(store, home, sweep_id, arguments.kills, random.Random(arguments.seed))
            cells = store.sweeps.cells(sweep_id)
            make_subject(other)
            calm_id = submit(other, calm, subject, seeds)
            for _ in Runner(other, load_settings(home=calm, device="cpu")).run(calm_id):
                pass
            differences = [np.abs(pixels(store, c.run_id) - pixels(other, c.run_id)).max() for c in cells if c.done]
            figures = {
                "kills": arguments.kills,
                "cells": len(cells),
                "cells done": sum(cell.done for cell in cells),
                "runs in the store": len(store.runs.select()),
                "cells computed again": sum(store.runs.get(run).created != at for run, at in seen.items()),
                "half files": len(list(home.rglob("*.tmp*"))),
                "largest difference to an undisturbed run, of 255": int(max(differences)),
            }
    print(json.dumps(figures, indent=1))
    kept = figures["cells"] == figures["cells done"] == figures["runs in the store"]
    sys.exit(not (kept and figures["cells computed again"] == 0 and max(differences) <= 1))


if __name__ == "__main__":
    main()
