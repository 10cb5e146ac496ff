import errno
import hashlib
import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bgen_core.content_address import is_content_hash
from bgen_core.errors import LostPictureError, StoreError
from bgen_core.store.blobs import BlobStore
from tests.made_up import flip_a_bit


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    blobs = BlobStore(tmp_path / "blobs")
    blobs.prepare()
    return blobs


def files(blobs: BlobStore) -> list[Path]:
    return sorted(path for path in blobs.root.rglob("*") if path.is_file())


@pytest.mark.parametrize("data", [b"", b"\x89PNG", os.urandom(100_000)], ids=["empty", "small", "large"])
@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_what_is_put_is_got_under_the_hash_of_its_bytes(blobs: BlobStore, data: bytes, suffix: str) -> None:
    name = blobs.put(data, suffix)
    assert name == hashlib.sha256(data).hexdigest()
    assert blobs.get(name, suffix) == data
    assert blobs.size(name, suffix) == len(data)
    assert blobs.exists(name, suffix)
    assert files(blobs) == [blobs.path(name, suffix)]


def test_the_same_bytes_are_kept_once(blobs: BlobStore) -> None:
    first = blobs.put(b"picture")
    written = blobs.path(first).stat().st_mtime_ns
    assert blobs.put(b"picture") == first
    assert len(files(blobs)) == 1
    assert blobs.path(first).stat().st_mtime_ns == written


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("a" * 64, True),
        ("0123456789abcdef" * 4, True),
        ("a" * 63, False),
        ("a" * 65, False),
        ("A" * 64, False),
        ("a" * 64 + "\n", False),
        ("../" + "a" * 61, False),
        ("", False),
    ],
)
def test_only_a_hash_is_an_address(blobs: BlobStore, name: str, valid: bool) -> None:
    assert is_content_hash(name) is valid
    if not valid:
        with pytest.raises(ValueError, match="address"):
            blobs.get(name)


def test_a_missing_picture_is_a_sentence(blobs: BlobStore) -> None:
    assert not blobs.exists("a" * 64)
    for ask in (blobs.get, blobs.size):
        with pytest.raises(StoreError, match=f"aaaaaaaaaaaa….png is missing from the folder {blobs.root}"):
            ask("a" * 64)


def test_deleting_takes_the_thumbnails_along(blobs: BlobStore) -> None:
    kept, gone = blobs.put(b"kept"), blobs.put(b"gone")
    for name in (kept, gone):
        blobs.put_thumbnail(name, "256.webp", b"small")
    blobs.delete(gone)
    blobs.delete(gone)
    assert blobs.get_thumbnail(gone, "256.webp") is None
    assert blobs.get_thumbnail(kept, "256.webp") == b"small"
    assert [path for path in files(blobs) if gone in path.name] == []


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let the operating system refuse to write more than `size` bytes into one file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_write_that_fails_in_the_middle_leaves_nothing(blobs: BlobStore) -> None:
    data = os.urandom(200_000)
    with files_of_at_most(50_000), pytest.raises(StoreError, match=rf"{blobs.root} cannot be written \(File too large"):
        blobs.put(data)
    assert files(blobs) == []
    assert blobs.get(blobs.put(data)) == data


def test_a_full_disk_names_the_folder(blobs: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=rf"{blobs.root} cannot be written \(No space left on device\): make room"):
        blobs.put(b"picture")
    assert files(blobs) == []


def test_a_file_in_the_way_of_the_folder_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file")
    with pytest.raises(StoreError, match="cannot be written"):
        BlobStore(tmp_path / "blobs").prepare()


def test_only_abandoned_halves_are_cleared_away(blobs: BlobStore) -> None:
    abandoned, in_work = blobs.root / "incoming" / "old", blobs.root / "incoming" / "new"
    for path in (abandoned, in_work):
        path.write_bytes(b"half")
    two_hours_ago = time.time() - 7200
    os.utime(abandoned, (two_hours_ago, two_hours_ago))
    blobs.prepare()
    assert files(blobs) == [in_work]


def test_other_bytes_than_those_that_were_put_are_never_got(blobs: BlobStore) -> None:
    name = blobs.put(b"picture " * 100)
    flip_a_bit(blobs.path(name))
    with pytest.raises(LostPictureError, match=f"The picture {name[:12]}….png is damaged"):
        blobs.get(name)


def test_putting_a_picture_again_mends_its_damage(blobs: BlobStore) -> None:
    name = blobs.put(b"picture " * 100)
    flip_a_bit(blobs.path(name))
    assert blobs.get(blobs.put(b"picture " * 100)) == b"picture " * 100


def test_a_damaged_thumbnail_counts_as_not_made(blobs: BlobStore) -> None:
    name = blobs.put(b"picture")
    blobs.put_thumbnail(name, "96.webp", b"small " * 100)
    assert blobs.get_thumbnail(name, "96.webp") == b"small " * 100
    (kept,) = (blobs.root / "thumbnails").rglob("*-96.webp")
    flip_a_bit(kept)
    assert blobs.get_thumbnail(name, "96.webp") is None
    kept.write_bytes(b"short")
    assert blobs.get_thumbnail(name, "96.webp") is None
