"""Which process is painting which picture: two that want the same one never both compute it."""

import os
from collections.abc import Iterable
from pathlib import Path

from bgen_core.errors import StoreError
from bgen_core.ids import RawId

try:
    import fcntl
except ImportError:  # no such locks on this system: both compute, and one row is kept
    fcntl = None


class PaintingClaims:
    """Claims on raw pictures, held by this process until released or dead.

    A claim is a lock on one byte of a file, at an offset from the picture's address: the system frees it when the
    process ends, however it ends, and a thousand claims need no more than one open file. Two addresses at one offset
    (one chance in 10^12 for a thousand pictures) merely wait for each other.

    Parameters
    ----------
    path
        The file. It is open only while something is claimed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._held: set[RawId] = set()

    def claim(self, raw_ids: Iterable[RawId]) -> set[RawId]:
        """Claim what is free; returns those that this process holds now."""
        wanted = list(raw_ids)
        if fcntl is None or not wanted:
            return set(wanted)
        file = self._opened()
        for raw_id in wanted:
            if raw_id not in self._held:
                try:
                    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _offset(raw_id), os.SEEK_SET)
                except OSError:  # held by another process
                    continue
                self._held.add(raw_id)
        return self._held & set(wanted)

    def release(self, raw_ids: Iterable[RawId]) -> None:
        """Give claims back; those that are not held are no error."""
        if fcntl is None or self._file is None:
            return
        for raw_id in self._held & set(raw_ids):
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _offset(raw_id), os.SEEK_SET)
            self._held.discard(raw_id)
        if not self._held:
            os.close(self._file)
            self._file = None

    def _opened(self) -> int:
        if self._file is None:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            except OSError as error:
                raise StoreError(f"the file {self._path} cannot be written ({error.strerror}).") from error
        return self._file


def _offset(raw_id: RawId) -> int:
    return int(raw_id[:15], 16)  # 60 bits: within the largest offset of a file
