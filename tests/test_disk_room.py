import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from bgen_core.disk_room import check_disk
from bgen_core.errors import NoRoomError
from bgen_core.settings import load_settings
from bgen_core.store.blobs import BlobStore
from bgen_core.store.store import open_store

GB, MB = 10**9, 10**6


@pytest.mark.parametrize(
    ("total", "free", "reserve", "length", "allowed"),
    [
        pytest.param(100 * GB, GB, None, 0, True, id="just the reserve"),
        pytest.param(100 * GB, GB, None, 1, False, id="a byte more than there is"),
        pytest.param(100 * GB, GB - 1, None, 0, False, id="less than the reserve"),
        pytest.param(10 * GB, 200 * MB, None, 0, True, id="2 % of a small disk"),
        pytest.param(10 * GB, 199 * MB, None, 0, False, id="less than 2 % of it"),
        pytest.param(10 * GB, 0, 0, 0, True, id="no reserve is wanted"),
        pytest.param(10 * GB, 6 * GB, 7 * GB, 0, False, id="a large one is"),
    ],
)
def test_the_reserve_of_a_disk(
    monkeypatch: pytest.MonkeyPatch, total: int, free: int, reserve: int | None, length: int, allowed: bool
):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=total, free=free))
    if allowed:
        assert "MB stay free" in check_disk(Path("/srv/secret"), length, reserve=reserve)
        return
    with pytest.raises(NoRoomError) as refused:
        check_disk(Path("/srv/secret"), length, reserve=reserve)
    assert "The disk of /srv/secret has" in str(refused.value)
    assert "secret" not in refused.value.public
    assert f"{(free / MB):,.0f} MB free" in refused.value.public


def test_a_folder_that_is_not_there_yet_is_on_the_disk_of_the_one_above(tmp_path: Path):
    assert check_disk(tmp_path / "a" / "b", reserve=0)


def test_a_disk_that_cannot_be_asked_refuses_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def fails(_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(shutil, "disk_usage", fails)
    assert "cannot be told" in check_disk(tmp_path, reserve=None)


def test_the_store_keeps_no_more_than_it_may(tmp_path: Path):
    blobs = BlobStore(tmp_path / "blobs", most_bytes=100)
    blobs.prepare()
    kept = blobs.put(b"x" * 60)
    assert blobs.put(b"x" * 60) == kept  # takes no more room
    with pytest.raises(NoRoomError, match=r"0\.0 MB of pictures, 1 MB more are wanted, and 0\.0 MB are allowed \("):
        blobs.put(b"y" * 60)
    blobs.put(b"z" * 40)
    assert len(blobs.listing().pictures) == 2


def test_room_that_another_process_made_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    blobs, other = (BlobStore(tmp_path / "blobs", most_bytes=most) for most in (100, None))
    blobs.prepare()
    kept = blobs.put(b"x" * 90)
    with pytest.raises(NoRoomError):
        blobs.check_room(20)
    other.delete(kept)
    monkeypatch.setattr("bgen_core.store.blobs._FULL_SECONDS", 0.0)
    blobs.check_room(20)


def test_the_database_is_used_while_the_disk_keeps_its_reserve(monkeypatch: pytest.MonkeyPatch):
    """What needs no room goes on: somebody must be able to delete."""
    with open_store(load_settings()) as store:
        kept = store.blobs.put(b"x")
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=GB, free=0))
        with pytest.raises(NoRoomError):
            store.blobs.put(b"y")
        assert store.runs.select() == []
        store.blobs.delete(kept)
        assert not store.blobs.exists(kept)
