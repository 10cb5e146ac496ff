"""From the runner's events to the progress that the pages read."""

import base64
import time
from dataclasses import replace

import numpy as np

from bgen_core.ids import SweepId
from bgen_core.jobs.leases.member import Member
from bgen_core.models.hub.download import Fetching
from bgen_core.records.progress import CellProgress, SweepProgress
from bgen_core.subject.decoding.image_io import encode_webp
from bgen_core.sweep.events import (
    Committed,
    Failed,
    Measuring,
    Redrawn,
    Relit,
    RunnerEvent,
    Started,
    Stepped,
    StoppedEarly,
)

WRITE_SECONDS = 0.4  # the pages look about once a second


class ProgressWriter:
    """Keeps the progress of one sweep and tells it a few times a second."""

    def __init__(self, member: Member, sweep_id: SweepId) -> None:
        self._member = member
        self._sweep_id = sweep_id
        self._progress = SweepProgress(cells={}, made=0, began=time.time())
        self._previews: dict[int, np.ndarray] = {}
        self._next_write = 0.0

    def note(self, event: RunnerEvent) -> None:
        """Take an event in."""
        cells = self._progress.cells
        is_awaited = False
        if isinstance(event, Fetching):
            self._progress = replace(self._progress, fetched=event.done, to_fetch=event.of)
        elif isinstance(event, Measuring):
            self._progress = replace(self._progress, fetched=0, to_fetch=0, measuring=True)
            is_awaited = True  # nothing more is told until it ends
        elif isinstance(event, Started):
            self._progress = replace(self._progress, fetched=0, to_fetch=0, measuring=False)
            if not cells and not self._progress.made:
                self._progress = replace(self._progress, began=time.time())
            cells[event.cell.index] = CellProgress(step=0, of=max(1, event.cell.params.effective_steps))
        elif isinstance(event, Stepped):
            cells[event.cell.index] = CellProgress(step=event.step, of=event.of)
            if event.preview is not None:
                is_awaited = not self._progress.made and not self._previews  # the first sign of a picture
                self._previews[event.cell.index] = event.preview
        elif isinstance(event, Relit):
            cells[event.index] = CellProgress(step=event.step, of=event.of)
        elif isinstance(event, Failed | StoppedEarly):
            cells.pop(event.index, None)
            self._previews.pop(event.index, None)
        elif isinstance(event, Committed | Redrawn) and not event.reused:
            cells.pop(event.index, None)
            self._previews.pop(event.index, None)
            self._progress = replace(self._progress, made=self._progress.made + 1)
        if is_awaited or time.monotonic() >= self._next_write:
            self._write()

    def _write(self) -> None:
        cells = {
            index: replace(cell, preview=_data_url(self._previews[index])) if index in self._previews else cell
            for index, cell in self._progress.cells.items()
        }
        self._member.note_progress(self._sweep_id, replace(self._progress, cells=cells))
        self._next_write = time.monotonic() + WRITE_SECONDS


def _data_url(preview: np.ndarray) -> str:
    return "data:image/webp;base64," + base64.b64encode(encode_webp(preview, quality=70)).decode()
