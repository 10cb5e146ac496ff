# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportMissingTypeStubs=false
"""Where the pictures lie: a folder of this machine, or any place that fsspec reaches, such as a bucket."""

import os
import re
import uuid
from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from bgen_core.disk_room import check_disk
from bgen_core.errors import StoreAwayError, StoreError
from bgen_core.private_files import FILE, close_to_others, make_private_folder

INCOMING = "incoming"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
# How file systems call the time of the last change: local and SSH, S3, Azure, Google, memory.
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "created")


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedFile:
    """One file of the place.

    Attributes
    ----------
    path
        Below the root, with "/" between folders.
    size
        In bytes.
    modified
        None where the file system does not say; such a file counts as new.
    """

    path: str
    size: int
    modified: datetime | None


class BlobPlace:
    """A file system and a folder in it. Paths are given below that folder; faults become sentences.

    A file is there whole or not at all: on this machine it is written under another name, flushed and renamed; in a
    bucket an object can be seen when it is whole. Other places (SSH) may keep half a file when they are cut off: its
    size tells, and the next writer of the same bytes replaces it.

    Parameters
    ----------
    root
        A folder, or an address such as "s3://bucket/folder". Credentials come from the file system's own settings.
    reserve
        Bytes that stay free on the folder's disk; see `check_disk`.

    Raises
    ------
    StoreError
        The kind of address is not known, or the package for it is not installed.
    """

    _base: str

    def __init__(self, root: Path | str, *, reserve: int | None = 0) -> None:
        text = str(root)
        try:
            self._files, self._base = fsspec.url_to_fs(text, **self._options())
        except (ImportError, ValueError) as error:
            raise StoreError(
                f"Pictures cannot be kept in {text.partition('://')[0]}:// ({error}): "
                "install the package that fsspec names (for S3 the version in requirements-cluster.txt), "
                "or give a folder in BGEN_BLOBS."
            ) from error
        self._reserve = reserve
        self.is_local = isinstance(self._files, LocalFileSystem)
        # An address may hold a password, and sentences end up in logs.
        self.root: Path | str = Path(self._base) if self.is_local else re.sub(r"//[^/@]*@", "//", text)

    def prepare(self) -> None:
        """Create the folder."""
        with self.explained("written"):
            if self.is_local:
                make_private_folder(Path(self._base))
                make_private_folder(Path(self.full(INCOMING)))
                close_to_others(Path(self._base))
            else:
                self._files.makedirs(self.full(INCOMING), exist_ok=True)

    def _options(self) -> dict[str, Any]:
        """What the file system is told beside its address."""
        return {}

    def full(self, path: str) -> str:
        """The file system's own path."""
        return f"{self._base}/{path}"

    def read(self, path: str) -> bytes:
        """All bytes; FileNotFoundError where there is no such file."""
        return self._files.cat_file(self.full(path))

    def exists(self, path: str) -> bool:
        with self.explained("read"):
            self._files.invalidate_cache()  # other processes write too
            return self._files.exists(self.full(path))

    def size(self, path: str) -> int:
        """Length in bytes; FileNotFoundError where there is no such file."""
        self._files.invalidate_cache()
        return self._files.size(self.full(path))

    def sizes(self, paths: Collection[str]) -> dict[str, int]:
        """Path -> length in bytes, of those files that are there."""
        found: dict[str, int] = {}
        for path in paths:
            with self.explained("read"), suppress(FileNotFoundError):
                found[path] = self.size(path)
        return found

    def holds(self, path: str, data: bytes) -> bool:
        """Whether these bytes need not be written there, since they are there."""
        with suppress(StoreError, FileNotFoundError), self.explained("read"):
            return self.read(path) == data
        return False  # what cannot be read is written anew, or that says why not

    def check_room(self, length: int = 0) -> None:
        """Refuse what would leave less free on the disk than its reserve; a bucket's owner sets limits there."""
        if self.is_local:
            check_disk(Path(self._base), length, reserve=self._reserve)

    def write_whole(self, path: str, data: bytes) -> None:
        self.write_all({path: data})

    def write_all(self, files: Mapping[str, bytes]) -> None:
        """Write files, each of them whole."""
        for path, data in files.items():
            self.check_room(len(data))
            with self.explained("written"):
                if self.is_local:
                    self._rename_into_place(Path(self.full(path)), data)
                else:
                    self._files.makedirs(self._files._parent(self.full(path)), exist_ok=True)
                    self._files.pipe_file(self.full(path), data)

    def remove(self, path: str) -> None:
        """Remove a file; one that is not there is no error."""
        with self.explained("written"):
            try:
                self._files.rm_file(self.full(path))
            except FileNotFoundError:
                pass  # somebody else removed it
            except OSError:
                if self._files.exists(self.full(path)):
                    raise

    def remove_all(self, paths: Collection[str]) -> None:
        """Remove files; those that are not there are no error."""
        for path in paths:
            self.remove(path)

    def list_files(self, folder: str = "") -> Iterator[PlacedFile]:
        """Every file below a folder, folder by folder in the order of their names; they are not all held at once."""
        for path, entry in self._entries(self.full(folder).rstrip("/")):
            below = path.strip("/").removeprefix(self._base.strip("/")).lstrip("/")
            yield PlacedFile(path=below, size=int(entry.get("size") or 0), modified=_modified(entry))

    def _entries(self, folder: str) -> Iterator[tuple[str, dict[str, Any]]]:
        with self.explained("read"):
            if self.is_local:
                for inside, folders, files in os.walk(folder):
                    folders.sort()
                    for name in sorted(files):
                        with suppress(FileNotFoundError):  # somebody has removed it since
                            said = (Path(inside) / name).stat()
                            yield f"{inside}/{name}", {"size": said.st_size, "mtime": said.st_mtime}
            else:
                self._files.invalidate_cache()
                yield from sorted(self._files.find(folder, detail=True).items())

    @contextmanager
    def explained(self, wanted: str) -> Generator[None]:
        """Turn what the file system says into a StoreError; a missing file stays a FileNotFoundError."""
        try:
            yield
        except StoreError:
            raise
        except Exception as error:
            bug = self.is_local and not isinstance(error, OSError)  # the clients of buckets raise kinds of their own
            if bug or (wanted == "read" and self._is_missing(error)):
                raise
            raise self._fault(error, wanted) from error

    def _is_missing(self, error: Exception) -> bool:
        return isinstance(error, FileNotFoundError)

    def _fault(self, error: Exception, wanted: str) -> StoreError:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
        strerror = getattr(error, "strerror", None)
        public = f"The pictures cannot be {wanted}{f' ({strerror})' if strerror else ''}: what is made is kept."
        if self.is_local:
            return StoreError(
                f"The folder {self.root} cannot be {wanted} ({reason}): "
                "make room or give write access there, or choose another folder with BGEN_HOME.",
                public=public,
            )
        kind = StoreError if isinstance(error, PermissionError) else StoreAwayError
        return kind(
            f"The pictures in {self.root} cannot be {wanted} ({reason}): check BGEN_BLOBS and the access.",
            public=public,
        )

    def _rename_into_place(self, target: Path, data: bytes) -> None:
        # A name in the same folder tree, so that the rename stays within one file system and is atomic.
        incoming = Path(self.full(INCOMING)) / uuid.uuid4().hex
        try:
            make_private_folder(incoming.parent)
            with os.fdopen(os.open(incoming, _NEW, FILE), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            make_private_folder(target.parent)
            # fsspec 2026.9 moves with shutil.move, which copies where a rename fails: never half a file here.
            incoming.replace(target)
            _sync_folder(target.parent)
        except BaseException:
            incoming.unlink(missing_ok=True)
            raise


def _modified(entry: dict[str, Any]) -> datetime | None:
    found = next((entry[name] for name in _TIMES if entry.get(name) is not None), None)
    if isinstance(found, str):
        found = datetime.fromisoformat(found)
    if isinstance(found, int | float):
        return datetime.fromtimestamp(found, UTC)
    if isinstance(found, datetime):
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found
    return None


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder survive a power cut (POSIX; Windows does so by itself)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
