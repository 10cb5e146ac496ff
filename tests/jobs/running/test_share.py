"""Several painters at one sweep, each in a thread: every cell once, by speed, and whoever is last finishes it."""

import threading
import time
from collections import Counter
from collections.abc import Generator, Iterable
from typing import Any

import numpy as np
import pytest

from bgen_core.jobs.execute_sweep import Ended, execute_sweep
from bgen_core.jobs.leases.holding import holding
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.runner import Runner
from bgen_core.jobs.running.share import Share
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.sweep.events import Finished, PaintCell, Started, Stepped
from tests.jobs import quick_sweeps

CELLS = 60


class Batches:
    """An inpainter that asks for cells as the engine does, paints four at a time, and sleeps in place of computing."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.painted: list[int] = []

    def paint(self, cells: Iterable[PaintCell | None]) -> Generator[Any]:
        source, waiting, under_way = iter(cells), [], []
        while True:
            while len(waiting) < 16 and (cell := next(source, None)) is not None:
                waiting.append(cell)
            while waiting and len(under_way) < 4:
                cell = waiting.pop(0)
                if cell.is_wanted():
                    under_way.append([cell, 0])
                    yield Started(cell=cell)
            if not under_way:
                return
            time.sleep(self.seconds)
            for each in list(under_way):
                each[1] += 1
                yield Stepped(cell=each[0], step=each[1], of=2, preview=None)
                if each[1] == 2:
                    under_way.remove(each)
                    self.painted.append(each[0].params.seed)
                    extent = each[0].canvas.extent
                    image = np.full((extent.height, extent.width, 3), each[0].params.seed % 256, np.uint8)
                    yield Finished(cell=each[0], image=image, seconds={})

    def tune(self, extent: object) -> None: ...


class Hand:
    """A painter's part of a sweep, in a thread."""

    def __init__(self, store: Store, settings: Settings, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
        self.batches = Batches(seconds)
        self.ended: Ended | None = None
        self.member = Member(store, "painter")
        self._store = store
        share = Share(store, self.member)
        self.runner = Runner(store, settings, self.member, share=share)
        monkeypatch.setattr(self.runner._models, "_load", self._load)
        self.thread = threading.Thread(target=self._paint)
        self.sweep_id: Any = None

    def _load(self, source: Any) -> Any:
        from bgen_core.jobs.kept_models import LoadedModel
        from bgen_core.models.placement import place

        return LoadedModel(
            source=source, inpainter=self.batches, factor=8, placement=place(source, self.runner.device, "none")
        )

    def _paint(self) -> None:
        with self.member:
            while self.ended is None or self.ended.state == "running":
                with holding(self.member, self.sweep_id, shared=True) as mine:
                    assert mine
                    self.member.say(sweep_id=self.sweep_id)
                    *_, self.ended = execute_sweep(self._store, self.member, self.runner, self.sweep_id)
                time.sleep(0.05)


def paint_together(store: Store, hands: list[Hand], sweep_id: Any) -> None:
    store.sweeps.claim_next()
    for hand in hands:
        hand.sweep_id = sweep_id
        hand.thread.start()
    for hand in hands:
        hand.thread.join(60)
        assert not hand.thread.is_alive()


def test_two_painters_make_each_cell_once(settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep_id = quick_sweeps.submit(store, settings, seeds=f"1-{CELLS}")
    hands = [Hand(store, settings, 0.02, monkeypatch) for _ in range(2)]
    paint_together(store, hands, sweep_id)
    assert store.sweeps.get(sweep_id).state == "done"
    assert all(cell.done for cell in store.sweeps.cells(sweep_id))
    painted = Counter(seed for hand in hands for seed in hand.batches.painted)
    assert painted == Counter(range(1, CELLS + 1))
    assert all(hand.batches.painted for hand in hands)
    assert not any(store.leases.of(hand.member.id) for hand in hands)
