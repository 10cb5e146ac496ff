"""Hashes of a local model's files: they stand for its weights, as a commit does for a model of the Hub."""

import hashlib
import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

PIXEL_FILES = (".json", ".safetensors", ".bin", ".txt", ".model")


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
    """Hash of the file's bytes."""
    stat = path.stat()
    return _hash_file(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _hash_file(path: Path, size: int, modified_ns: int) -> str:
    """Size and time are part of the cache's key, so an edit is seen."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
