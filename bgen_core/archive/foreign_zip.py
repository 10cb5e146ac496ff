"""Reading a ZIP from outside: nothing in it is trusted, nothing of it is unpacked to a path of its own."""

import json
import struct
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from bgen_core.content_address import hash_bytes
from bgen_core.errors import UserInputError
from bgen_core.ids import BlobHash
from bgen_core.limits import LARGEST_PICTURE
from bgen_core.wording import quoted

MOST_FILES = 200_000
LARGEST_TEXT = 256_000_000
_LARGEST_DIRECTORY = 100_000_000
_STEP = 1 << 20
_ENTRY = b"PK\1\2"  # how each entry of the directory begins
_ENDS_OF_ZIP64 = 76  # bytes that a large ZIP has between its directory and its end
# What zipfile of Python 3.11 raises for files that somebody made to break it
ZIP_FAULTS = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, OSError, ValueError,
    NotImplementedError, RuntimeError, ArithmeticError, MemoryError,
)  # fmt: skip
# Of these, what a flipped bit in a file's own bytes raises
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError)


class DamagedFileError(UserInputError):
    """A file of a ZIP whose bytes were changed on the way; the rest of the ZIP can be used. Its text is a sentence."""


def read_member(archive: zipfile.ZipFile, name: str, *, most: int) -> bytes:
    """Up to `most` bytes of a file and one more, where there are more: what its header says may be a lie.

    Raises
    ------
    DamagedFileError
        Its bytes are not those that were packed.
    """
    try:
        with archive.open(name) as opened:
            pieces = bytearray()
            while len(pieces) <= most and (piece := opened.read(min(_STEP, most + 1 - len(pieces)))):
                pieces += piece
            return bytes(pieces)
    except _DAMAGE as error:
        raise DamagedFileError(f"{quoted(name[-60:])} in the ZIP is damaged ({error}).") from error


class RefusedZipError(UserInputError):
    """Nothing of a ZIP is taken.

    Attributes
    ----------
    why
        The half of the sentence behind "because".
    """

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: nothing is imported, because {why}.")
        self.why = why


class ForeignZip:
    """An open ZIP whose files are read into memory one by one, each within a limit."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self._archive = archive
        self.name = name

    def read(self, file: str, *, most: int) -> bytes:
        """A file's bytes.

        Raises
        ------
        UserInputError
            It is not there, is longer than `most`, is encrypted, or packed in an unusual way.
        DamagedFileError
            Its bytes are not those that were packed.
        """
        try:
            info = self._archive.getinfo(file)
        except KeyError as error:
            raise self.refusal(f"it lacks {quoted(file, 120)}, which its list of contents names") from error
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise self.refusal(f"{quoted(file, 120)} is encrypted, or packed in a way that bgen does not write")
        if info.file_size > most:
            raise self.refusal(f"{quoted(file, 120)} has {info.file_size:,} bytes unpacked, and {most:,} are allowed")
        try:
            return read_member(self._archive, file, most=most)
        except ZIP_FAULTS as error:
            raise self.refusal(f"{quoted(file, 120)} is damaged ({error})") from error

    def length(self, file: str) -> int | None:
        """Bytes that a file claims to be unpacked; None where it is not there."""
        try:
            return self._archive.getinfo(file).file_size
        except KeyError:
            return None

    def read_hashed(self, file: str, name: BlobHash) -> bytes:
        """A picture's bytes, which must be those that its content address stands for."""
        data = self.read(file, most=LARGEST_PICTURE)
        if hash_bytes(data) != name:
            raise self.refusal(f"{quoted(file, 120)} is not the picture that its list of contents names")
        return data

    def refusal(self, why: str) -> UserInputError:
        """The error that says why nothing of this file is taken."""
        return RefusedZipError(self.name, why)


@contextmanager
def open_foreign_zip(path: Path) -> Generator[ForeignZip]:
    """Open a ZIP after a look at how much its directory claims to hold.

    Raises
    ------
    UserInputError
        It cannot be read, is no ZIP, or claims more files or bytes than can be.
    """
    name = path.name
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise UserInputError(f"{path} cannot be read, because it is no file: give a ZIP file.")
        with path.open("rb") as file:
            size = path.stat().st_size
            with _opened(file, name) as archive:
                opened = ForeignZip(archive, name)
                packed = sum(info.compress_size for info in archive.infolist())
                if packed > size:  # files that lie on top of each other: a bomb of 46 MB unpacks to 4.5 PB in this way
                    raise opened.refusal("its files overlap")
                yield opened
    except OSError as error:
        raise UserInputError(f"{path} cannot be read ({error.strerror or error}): give a ZIP file.") from error


def _opened(file: BinaryIO, name: str) -> zipfile.ZipFile:
    try:
        check_directory(file, name)
        return zipfile.ZipFile(file)
    except ZIP_FAULTS as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise UserInputError(f"{name} is not a ZIP that can be read ({reason}): give one of `runs export`.") from error


def check_directory(file: BinaryIO, name: str) -> None:
    """Refuse a directory of millions of entries before zipfile makes an object of each.

    Raises
    ------
    UserInputError
        It claims more than can be.
    zipfile.BadZipFile
        There is none: see `ZIP_FAULTS`.
    """
    # The very function by which zipfile finds it, so that both look at the same place.
    found = zipfile._EndRecData(file)  # pyright: ignore
    if found is None:
        raise zipfile.BadZipFile("it has no list of its files")
    claimed, size, end = (int(found[place]) for place in (4, 5, 9))  # pyright: ignore
    if size <= _LARGEST_DIRECTORY:  # zipfile reads it to its end, whatever number of entries it claims
        claimed = max(claimed, _entries_between(file, max(0, end - size - _ENDS_OF_ZIP64), end))
    if claimed > MOST_FILES or size > _LARGEST_DIRECTORY:
        raise UserInputError(
            f"{name}: nothing is imported, because it claims to hold {claimed:,} files: {MOST_FILES:,} are allowed."
        )


def _entries_between(file: BinaryIO, begin: int, end: int) -> int:
    """How many entries of a directory begin in a part of a file."""
    file.seek(begin)
    count, before = 0, b""
    while piece := file.read(min(_STEP, end - file.tell())):
        count += (before + piece).count(_ENTRY)
        before = (before + piece)[1 - len(_ENTRY) :]
    return count


def read_foreign_json(text: bytes, *, most_values: int) -> Any:
    """What a JSON text says.

    Raises
    ------
    ValueError
        It is no JSON, is nested too deeply, holds a number that no machine has, or holds more values: each takes some
        60 bytes of memory, and two in the file.
    """
    values = sum(map(text.count, (b",", b"[", b"{")))  # commas in texts count too
    if values > most_values:
        raise ValueError(f"it holds about {values:,} values, and {most_values:,} are allowed")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except ArithmeticError as error:
        raise ValueError("a number is not allowed") from error
