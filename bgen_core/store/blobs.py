"""Pictures by content: a file's name is the SHA-256 of its bytes, and a file is there whole or not at all."""

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

from bgen_core.content_address import hash_bytes
from bgen_core.errors import DamagedPictureError, LostPictureError, NoRoomError, StoreAwayError, StoreError
from bgen_core.ids import BlobHash
from bgen_core.store.places.blob_place import INCOMING, PlacedFile
from bgen_core.store.places.near_copies import NearCopies
from bgen_core.store.places.opening import place_at
from bgen_core.store.places.stored_files import (
    THUMBNAILS,
    BlobListing,
    FoundFile,
    found_file,
    listing_of,
    picture_path,
    thumbnail_path,
)
from bgen_core.subject.decoding.image_io import DecodeLimits
from bgen_core.wording import sized

# What the store itself wrote was within a photo's limits when it came in.
STORED_LIMITS = DecodeLimits(max_bytes=2**62, max_pixels=2**62, min_side=1)

THUMBNAIL_SIDES = (96, 256, 512, 1024)

_DAMAGED = "damaged"
_ABANDONED_AFTER = timedelta(hours=1)
_CHECKSUM_BYTES = 32
_REMOVED_AT_ONCE = 100
_COUNTED_SECONDS, _FULL_SECONDS = 600.0, 10.0  # after which all pictures are counted again


