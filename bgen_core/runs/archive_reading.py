"""Reading a ZIP from outside: nothing in it is trusted, nothing of it is unpacked to a path of its own."""

import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bgen_core.content import hash_bytes
from bgen_core.errors import UserInputError

MOST_FILES = 200_000
LARGEST_PICTURE = 2**28
LARGEST_TEXT = 256_000_000
_LARGEST_DIRECTORY = 100_000_000
_STEP = 1 << 20


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
            It is not there, is longer than `most`, is encrypted, packed in an unusual way, or damaged.
        """
        try:
            info = self._archive.getinfo(file)
        except KeyError as error:
            raise self.refusal(f"it lacks {file[:120]!r}, which its list of contents names") from error
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise self.refusal(f"{file[:120]!r} is encrypted, or packed in a way that bgen does not write")
        if info.file_size > most:
            raise self.refusal(f"{file[:120]!r} has {info.file_size:,} bytes unpacked, and {most:,} are allowed")
        try:
            with self._archive.open(info) as opened:
                pieces = bytearray()
                while piece := opened.read(_STEP):  # never more than the announced length, whatever is packed
                    pieces += piece
                return bytes(pieces)
        except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, _zlib_error()) as error:
            raise self.refusal(f"{file[:120]!r} is damaged ({error})") from error

    def read_hashed(self, file: str, name: str) -> bytes:
        """A picture's bytes, which must be those that its content address stands for."""
        data = self.read(file, most=LARGEST_PICTURE)
        if hash_bytes(data) != name:
            raise self.refusal(f"{file[:120]!r} is not the picture that its list of contents names")
        return data

    def refusal(self, why: str) -> UserInputError:
        """The error that says why nothing of this file is taken."""
        return UserInputError(f"{self.name}: nothing is imported, because {why}.")


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
        with path.open("rb") as file:
            size = path.stat().st_size
            _check_directory(file, name)
            with zipfile.ZipFile(file) as archive:
                opened = ForeignZip(archive, name)
                packed = sum(info.compress_size for info in archive.infolist())
                if packed > size:  # files that lie on top of each other: a bomb of 46 MB unpacks to 4.5 PB in this way
                    raise opened.refusal("its files overlap")
                yield opened
    except zipfile.BadZipFile as error:
        raise UserInputError(f"{name} is not a ZIP that can be read ({error}): give one of `runs export`.") from error
    except OSError as error:
        raise UserInputError(f"{path} cannot be read ({error.strerror or error}): give a ZIP file.") from error


def _check_directory(file: Any, name: str) -> None:
    """Refuse a directory of millions of entries before zipfile makes an object of each."""
    # The very function by which zipfile finds it, so that both look at the same place.
    found = zipfile._EndRecData(file)  # pyright: ignore
    if found is None:
        raise zipfile.BadZipFile("it has no list of its files")
    entries, size = int(found[4]), int(found[5])  # pyright: ignore
    if entries > MOST_FILES or size > _LARGEST_DIRECTORY:
        raise UserInputError(
            f"{name}: nothing is imported, because it claims to hold {entries:,} files: {MOST_FILES:,} are allowed."
        )


def _zlib_error() -> type[Exception]:
    import zlib

    return zlib.error
