"""Batch sizes, measured once in a test run: in a new home the demo model takes longer for that than to paint."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
