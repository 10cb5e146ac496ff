"""Pictures by content: a file's name is the SHA-256 of its bytes, and a file is there whole or not at all."""

import os
import re
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import fsspec

from bgen_core.content import hash_bytes
from bgen_core.errors import StoreError
from bgen_core.subject.image_io import DecodeLimits

# What the store itself wrote was within a photo's limits when it came in.
STORED_LIMITS = DecodeLimits(max_bytes=2**62, max_pixels=2**62, min_side=1)

_HASH = re.compile(r"[0-9a-f]{64}")
_INCOMING = "incoming"
_THUMBNAILS = "thumbnails"
_ABANDONED_AFTER_SECONDS = 3600.0


def is_blob_hash(name: str) -> bool:
    """Whether the name is a blob's: 64 lower-case hexadecimal digits and nothing else."""
    return _HASH.fullmatch(name) is not None


class BlobStore:
    """The folder of pictures. Safe for many threads and processes at once; it holds no open file.

    Parameters
    ----------
    root
        Folder of the pictures; it is created by `prepare`, not before.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._files = fsspec.filesystem("file")

    def prepare(self) -> None:
        """Create the folders, and drop what a killed process left unfinished.

        Raises
        ------
        StoreError
            The folder cannot be created or written.
        """
        with self._explained("written"):
            self._files.makedirs(str(self.root / _INCOMING), exist_ok=True)
            for entry in self._files.ls(str(self.root / _INCOMING), detail=True):
                if time.time() - entry["mtime"] > _ABANDONED_AFTER_SECONDS:
                    self._remove(entry["name"])

    def put(self, data: bytes, suffix: str = ".png") -> str:
        """Keep the bytes and return their content address; bytes that are there already are not written again.

        Raises
        ------
        StoreError
            The disk is full or the folder cannot be written. Nothing half-written stays under the address.
        """
        name = hash_bytes(data)
        if not self.exists(name, suffix):
            self._write_whole(self._path(name, suffix), data)
        return name

    def get(self, name: str, suffix: str = ".png") -> bytes:
        """The bytes under a content address.

        Raises
        ------
        StoreError
            No such picture, or it cannot be read.
        """
        with self._explained("read"):
            try:
                return self._files.cat_file(self._path(name, suffix))
            except FileNotFoundError as error:
                raise StoreError(
                    f"The picture {name[:12]}…{suffix} is missing from the folder {self.root}: "
                    "restore it from a backup, or make it again."
                ) from error

    def exists(self, name: str, suffix: str = ".png") -> bool:
        return self._files.exists(self._path(name, suffix))

    def size(self, name: str, suffix: str = ".png") -> int:
        """Length in bytes; a missing picture is a StoreError."""
        with self._explained("read"):
            try:
                return self._files.size(self._path(name, suffix))
            except FileNotFoundError as error:
                raise StoreError(f"The picture {name[:12]}…{suffix} is missing from the folder {self.root}.") from error

    def path(self, name: str, suffix: str = ".png") -> Path:
        """Where the picture lies on this machine, for a person or a program that opens it itself."""
        return Path(self._path(name, suffix))

    def delete(self, name: str, suffix: str = ".png") -> None:
        """Remove a picture and its thumbnails; one that is not there is no error."""
        with self._explained("written"):
            self._remove(self._path(name, suffix))
            for thumbnail in self._files.glob(f"{self.root}/{_THUMBNAILS}/{name[:2]}/{name}-*"):
                self._remove(str(thumbnail))

    def get_thumbnail(self, name: str, variant: str) -> bytes | None:
        """A derived picture kept beside the blob, or None where it has not been made yet."""
        try:
            return self._files.cat_file(self._thumbnail_path(name, variant))
        except OSError:
            return None

    def put_thumbnail(self, name: str, variant: str, data: bytes) -> None:
        """Keep a derived picture, such as variant "256.webp"; it may be removed at any time and made again."""
        self._write_whole(self._thumbnail_path(name, variant), data)

    def _path(self, name: str, suffix: str) -> str:
        if not is_blob_hash(name) or not re.fullmatch(r"\.[a-z0-9]+", suffix):
            raise ValueError(f"{name!r} with suffix {suffix!r} is not a picture's address")
        return f"{self.root}/{name[:2]}/{name}{suffix}"

    def _thumbnail_path(self, name: str, variant: str) -> str:
        if not is_blob_hash(name) or not re.fullmatch(r"[a-z0-9.]+", variant):
            raise ValueError(f"{name!r} with variant {variant!r} is not a thumbnail's address")
        return f"{self.root}/{_THUMBNAILS}/{name[:2]}/{name}-{variant}"

    def _write_whole(self, target: str, data: bytes) -> None:
        # A name in the same folder tree, so that the rename stays within one file system and is atomic.
        incoming = f"{self.root}/{_INCOMING}/{uuid.uuid4().hex}"
        with self._explained("written"):
            try:
                self._files.makedirs(self._files._parent(incoming), exist_ok=True)  # pyright: ignore[reportPrivateUsage]
                with self._files.open(incoming, "xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                folder = self._files._parent(target)  # pyright: ignore[reportPrivateUsage]
                self._files.makedirs(folder, exist_ok=True)
                # fsspec 2026.9 moves with shutil.move, which copies where a rename fails: never half a file here.
                Path(incoming).replace(target)
                _sync_folder(folder)
            except BaseException:
                self._remove(incoming)
                raise

    def _remove(self, path: str) -> None:
        try:
            self._files.rm_file(path)
        except FileNotFoundError:
            pass  # somebody else removed it
        except OSError:
            if self._files.exists(path):
                raise

    @contextmanager
    def _explained(self, wanted: str) -> Generator[None]:
        try:
            yield
        except StoreError:
            raise
        except OSError as error:
            reason = error.strerror or str(error)
            raise StoreError(
                f"The folder {self.root} cannot be {wanted} ({reason}): "
                "make room or give write access there, or choose another folder with BGEN_HOME."
            ) from error


def _sync_folder(folder: str) -> None:
    """Make a new name in a folder survive a power cut (POSIX; Windows does so by itself)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
