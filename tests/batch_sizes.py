"""Batch sizes, measured once in a test run: in a new home the demo model takes longer for that than to paint."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from bgen_core.extent import Extent
from bgen_core.models.devices import find_device
from bgen_core.models.revision import find_model

MEASURING_SECONDS = 300  # far above what a busy machine needs


class BatchSizes:
    """What was measured so far, kept in a folder; homes bring it along and add to it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def known_in(self, home: Path) -> Iterator[None]:
        """Give a home what is known, and keep what is measured there meanwhile."""
        tunings = home / "tuning"
        if self._folder.exists():
            shutil.copytree(self._folder, tunings, dirs_exist_ok=True)
        try:
            yield
        finally:
            if tunings.exists():
                shutil.copytree(tunings, self._folder, dirs_exist_ok=True)

    def measure(self) -> None:
        """Measure the demo model at its own size, unless another process of the test run has done it."""
        from bgen_core.sweep.inpainters import load_inpainter

        self._folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self._folder.with_suffix(".lock"), timeout=MEASURING_SECONDS):
            if not self._folder.exists():
                source = find_model("demo")
                inpainter, _ = load_inpainter(source, find_device("cpu"), tuning_folder=self._folder)
                inpainter.tune(Extent(width=source.entry.side, height=source.entry.side))