class BlobStore:
    """The folder of pictures. Safe for many threads and processes at once; it holds no open file.

    Parameters
    ----------
    root
        Folder of the pictures, or an address that fsspec knows; it is created by `prepare`, not before.
    reserve
        Bytes that stay free on the folder's disk; None for `check_disk`'s own, 0 for none.
    most_bytes
        Most bytes of pictures that are kept; None for as many as there is room for.
    near
        Where copies for `get_near` are kept, if the place is not on this machine.
    """

    def __init__(
        self,
        root: Path | str,
        *,
        reserve: int | None = 0,
        most_bytes: int | None = None,
        near: NearCopies | None = None,
    ) -> None:
        self._place = place_at(root, reserve=reserve)
        self._near = None if self._place.is_local else near
        self._most_bytes = most_bytes
        self._kept_bytes = 0
        self._counted_at = -math.inf

    @property
    def root(self) -> Path | str:
        """The folder, or the address where it is not on this machine."""
        return self._place.root

    def prepare(self) -> None:
        """Create the folders, and drop what a killed process left unfinished.

        Raises
        ------
        StoreError
            The folder cannot be created or written.
        """
        self._place.prepare()
        for left in self._place.list_files(INCOMING):
            if is_older(left, _ABANDONED_AFTER):
                self._place.remove(left.path)

    def put(self, data: bytes, suffix: str = ".png") -> BlobHash:
        """Keep the bytes and return their content address; what is there whole already is not written again.

        Raises
        ------
        StoreError
            The disk is full or the folder cannot be written. Nothing half-written stays under the address.
        """
        (name,) = self.put_all([data], suffix)
        return name

    def put_all(self, datas: Sequence[bytes], suffix: str = ".png") -> list[BlobHash]:
        """Keep several, with as few requests to the place as it allows; see `put`."""
        names = [BlobHash(hash_bytes(data)) for data in datas]
        files = {picture_path(name, suffix): data for name, data in zip(names, datas, strict=True)}
        new = {path: data for path, data in files.items() if not self._place.holds(path, data)}
        length = sum(map(len, new.values()))
        if new:
            self.check_room(length)
            self._place.write_all(new)
            self._kept_bytes += length
        return names

    def check_room(self, length: int = 0) -> None:
        """Refuse to keep so many bytes more where there is no room for them.

        Raises
        ------
        NoRoomError
            The disk keeps its reserve, or the store has as many bytes of pictures as it may have.
        """
        self._place.check_room(length)
        if self._most_bytes is None:
            return
        now = monotonic()
        is_full = self._kept_bytes + length > self._most_bytes
        if now - self._counted_at > (_FULL_SECONDS if is_full else _COUNTED_SECONDS):  # others write and remove too
            self._kept_bytes = self.total_size()
            self._counted_at = now
        if self._kept_bytes + length > self._most_bytes:
            wanted = f" {sized(length)} more are wanted," if length else ""
            said = (
                f"The store has {self._kept_bytes / 1e6:,.1f} MB of pictures,{wanted} and "
                f"{self._most_bytes / 1e6:,.1f} MB are allowed"
            )
            raise NoRoomError(
                f"{said} (BGEN_MAX_STORED_MB): remove some, for instance with `store retention` and `store gc`.",
                public=f"{said}: delete what nobody needs.",
                length=length,
            )

    def get(self, name: BlobHash, suffix: str = ".png") -> bytes:
        """The bytes that a content address stands for, and never others.

        Raises
        ------
        LostPictureError
            There is no such picture, or it is damaged.
        StoreError
            The folder cannot be read.
        """
        data = self._read(picture_path(name, suffix))
        if data is None:
            raise LostPictureError(
                f"The picture {name[:12]}…{suffix} is missing from the folder {self.root}: "
                "restore it from a backup, or let `store check --repair` make it again.",
                public=f"The picture {name[:12]}…{suffix} is missing from the store.",
            )
        if hash_bytes(data) != name:
            damaged = f"The picture {name[:12]}…{suffix} is damaged: its bytes are not those that were saved."
            raise DamagedPictureError(
                f"{damaged} Restore it from a backup, or let `store check --repair` make it again.", public=damaged
            )
        return data

    def get_near(self, name: BlobHash, suffix: str = ".png") -> bytes:
        """As `get`, by a copy on this machine where there is one: for those who look, not for those who check."""
        if self._near is None:
            return self.get(name, suffix)
        path = picture_path(name, suffix)
        data = self._near.get(path)
        if data is None or hash_bytes(data) != name:
            data = self.get(name, suffix)
            self._near.put(path, data)
        return data

    def exists(self, name: BlobHash, suffix: str = ".png") -> bool:
        return self._place.exists(picture_path(name, suffix))

    def has_whole(self, name: BlobHash, suffix: str = ".png") -> bool:
        """Whether a picture is there with the bytes that were saved: it is read for this."""
        try:
            self.get(name, suffix)
        except LostPictureError:
            return False
        return True

    def size(self, name: BlobHash, suffix: str = ".png") -> int:
        """Length in bytes; a missing picture is a LostPictureError."""
        path = picture_path(name, suffix)
        try:
            with self._place.explained("read"):
                return self._place.size(path)
        except FileNotFoundError as error:
            raise LostPictureError(
                f"The picture {name[:12]}…{suffix} is missing from the folder {self.root}."
            ) from error

    def sizes(self, names: Iterable[BlobHash]) -> dict[BlobHash, int]:
        """Content address -> length in bytes, of those pictures that are there."""
        paths = {picture_path(name, ".png"): name for name in names}
        return {paths[path]: size for path, size in self._place.sizes(paths).items()}

    def total_size(self) -> int:
        """Length of all pictures in bytes, without their small versions."""
        return sum(each.file.size for each in self.files() if each.kind == "picture")

    def path(self, name: BlobHash, suffix: str = ".png") -> Path:
        """Where the picture lies on this machine, for a program that opens it itself.

        Raises
        ------
        StoreError
            Pictures are not kept on this machine; `address` works everywhere.
        """
        if not self._place.is_local:
            raise StoreError(f"Pictures are kept in {self.root} and not as files of this machine.")
        return Path(self.address(name, suffix))

    def address(self, name: BlobHash, suffix: str = ".png") -> str:
        """Where the picture lies, for a person: a file of this machine or an address."""
        path = picture_path(name, suffix)
        return self._place.full(path) if self._place.is_local else f"{self.root}/{path}"

    def delete(self, name: BlobHash, suffix: str = ".png") -> None:
        """Remove a picture and its thumbnails; one that is not there is no error."""
        self._place.remove(picture_path(name, suffix))
        self._forget([name], suffix)
        self.delete_thumbnails(name)

    def delete_all(self, names: Iterable[BlobHash], *, deadline: float = math.inf) -> None:
        """Remove pictures and their thumbnails, some with each request.

        Parameters
        ----------
        deadline
            By `time.monotonic`: nothing is removed later.

        Raises
        ------
        StoreAwayError
            It was not done in time.
        """
        ordered = list(names)
        for start in range(0, len(ordered), _REMOVED_AT_ONCE):
            if monotonic() > deadline:
                raise StoreAwayError(f"Pictures in {self.root} are removed too slowly: `store gc` removes the others.")
            chunk = ordered[start : start + _REMOVED_AT_ONCE]
            # By the names that they may have: looking for each picture's would be as many requests.
            small = [thumbnail_path(name, f"{side}.webp") for name in chunk for side in THUMBNAIL_SIDES]
            self._place.remove_all([*(picture_path(name, ".png") for name in chunk), *small])
            self._forget(chunk)

    def get_thumbnail(self, name: BlobHash, variant: str) -> bytes | None:
        """A derived picture kept beside the blob, or None where it has not been made yet or is damaged."""
        path = thumbnail_path(name, variant)
        if self._near and (data := _checked(self._near.get(path) or b"")):
            return data
        try:
            kept = self._read(path) or b""
        except (OSError, StoreError):
            return None
        data = _checked(kept)
        if self._near and data:
            self._near.put(path, kept)
        return data

    def put_thumbnail(self, name: BlobHash, variant: str, data: bytes) -> None:
        """Keep a derived picture, such as variant "256.webp"; it may be removed at any time and made again."""
        # Its name is the picture's, not its own: what tells that it is whole stands behind it, where WebP has ended.
        self._place.write_whole(thumbnail_path(name, variant), data + _checksum(data))

    def delete_thumbnails(self, name: BlobHash) -> None:
        """Remove a picture's small versions."""
        for file in self._place.list_files(f"{THUMBNAILS}/{name[:2]}"):
            if file.path.rpartition("/")[2].startswith(f"{name}-"):
                self._place.remove(file.path)

    def listing(self) -> BlobListing:
        """Look at everything in the folder."""
        return listing_of(self.files())

    def files(self) -> Iterator[FoundFile]:
        """Everything in the folder, pictures before thumbnails, without holding all of it."""
        return map(found_file, self._place.list_files())

    def remove_path(self, path: str) -> None:
        """Remove a file of a listing, whatever it is; one that is not there any more is no error."""
        self._place.remove(path)

    def remove_paths(self, paths: Collection[str]) -> None:
        """Remove several; see `remove_path`."""
        if paths:
            self._place.remove_all(paths)

    def _read(self, path: str) -> bytes | None:
        """What lies there, whatever it is; None where nothing does."""
        try:
            with self._place.explained("read"):
                return self._place.read(path)
        except FileNotFoundError:
            return None

    def _forget(self, names: Iterable[BlobHash], suffix: str = ".png") -> None:
        """Drop this machine's copies of pictures and of their small versions."""
        if self._near is None:
            return
        for name in names:
            self._near.drop(picture_path(name, suffix))
            for side in THUMBNAIL_SIDES:
                self._near.drop(thumbnail_path(name, f"{side}.webp"))

    def move_aside(self, name: BlobHash) -> None:
        """Take a damaged picture out of the way: its bytes go to `damaged/`, where nobody looks for pictures."""
        path = picture_path(name, ".png")
        with self._place.explained("read"), suppress(FileNotFoundError):
            self._place.write_whole(f"{_DAMAGED}/{name}.png", self._place.read(path))
        self._place.remove(path)


def is_older(file: PlacedFile, age: timedelta) -> bool:
    """Whether a file was last changed so long ago; a file of unknown age was not."""
    return file.modified is not None and datetime.now(UTC) - file.modified > age


def _checked(kept: bytes) -> bytes | None:
    """What was kept, without the checksum behind it; None where both do not agree."""
    data, checksum = kept[:-_CHECKSUM_BYTES], kept[-_CHECKSUM_BYTES:]
    return data if _checksum(data) == checksum else None


def _checksum(data: bytes) -> bytes:
    return bytes.fromhex(hash_bytes(data))
