"""A process that is killed between painting a picture and keeping it: nothing is lost, nothing kept twice."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bgen_core.ids import SweepId
from bgen_core.jobs.runner import Runner
from bgen_core.records.run import RunRecord
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.store.upkeep.check import Finding, check_store
from tests.jobs.quick_sweeps import Noise, submit
from tests.serving import PROJECT

# Runs a sweep of three cells, and dies by SIGKILL in the moment before the second call of one function of the store.
KILLED = """
import os, signal, sys
from pathlib import Path
from bgen_core.jobs import kept_models
from bgen_core.jobs.runner import Runner
from bgen_core.settings import load_settings
from bgen_core.store.store import open_store
from tests.jobs.quick_sweeps import Noise

home, sweep_id, part, name = sys.argv[1:]
kept_models.load_inpainter = lambda *_, **__: (Noise(), 8)
with open_store(load_settings(home=Path(home), device="cpu")) as store:
    owner = store.runs if part == "runs" else store.runs._blobs._place
    kept, calls = getattr(owner, name), []

    def killed(*given, **named):
        calls.append(name)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return kept(*given, **named)

    setattr(owner, name, killed)
    list(Runner(store, load_settings(home=Path(home), device="cpu")).run(sweep_id))
"""


@pytest.mark.usefixtures("forked_processes")
@pytest.mark.parametrize(
    ("part", "name"),
    [("runs", "commit"), ("pictures", "_rename_into_place"), ("runs", "add")],
    ids=["before anything is written", "after the first of two pictures", "before the row"],
)
def test_the_next_process_makes_what_is_missing_and_nothing_twice(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch, part: str, name: str
):
    sweep_id = SweepId(submit(store, settings))
    child = subprocess.run(
        [sys.executable, "-c", KILLED, str(settings.home), sweep_id, part, name],
        cwd=PROJECT, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert child.returncode == -signal.SIGKILL, child.stderr
    before = made(store, sweep_id)
    assert len(before) < 3

    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (Noise(), 8))
    list(Runner(store, settings).run(sweep_id))
    after = made(store, sweep_id)
    assert len(after) == 3
    assert {run_id: after[run_id] for run_id in before} == before
    assert not [found for found in check_store(store) if isinstance(found, Finding)]
    assert not list(Path(settings.home).rglob("*.tmp*"))


def made(store: Store, sweep_id: SweepId) -> dict[str, RunRecord]:
    return {cell.run_id: store.runs.get(cell.run_id) for cell in store.sweeps.cells(sweep_id) if cell.done}
