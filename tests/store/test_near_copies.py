"""Copies of a bucket's pictures on this machine: fetched once, bounded, never other bytes, and never a fault."""

import os
from pathlib import Path

import pytest

from bgen_core.errors import DamagedPictureError, LostPictureError
from bgen_core.settings import load_settings
from bgen_core.store.blobs import BlobStore
from bgen_core.store.places.near_copies import NearCopies
from bgen_core.store.places.stored_files import picture_path
from tests.bucket_server import BUCKET, BucketServer, running_bucket
from tests.store.test_bucket import reached_by

ROOT = f"s3://{BUCKET}/bgen"
PICTURE = bytes(range(256)) * 20


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch):
    with running_bucket() as server:
        reached_by(server, monkeypatch)
        yield server


@pytest.fixture
def blobs(bucket: BucketServer, tmp_path: Path) -> BlobStore:
    return BlobStore(ROOT, near=NearCopies(tmp_path / "near", 100_000))


@pytest.mark.s3
def test_a_picture_is_fetched_once_whoever_looks(bucket: BucketServer, blobs: BlobStore, tmp_path: Path) -> None:
    name = blobs.put(PICTURE)
    blobs.put_thumbnail(name, "96.webp", b"small")
    bucket.asked.clear()
    other_process = BlobStore(ROOT, near=NearCopies(tmp_path / "near", 100_000))
    assert [each.get_near(name) for each in (blobs, blobs, other_process)] == [PICTURE] * 3
    assert [each.get_thumbnail(name, "96.webp") for each in (blobs, blobs, other_process)] == [b"small"] * 3
    assert len(bucket.asked) == 2


@pytest.mark.s3
def test_a_damaged_copy_is_fetched_again(bucket: BucketServer, blobs: BlobStore, tmp_path: Path) -> None:
    name = blobs.put(PICTURE)
    blobs.put_thumbnail(name, "96.webp", b"small")
    assert blobs.get_near(name) and blobs.get_thumbnail(name, "96.webp")
    for copy in (tmp_path / "near").iterdir():
        copy.write_bytes(copy.read_bytes()[:-1] + b"?")
    assert blobs.get_near(name) == PICTURE
    assert blobs.get_thumbnail(name, "96.webp") == b"small"


@pytest.mark.s3
def test_what_is_removed_is_not_shown_from_a_copy(blobs: BlobStore, tmp_path: Path) -> None:
    names = [blobs.put(PICTURE + bytes([number])) for number in range(2)]
    for name in names:
        blobs.put_thumbnail(name, "96.webp", b"small")
        assert blobs.get_near(name) and blobs.get_thumbnail(name, "96.webp")
    blobs.delete(names[0])
    blobs.delete_all(names[1:])
    assert list((tmp_path / "near").iterdir()) == []
    for name in names:
        assert blobs.get_thumbnail(name, "96.webp") is None
        with pytest.raises(LostPictureError):
            blobs.get_near(name)


@pytest.mark.s3
def test_whoever_checks_asks_the_bucket(blobs: BlobStore) -> None:
    name = blobs.put(PICTURE)
    assert blobs.get_near(name) == PICTURE
    blobs._place.write_whole(picture_path(name, ".png"), b"other bytes")
    with pytest.raises(DamagedPictureError):
        blobs.get(name)
    blobs._place.remove(picture_path(name, ".png"))
    assert not blobs.exists(name)


@pytest.mark.s3
def test_without_room_for_copies_pictures_are_there_all_the_same(bucket: BucketServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    blobs = BlobStore(ROOT, near=NearCopies(tmp_path / "file" / "near", 100_000))
    name = blobs.put(PICTURE)
    assert [blobs.get_near(name) for _ in range(2)] == [PICTURE] * 2


def test_a_folder_of_this_machine_has_no_copies(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path / "blobs", near=NearCopies(tmp_path / "near", 100_000))
    blobs.prepare()
    assert blobs.get_near(blobs.put(PICTURE)) == PICTURE
    assert not (tmp_path / "near").exists()


def test_copies_stay_within_their_bound_and_the_longest_unused_go(tmp_path: Path) -> None:
    copies = NearCopies(tmp_path, 10_000)
    for number in range(9):
        copies.put(f"ab/{number}", bytes(1000))
        os.utime(tmp_path / f"ab-{number}", (number, number))
    assert copies.get("ab/0")  # is looked at now
    copies.put("ab/9", bytes(1000))
    copies.put("ab/10", bytes(1000))
    left = {path.name for path in tmp_path.iterdir()}
    assert len(left) == 8 and {"ab-0", "ab-9", "ab-10"} <= left and not {"ab-1", "ab-2", "ab-3"} & left
    copies.put("ab/huge", bytes(20_000))
    assert copies.get("ab/huge") is None


def test_the_bound_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().near_bytes == 2_000_000_000
    monkeypatch.setenv("BGEN_NEAR_MB", "0")
    assert load_settings().near_bytes == 0
