"""Large files are read once; whatever is another file, or may be, is read again."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bgen_core.models import content_hash
from bgen_core.models.content_hash import WORTH_KEEPING, hash_file, keep_hashes

LARGE = b"a" * WORTH_KEEPING


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home that keeps hashes, in which every file counts as long written."""
    monkeypatch.setattr(content_hash, "SETTLED_SECONDS", -10.0)
    keep_hashes(tmp_path / "home")
    yield tmp_path / "home"
    content_hash._kept.clear()


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(LARGE)
    return path


def as_a_new_process() -> None:
    content_hash._hash_file.cache_clear()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_large_file_is_read_once_for_all_processes(home: Path, weights: Path, monkeypatch: pytest.MonkeyPatch):
    assert hash_file(weights) == sha256(LARGE)
    as_a_new_process()
    monkeypatch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("it is read again"))
    assert hash_file(weights) == sha256(LARGE)


def test_a_file_written_over_with_its_old_size_and_time_is_read_again(home: Path, weights: Path):
    hash_file(weights)
    before = weights.stat()
    weights.write_bytes(LARGE.replace(b"a", b"b"))
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    as_a_new_process()
    assert hash_file(weights) == sha256(LARGE.replace(b"a", b"b"))


def test_another_file_in_its_place_is_read_again(home: Path, weights: Path, tmp_path: Path):
    hash_file(weights)
    before = weights.stat()
    other = tmp_path / "other"
    other.write_bytes(LARGE.replace(b"a", b"c"))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(weights)
    as_a_new_process()
    assert hash_file(weights) == sha256(LARGE.replace(b"a", b"c"))


def test_what_was_written_a_moment_ago_is_not_remembered(home: Path, weights: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(content_hash, "SETTLED_SECONDS", 2.0)
    hash_file(weights)
    assert not (home / "hashes").exists()


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b'{"identity": 1}', b'{"identity": {}, "sha256": "short"}', b"\xff"]
)
def test_a_damaged_note_costs_one_more_reading(home: Path, weights: Path, damage: bytes):
    hash_file(weights)
    (note,) = (home / "hashes").iterdir()
    note.write_bytes(damage)
    as_a_new_process()
    assert hash_file(weights) == sha256(LARGE)


def test_a_home_that_cannot_be_written_costs_no_model(home: Path, weights: Path):
    home.write_text("a file where the folder belongs")
    assert hash_file(weights) == sha256(LARGE)
