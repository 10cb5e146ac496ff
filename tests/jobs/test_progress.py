"""What the pages and the command line read of a sweep under way."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bgen_core.ids import SweepId
from bgen_core.jobs.progress import ProgressWriter
from bgen_core.jobs.worker_folder import WATCHED_SECONDS, WorkerFolder
from bgen_core.sweep.events import Started, Stepped

SWEEP = SweepId("sweep")


def test_the_first_preview_is_told_at_once_though_something_was_told_just_before(tmp_path: Path) -> None:
    folder = WorkerFolder(tmp_path)
    folder.prepare()
    writer = ProgressWriter(folder, SWEEP)
    cell: Any = SimpleNamespace(index=0, params=SimpleNamespace(effective_steps=2))
    writer.note(Started(cell=cell))
    writer.note(Stepped(cell=cell, step=1, of=2, preview=np.zeros((8, 8, 3), np.uint8)))
    progress = folder.read_progress(SWEEP)
    assert progress is not None
    assert progress.cells[0].preview.startswith("data:image/webp")


def test_a_look_counts_for_a_few_seconds_whatever_the_clock_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = WorkerFolder(tmp_path)
    assert not folder.is_watched()
    folder.note_look()  # a folder that is not there costs nothing
    folder.prepare()
    folder.note_look()
    now = time.time()
    for passed, watched in ((1, True), (WATCHED_SECONDS + 2, False), (-3600, False)):
        monkeypatch.setattr("bgen_core.jobs.worker_folder.time.time", lambda passed=passed: now + passed)
        assert folder.is_watched() is watched
