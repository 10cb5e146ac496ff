"""What the pages and the command line read of a sweep under way."""

import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bgen_core.extent import Extent
from bgen_core.ids import SweepId
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.progress import ProgressWriter
from bgen_core.records.progress import MEASURING, CellProgress, SweepProgress
from bgen_core.store.coordination import looks
from bgen_core.store.store import Store
from bgen_core.sweep.events import Measuring, Started, Stepped
from pages._ui.sweep.live_sweep import running_text
from tests.workers import says

pytestmark = pytest.mark.both_databases
SWEEP = SweepId("sweep")


def test_the_first_preview_is_told_at_once_though_something_was_told_just_before(store: Store, member: Member) -> None:
    writer = ProgressWriter(member, SWEEP)
    cell: Any = SimpleNamespace(index=0, params=SimpleNamespace(effective_steps=2))
    writer.note(Started(cell=cell))
    writer.note(Stepped(cell=cell, step=1, of=2, preview=np.zeros((8, 8, 3), np.uint8)))
    progress = store.progress.read(SWEEP)
    assert progress is not None
    assert progress.cells[0].preview.startswith("data:image/webp")
    member.clear_progress(SWEEP)
    assert store.progress.read(SWEEP) is None


def test_it_is_told_at_once_that_a_size_is_measured_until_a_cell_begins(store: Store, member: Member) -> None:
    writer = ProgressWriter(member, SWEEP)
    writer.note(Measuring(extent=Extent(width=64, height=64)))
    assert (progress := store.progress.read(SWEEP)) is not None
    assert progress.measuring
    assert running_text(0, 2, progress) == f"0/2 · {MEASURING}"
    cell: Any = SimpleNamespace(index=0, params=SimpleNamespace(effective_steps=2))
    writer.note(Started(cell=cell))
    writer.note(Stepped(cell=cell, step=1, of=2, preview=np.zeros((8, 8, 3), np.uint8)))
    assert (progress := store.progress.read(SWEEP)) is not None
    assert not progress.measuring


def test_a_sweep_that_several_make_is_one_whatever_their_clocks_say(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    cells = {1: CellProgress(step=1, of=2)}
    store.progress.write(says(store, "a"), SWEEP, SweepProgress(cells=cells, made=3, began=now - 10))
    monkeypatch.setattr("bgen_core.store.coordination.sweep_progress.time.time", lambda: now - 120)
    cells = {2: CellProgress(step=2, of=2)}
    store.progress.write(says(store, "b"), SWEEP, SweepProgress(cells=cells, made=1, began=now - 120))
    monkeypatch.undo()
    progress = store.progress.read(SWEEP)
    assert progress is not None
    assert (sorted(progress.cells), progress.made) == ([1, 2], 4)
    assert progress.began == pytest.approx(now - 10, abs=5)


def test_a_look_counts_for_a_few_seconds_for_all_that_share_the_store(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "_BELIEVED_SECONDS", {True: 0.0, False: 0.0})
    assert not store.looks.is_watched()
    before = store.revision()
    store.looks.note()
    assert store.looks.is_watched() and store.revision() == before
    monkeypatch.setattr(looks, "WATCHED_SECONDS", 0.0)
    assert not store.looks.is_watched()
