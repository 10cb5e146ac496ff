"""Where a backup lies: a folder, in which the next one writes only what is new, or one TAR file."""

import os
import re
import tarfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Protocol

from bgen_core.errors import StoreError, UserInputError
from bgen_core.ids import BlobHash
from bgen_core.private_files import FILE, make_private_folder
from bgen_core.whole_file import beside, linked, write_whole

TAR = ".tar"
_OWN_ENTRIES = ("backup.json", "database.sqlite3", "database.sql", "blobs")
_OWN_NAME = re.compile(r"backup\.json|database\.(sqlite3|sql)|blobs/[0-9a-f]{2}/[0-9a-f]{64}\.png")


class BackupPlace(Protocol):
    """Files of a backup by their path in it."""

    def has(self, name: str) -> bool: ...

    def length(self, name: str) -> int:
        """In bytes, of a file that is there."""
        ...

    def pictures(self) -> set[BlobHash]:
        """All that are in it."""
        ...

    def read(self, name: str) -> bytes:
        """All bytes; a UserInputError where there is no such file."""
        ...

    def write(self, name: str, data: bytes) -> None: ...

    def take_in(self, name: str, file: Path) -> None:
        """Copy a file in, whatever its size."""
        ...

    def copy_out(self, name: str, to: Path) -> None:
        """Copy a file out, whatever its size."""
        ...


class _Folder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def has(self, name: str) -> bool:
        return (self._path / name).is_file()

    def length(self, name: str) -> int:
        return (self._path / name).stat().st_size

    def pictures(self) -> set[BlobHash]:
        return {BlobHash(path.stem) for path in self._path.glob("blobs/??/*.png")}

    def read(self, name: str) -> bytes:
        if not self.has(name):
            raise _no_file(self._path, name)
        return (self._path / name).read_bytes()

    def write(self, name: str, data: bytes) -> None:
        self._write(name, [data])

    def take_in(self, name: str, file: Path) -> None:
        with file.open("rb") as source:
            self._write(name, iter(lambda: source.read(2**20), b""))

    def copy_out(self, name: str, to: Path) -> None:
        if not self.has(name):
            raise _no_file(self._path, name)
        with (self._path / name).open("rb") as source:
            write_whole(to, iter(lambda: source.read(2**20), b""))

    def _write(self, name: str, pieces: Iterable[bytes]) -> None:
        target = self._path / name
        make_private_folder(target.parent)
        write_whole(target, pieces)
        target.chmod(FILE)


class _Tar:
    def __init__(self, path: Path, tar: tarfile.TarFile) -> None:
        self._path = path
        self._tar = tar
        # Names that a backup does not have are nobody's business: nothing is unpacked but by name.
        self._members = {} if tar.mode != "r" else {each.name: each for each in tar if _is_own(each)}

    def has(self, name: str) -> bool:
        return name in self._members

    def length(self, name: str) -> int:
        return self._members[name].size

    def pictures(self) -> set[BlobHash]:
        return {BlobHash(Path(name).stem) for name in self._members if name.startswith("blobs/")}

    def read(self, name: str) -> bytes:
        member = self._members.get(name)
        file = self._tar.extractfile(member) if member else None
        if file is None:
            raise _no_file(self._path, name)
        return file.read()

    def write(self, name: str, data: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(data), FILE
        self._tar.addfile(member, BytesIO(data))
        self._members[name] = member

    def take_in(self, name: str, file: Path) -> None:
        member = self._tar.gettarinfo(file, name)
        member.mode = FILE
        with file.open("rb") as source:
            self._tar.addfile(member, source)
        self._members[name] = member

    def copy_out(self, name: str, to: Path) -> None:
        member = self._members.get(name)
        file = self._tar.extractfile(member) if member else None
        if file is None:
            raise _no_file(self._path, name)
        write_whole(to, iter(lambda: file.read(2**20), b""))


@contextmanager
def writing(target: Path) -> Generator[BackupPlace]:
    """A new or older backup to be written; a file is there whole at the end, or what was there before.

    Raises
    ------
    UserInputError
        Something else lies there.
    StoreError
        It cannot be written.
    """
    is_file = target.suffix == TAR
    if is_file and target.is_dir():
        raise UserInputError(f"{target} is a folder: name a file, or a folder whose name does not end with {TAR}.")
    if not is_file and target.exists() and not target.is_dir():
        raise UserInputError(f"{target} is a file: name a folder, or a file whose name ends with {TAR}.")
    try:
        if not is_file and target.is_dir() and any(each.name not in _OWN_ENTRIES for each in target.iterdir()):
            raise UserInputError(f"the folder {target} holds other things than a backup: name a new or an empty one.")
        if not is_file:
            make_private_folder(target)
            make_private_folder(target / "blobs")
            yield _Folder(target)
            return
        place = linked(target)
        make_private_folder(place.parent)
        part = beside(place)
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE)
            with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w") as tar:
                yield _Tar(target, tar)
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"The backup {target} cannot be written ({error.strerror}): make room, or name another."
        ) from error


@contextmanager
def reading(source: Path) -> Generator[BackupPlace]:
    """A backup that is there.

    Raises
    ------
    UserInputError
        There is none, or it is damaged.
    StoreError
        It cannot be read.
    """
    try:
        if source.is_dir():
            yield _Folder(source)
            return
        with _opened(source) as tar:
            yield _Tar(source, tar)
    except tarfile.TarError as error:
        raise UserInputError(f"{source} is damaged, or was cut off ({error}): restore from another backup.") from error
    except OSError as error:
        raise StoreError(f"The backup {source} cannot be restored ({error.strerror}): see to that first.") from error


def _opened(source: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(source, mode="r:")
    except (OSError, tarfile.TarError) as error:
        raise UserInputError(f"{source} is no backup: name the folder or the {TAR} file of one.") from error


def _is_own(member: tarfile.TarInfo) -> bool:
    return member.isfile() and _OWN_NAME.fullmatch(member.name) is not None


def _no_file(path: Path, name: str) -> UserInputError:
    return UserInputError(f"{path} has no {name}: it is no backup, or not a whole one.")
