"""Batch sizes, measured once in a test run: in a new home the demo model takes longer for that than to paint."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path

from filelock import FileLock

from bgen_core.extent import Extent
from bgen_core.models.devices import find_device
from bgen_core.models.revision import find_model
from tests.kept_tunings import TuningsInFolder, write_file

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
            self._take_from(home / "bgen.sqlite3")

    def _take_from(self, database: Path) -> None:
        """Read a store that may be of any kind, or none: some tests make stores that cannot be opened."""
        if not database.is_file():
            return
        with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            found = connection.execute("SELECT name, width, height, measured_by, content FROM tunings").fetchall()
            for name, width, height, by, content in found:
                write_file(self._folder / name / f"{width}x{height}-{by}.json", content)

    def measure(self) -> None:
        """Measure the demo model at its own size, unless another process of the test run has done it."""
        from bgen_core.sweep.inpainters import load_inpainter

        self._folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self._folder.with_suffix(".lock"), timeout=MEASURING_SECONDS):
            if not self._folder.exists():
                source = find_model("demo")
                inpainter, _ = load_inpainter(
                    source, find_device("cpu"), tunings=partial(TuningsInFolder, self._folder)
                )
                inpainter.tune(Extent(width=source.entry.side, height=source.entry.side))
