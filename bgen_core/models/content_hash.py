"""Hashes of a local model's files: they stand for its weights, as a commit does for a model of the Hub."""

import hashlib
import json
import logging
import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from bgen_core.private_files import make_private_folder
from bgen_core.whole_file import write_whole

logger = logging.getLogger(__name__)

PIXEL_FILES = (".json", ".safetensors", ".bin", ".txt", ".model")
WORTH_KEEPING = 1 << 20  # bytes: a smaller file is hashed as fast as a note about it is read
SETTLED_SECONDS = 2.0  # a file written so lately may be written again within one tick of its file system's clock


def hash_folder(folder: Path) -> str:
    """First 40 digits of the SHA-256 of all files that can change a pixel."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix in PIXEL_FILES)
    return hash_files(folder, (path.relative_to(folder).as_posix() for path in files if path.name != "world.json"))


def hash_files(folder: Path, names: Iterable[str]) -> str:
    """First 40 digits of the SHA-256 of files and their names, in the order given."""
    digest = hashlib.sha256()
    for name in names:
        digest.update(os.fsencode(name) + b"\0")
        digest.update(hash_file(folder / name).encode())
    return digest.hexdigest()[:40]


def hash_file(path: Path) -> str:
    """Hash of the file's bytes; read once, however many processes ask, where `keep_hashes` has said where to."""
    return _hash_file(path, _Identity.of(path))


@dataclass(frozen=True, kw_only=True)
class _Identity:
    """What a file system says of a file, and changes when its bytes do.

    The time of the last change of any kind cannot be set by hand: a file written over with its old size and its old
    time of writing has another one.
    """

    size: int
    modified_ns: int
    changed_ns: int
    inode: int
    device: int

    @classmethod
    def of(cls, path: Path) -> "_Identity":
        stat = path.stat()
        return cls(
            size=stat.st_size,
            modified_ns=stat.st_mtime_ns,
            changed_ns=stat.st_ctime_ns,
            inode=stat.st_ino,
            device=stat.st_dev,
        )

    @property
    def is_settled(self) -> bool:
        return time.time() - max(self.modified_ns, self.changed_ns) / 1e9 > SETTLED_SECONDS


class KeptHashes:
    """Hashes of large files, kept in a folder so that two gigabytes are not read at each start.

    A file is known again by what its system says of it: size, times, inode and device. A note that cannot be read or
    written costs one more reading of the file.

    Parameters
    ----------
    folder
        One small file for each file that was hashed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, path: Path, identity: _Identity) -> str | None:
        try:
            note = json.loads(self._note(path).read_text(encoding="utf-8"))
            digest = str(note["sha256"]) if note["identity"] == asdict(identity) else ""
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return digest if len(digest) == hashlib.sha256().digest_size * 2 else None

    def put(self, path: Path, identity: _Identity, digest: str) -> None:
        note = {"path": os.fsencode(path).decode(errors="replace"), "identity": asdict(identity), "sha256": digest}
        try:
            make_private_folder(self._folder)
            write_whole(self._note(path), [json.dumps(note).encode()])
        except OSError:
            logger.warning("the hash of %s cannot be kept in %s", path, self._folder, exc_info=True)

    def _note(self, path: Path) -> Path:
        return self._folder / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}.json"


_kept: list[KeptHashes] = []  # of this process; entry points say where


def keep_hashes(home: Path) -> None:
    """Remember hashes of large files under a home from now on; each entry point says so once, with its own."""
    _kept[:] = [KeptHashes(home / "hashes")]


@lru_cache(maxsize=256)
def _hash_file(path: Path, identity: _Identity) -> str:
    """The identity is part of the cache's key, so an edit is seen."""
    kept = _kept[0] if _kept and identity.size >= WORTH_KEEPING else None
    path = path.absolute()
    if kept is not None and (known := kept.get(path, identity)) is not None:
        return known
    settled = identity.is_settled  # before it is read: what is written meanwhile has a later time
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if kept is not None and settled and _Identity.of(path) == identity:
        kept.put(path, identity, digest)
    return digest
