"""Copies of a bucket's pictures on this machine's disk: each is fetched once, however many look at it.

diskcache, the library for this, pickles what it keeps and has had no release since 2023; fsspec's caches have no bound.
"""

import logging
import os
import threading
import uuid
from contextlib import suppress
from pathlib import Path

from bgen_core.private_files import FILE, make_private_folder

logger = logging.getLogger(__name__)

_LEFT = 0.8  # of the most, after room was made
_SMALLEST = 512  # bytes that a file takes on the disk at least


class NearCopies:
    """A folder of copies of bounded size, shared by processes; what was asked for longest ago goes first.

    It never fails: a full disk or a lost file only means that the bucket is asked again. Whether a copy is what it
    should be is for whoever reads it to see.

    Parameters
    ----------
    folder
        Made with the first copy.
    most_bytes
        Of all copies together.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._bytes: int | None = None  # as far as this process knows
        self._lock = threading.Lock()

    def get(self, path: str) -> bytes | None:
        """What was fetched from a path of the bucket; None where there is no copy."""
        file = self._file(path)
        try:
            data = file.read_bytes()
            os.utime(file)
        except OSError:
            return None
        return data

    def put(self, path: str, data: bytes) -> None:
        """Keep a copy, and let others go where there is no room for it."""
        if len(data) > self._most_bytes:
            return
        incoming = self._folder / uuid.uuid4().hex
        try:
            make_private_folder(self._folder)
            with os.fdopen(os.open(incoming, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE), "wb") as written:
                written.write(data)
            incoming.replace(self._file(path))
        except OSError as error:
            with suppress(OSError):
                incoming.unlink()
            logger.warning("no copy of a picture is kept in %s: %s", self._folder, error)
            return
        with self._lock:
            self._bytes = None if self._bytes is None else self._bytes + max(_SMALLEST, len(data))
            if self._bytes is None or self._bytes > self._most_bytes:
                self._bytes = self._make_room()

    def drop(self, path: str) -> None:
        """Forget a copy, if there is one."""
        with suppress(OSError):
            self._file(path).unlink()

    def _make_room(self) -> int:
        """Remove the oldest copies where all together are too large; the bytes that are left."""
        files: list[tuple[float, int, str]] = []
        with suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                with suppress(OSError):  # another process has removed it
                    said = entry.stat()
                    files.append((said.st_mtime, max(_SMALLEST, said.st_size), entry.path))
        total = sum(size for _, size, _ in files)
        if total <= self._most_bytes:
            return total
        for _, size, path in sorted(files):
            if total <= _LEFT * self._most_bytes:
                break
            with suppress(OSError):
                Path(path).unlink()
                total -= size
        return total

    def _file(self, path: str) -> Path:
        return self._folder / path.replace("/", "-")
