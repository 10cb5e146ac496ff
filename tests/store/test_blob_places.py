"""Pictures in places that are no folder of this machine: fsspec's memory stands for a bucket."""

import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from bgen_core.archive.run_archive import run_archive
from bgen_core.archive.run_import import import_runs
from bgen_core.errors import StoreError
from bgen_core.settings import Settings, load_settings
from bgen_core.store.blobs import BlobStore
from bgen_core.store.store import Store, open_store
from bgen_core.store.thumbnails import thumbnail
from bgen_core.store.upkeep.check import Finding, check_store
from bgen_core.store.upkeep.garbage import collect_garbage
from bgen_core.store.upkeep.repair import repair_store
from tests.made_up import commit, made_up_run, made_up_subject
from tests.store.test_store_check import AT_ONCE


@pytest.fixture
def root() -> Iterator[str]:
    name = f"memory://bucket-{uuid.uuid4().hex}/pictures"
    yield name
    with suppress(FileNotFoundError):
        fsspec.filesystem("memory").rm(name.removeprefix("memory:/").rpartition("/")[0], recursive=True)


@pytest.fixture
def settings(root: str) -> Settings:
    return load_settings(blobs=root)


@pytest.fixture(params=["folder", "file address", "memory"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path, root: str) -> BlobStore:
    places = {"folder": str(tmp_path / "p"), "file address": f"file://{tmp_path / 'p'}", "memory": root}
    blobs = BlobStore(places[request.param])
    blobs.prepare()
    return blobs


def test_a_picture_is_kept_found_and_removed_everywhere(blobs: BlobStore) -> None:
    name = blobs.put(b"picture")
    assert blobs.put(b"picture") == name
    assert (blobs.exists(name), blobs.size(name), blobs.get(name)) == (True, 7, b"picture")
    blobs.put_thumbnail(name, "96.webp", b"small")
    assert blobs.get_thumbnail(name, "96.webp") == b"small"
    listing = blobs.listing()
    assert [(key, file.size) for key, file in listing.pictures.items()] == [(name, 7)]
    assert all(file.modified is not None for file in listing.pictures.values())
    assert [len(files) for files in listing.thumbnails.values()] == [1]
    assert (listing.incoming, listing.others) == ([], [])
    assert blobs.address(name).endswith(f"/{name[:2]}/{name}.png")
    blobs.delete(name)
    blobs.delete(name)
    assert (blobs.exists(name), blobs.get_thumbnail(name, "96.webp")) == (False, None)
    with pytest.raises(StoreError, match=r"missing from the folder"):
        blobs.get(name)
    with pytest.raises(StoreError, match=r"missing from the folder"):
        blobs.size(name)


def test_only_files_of_this_machine_have_a_path(tmp_path: Path, root: str) -> None:
    for place in (tmp_path, f"file://{tmp_path}"):
        local = BlobStore(place)
        local.prepare()
        assert local.path(local.put(b"a")).read_bytes() == b"a"
        assert local.root == tmp_path
    with pytest.raises(StoreError, match="not as files of this machine"):
        BlobStore(root).path("a" * 64)


def test_half_a_picture_is_written_again(root: str) -> None:
    """A place that may be cut off in the middle of a file: the next writer of the same bytes mends it."""
    blobs = BlobStore(root)
    name = blobs.put(b"the whole picture")
    fsspec.filesystem("memory").pipe_file(blobs.address(name).removeprefix("memory:/"), b"the wh")
    assert blobs.put(b"the whole picture") == name
    assert blobs.get(name) == b"the whole picture"


def test_a_whole_store_works_on_it(settings: Settings, tmp_path: Path) -> None:
    with open_store(settings) as store:
        subject = made_up_subject()
        store.subjects.save(subject, {})
        runs = [commit(store, made_up_run(number, subject_id=subject.id)) for number in range(2)]
        assert thumbnail(store.blobs, runs[0].image, 96)[:4] == b"RIFF"
        assert [path.name for path in settings.home.iterdir() if path.name == "blobs"] == []
        (tmp_path / "runs.zip").write_bytes(b"".join(run_archive(store, [run.id for run in runs])))
        gone = store.deletion.delete([runs[0].id])
        assert gone.pictures == 2
        assert import_runs(store, tmp_path / "runs.zip").added == (runs[0].id,)
        assert store.subjects.load(subject.id).id == subject.id
        assert _findings(store) == []


def test_it_is_checked_mended_and_cleaned(settings: Settings) -> None:
    with open_store(settings) as store:
        run = commit(store, made_up_run(1))
        unused = store.blobs.put(b"nobody's")
        memory = fsspec.filesystem("memory")
        memory.pipe_file(store.blobs.address(run.image).removeprefix("memory:/"), b"damaged")
        assert {(each.kind, each.picture) for each in _findings(store)} == {("damaged", run.image), ("unused", unused)}
        assert collect_garbage(store, older_than=AT_ONCE).files == 1
        assert all(each.done for each in repair_store(store, _findings(store), drop_lost=True))
        assert store.runs.select() == []


def _findings(store: Store) -> list[Finding]:
    return [each for each in check_store(store, older_than=AT_ONCE) if isinstance(each, Finding)]


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        (
            "gs://bucket/pictures",
            r"Pictures cannot be kept in gs:// \(Please install gcsfs to access Google Storage\): install the package",
        ),
        ("nothing://x", r"Pictures cannot be kept in nothing:// \(Protocol not known: nothing\)"),
    ],
)
def test_a_place_that_cannot_be_reached_is_a_sentence(tmp_path: Path, address: str, sentence: str) -> None:
    with pytest.raises(StoreError, match=sentence):
        open_store(load_settings(blobs=address))


def test_what_a_bucket_refuses_is_a_sentence(root: str) -> None:
    class AccessDeniedError(Exception):
        """As the clients of buckets raise them: of no common kind."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AccessDeniedError("access\n denied")

    blobs = BlobStore(root)
    name = blobs.put(b"picture")
    sentence = rf"The pictures in {root} cannot be {{}} \(access denied\): check BGEN_BLOBS and the access\."
    with pytest.MonkeyPatch.context() as patch:
        for method in ("pipe_file", "cat_file", "rm_file"):
            patch.setattr(MemoryFileSystem, method, refuse)
        with pytest.raises(StoreError, match=sentence.format("written")):
            blobs.put(b"another")
        with pytest.raises(StoreError, match=sentence.format("read")):
            blobs.get(name)
        with pytest.raises(StoreError, match=sentence.format("written")):
            blobs.delete(name)
        assert blobs.get_thumbnail(name, "96.webp") is None
