"""Files that are there whole or not at all."""

import errno
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file under another name beside its place, a piece in memory at a time, then rename it.

    The other name is short: a file's own name may be as long as the file system allows. A link stays one, and the file
    that it leads to is written; a device or a pipe, such as /dev/stdout, gets the pieces as they come.

    Raises
    ------
    OSError
        It cannot be written; what was there before is there still.
    """
    if path.exists() and not path.is_file():  # a folder, too: opening it says what is wrong
        with path.open("wb") as file:
            file.writelines(pieces)
        return
    path = linked(path)
    part = beside(path)
    try:
        with part.open("wb") as file:
            for piece in pieces:
                file.write(piece)
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def can_be_written(path: Path) -> None:
    """Try a file's folder and its name, without leaving anything.

    Raises
    ------
    OSError
        Why not: the folder is not there, is no folder or is not this user's, or the name is too long or a folder's.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    probe = beside(linked(path))
    probe.touch()
    probe.unlink()
    with suppress(FileNotFoundError):
        path.stat()  # says of a name whether it is too long


def linked(path: Path) -> Path:
    """The file that a link leads to; any other path is its own."""
    return Path(os.path.realpath(path))


def beside(path: Path) -> Path:
    """A name in the same folder that nobody else has."""
    return path.with_name(f".{secrets.token_hex(8)}.part")
