import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient

from bgen_core.errors import StoreError
from bgen_core.jobs.executors.executor import Health
from bgen_core.runs.links import THUMBNAIL_SIDES, download_name, picture_url, sheet_url, thumbnail_url, zip_url
from bgen_core.store.blobs import BlobStore
from bgen_core.store.store import SeenStore, Store
from bgen_core.subject.decoding.image_io import encode_png
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from pages._ui.app.page_files import PATHS
from pages._ui.routes.routes import own_routes
from tests.made_up import ADMIN, commit, flip_a_bit, made_up_run, made_up_sweep, picture

AWAY = StoreError("The database at example.org does not answer.", public="Away.")
WELL = Health(device_kind="cpu", dtype_name="float32", is_busy=False)


@pytest.fixture
def blobs(store: Store) -> BlobStore:
    return store.blobs


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=own_routes(lambda request: store.seen_by(ADMIN)))) as client:
        yield client


@pytest.fixture
def png() -> bytes:
    return encode_png(picture(), text={"parameters": "a prompt"})


def test_the_server_says_that_it_lives(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("computing", "store_answer", "status", "words"),
    [
        (WELL, None, 200, {"status": "ok", "store": "ok", "worker": "ok"}),
        (None, None, 503, {"status": "not ready", "store": "ok", "worker": "starting, or starting again"}),
        (replace(WELL, trouble="It waits."), None, 503, {"status": "not ready", "store": "ok", "worker": "It waits."}),
        (WELL, AWAY, 503, {"status": "not ready", "store": "Away."}),
    ],
)  # fmt: skip
def test_the_server_says_whether_it_is_ready_and_lives_anyway(
    store: Store, computing: Health | None, store_answer: StoreError | None, status: int, words: dict[str, str]
) -> None:
    def store_of(request: Request) -> SeenStore:
        if store_answer is not None:
            raise store_answer
        return store.seen_by(ADMIN)

    with TestClient(Starlette(routes=own_routes(store_of, lambda: computing))) as client:
        answer = client.get("/healthz?ready")
        assert (answer.status_code, answer.json()) == (status, words)
        assert client.get("/healthz").json() == {"status": "ok"}


def test_a_store_that_hangs_is_not_ready_and_does_not_keep_the_server_from_living(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = threading.Event()

    def store_of(request: Request) -> SeenStore:
        answers.wait(60)
        raise StoreError("It hung.")

    monkeypatch.setattr("pages._ui.routes.operation_routes._READY_SECONDS", 0.1)
    with TestClient(Starlette(routes=own_routes(store_of, lambda: WELL))) as client:
        for _ in range(2):
            assert client.get("/healthz?ready").json()["store"] == "The store has not answered for 0.1 s."
            assert client.get("/healthz").json() == {"status": "ok"}
        answers.set()


def test_a_png_comes_as_it_was_kept_and_stays_in_the_cache(client: TestClient, blobs: BlobStore, png: bytes) -> None:
    answer = client.get(picture_url(blobs.put(png)))
    assert (answer.status_code, answer.content) == (200, png)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "content-disposition" not in answer.headers


@pytest.mark.parametrize("side", THUMBNAIL_SIDES)
def test_a_thumbnail_is_a_webp(client: TestClient, blobs: BlobStore, png: bytes, side: int) -> None:
    for _ in range(2):
        answer = client.get(thumbnail_url(blobs.put(png), side))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
        assert Image.open(BytesIO(answer.content)).format == "WEBP"


@pytest.mark.parametrize("side", [None, *THUMBNAIL_SIDES])
def test_damaged_bytes_are_never_sent(client: TestClient, blobs: BlobStore, png: bytes, side: int | None) -> None:
    blob = blobs.put(png)
    url = picture_url(blob) if side is None else thumbnail_url(blob, side)
    flip_a_bit(blobs.path(blob))
    answer = client.get(url)
    assert answer.status_code == 503
    assert "is damaged" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    blobs.put(png)
    assert client.get(url).status_code == 200


def test_a_damaged_thumbnail_is_made_again(client: TestClient, blobs: BlobStore, png: bytes) -> None:
    url = thumbnail_url(blobs.put(png), 96)
    whole = client.get(url).content
    (kept,) = (blobs.root / "thumbnails").rglob("*.webp")
    flip_a_bit(kept)
    assert client.get(url).content == whole


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/i/{blob}.png", 200),
        ("/i/{blob}.webp", 200),
        ("/i/{blob}", 404),
        ("/i/{blob}.jpg", 404),
        ("/i/{blob}.png.png", 404),
        ("/i/{blob}%0a.png", 404),
        ("/i/x{blob}.png", 404),
        ("/i/" + "a" * 64 + ".png", 404),
        ("/i/" + "a" * 64 + ".webp", 404),
        ("/i/" + "A" * 64 + ".png", 404),
        ("/i/" + "a" * 63 + ".png", 404),
        ("/i/..%2f..%2fetc%2fpasswd", 404),
        ("/i/../bgen.sqlite3", 404),
        ("/i/%2e%2e%2fbgen.sqlite3", 404),
        ("/i/incoming", 404),
        ("/i/", 404),
        ("/i/{blob}.webp?side=97", 400),
        ("/i/{blob}.webp?side=-1", 400),
        ("/i/{blob}.webp?side=1e9", 400),
        ("/i/{blob}.webp?side=", 400),
    ],
)
def test_nothing_but_a_picture_is_served(
    client: TestClient, blobs: BlobStore, png: bytes, path: str, status: int
) -> None:
    answer = client.get(path.format(blob=blobs.put(png)))
    assert answer.status_code == status
    if status != 200:
        assert "immutable" not in answer.headers.get("cache-control", "")


def test_other_methods_are_refused(client: TestClient, blobs: BlobStore, png: bytes) -> None:
    url = picture_url(blobs.put(png))
    assert client.head(url).status_code == 200
    assert [client.request(method, url).status_code for method in ("POST", "PUT", "DELETE")] == [405] * 3


@pytest.mark.parametrize(
    ("wanted", "plain", "encoded"),
    [
        ("ada.png", "ada.png", "ada.png"),
        ("ada", "ada.png", "ada.png"),
        ('a"b;\r\nSet-Cookie: x=1', "a-b-Set-Cookie- x-1.png", "a-b-Set-Cookie-%20x-1.png"),
        ("../../etc/passwd", "etc-passwd.png", "etc-passwd.png"),
        ("Größe 日本.png", "Gr--e --.png", "Gr%C3%B6%C3%9Fe%20%E6%97%A5%E6%9C%AC.png"),
        ("...", "picture.png", "picture.png"),
        ("", "picture.png", "picture.png"),
        ("x" * 500, "x" * 120 + ".png", "x" * 120 + ".png"),
    ],
)
def test_a_download_has_a_harmless_name(
    client: TestClient, blobs: BlobStore, png: bytes, wanted: str, plain: str, encoded: str
) -> None:
    answer = client.get(f"/i/{blobs.put(png)}.png", params={"download": wanted})
    assert answer.content == png
    assert answer.headers["content-disposition"] == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"


def test_the_offered_name_passes_as_it_is(client: TestClient, blobs: BlobStore, png: bytes) -> None:
    name = download_name(made_up_run(7, subject_name="Ada & Grace / 日本"))
    assert name.startswith("Ada-Grace_20-steps_guidance-3_seed-7_")
    answer = client.get(picture_url(blobs.put(png), download=name))
    assert f'filename="{name}"' in answer.headers["content-disposition"]


def test_a_store_that_cannot_be_opened_is_a_sentence() -> None:
    def broken(request: Request) -> SeenStore:
        raise StoreError("The database /srv/bgen.sqlite3 cannot be opened.", public="The database cannot be opened.")

    with TestClient(Starlette(routes=own_routes(broken))) as client:
        for url in (picture_url("a" * 64), zip_url("sweep-1"), sheet_url("sweep-1", across=None, down=None)):
            answer = client.get(url)
            assert (answer.status_code, answer.text) == (503, "The database cannot be opened.")
            assert answer.headers["cache-control"] == "no-store"
        assert client.get("/healthz").status_code == 200


@pytest.fixture
def sweep_id(store: Store) -> str:
    """Two steps by three guidances; the last cell is not made."""
    axes = (Axis(name="steps", values=(10, 20)), Axis(name="guidance", values=(1.0, 3.0, 7.0)))
    plan = SweepPlan(subject_id="s" * 64, model="demo", base=InpaintParams(prompt="a beach"), axes=axes)
    ids = [made_up_run(number).id for number in range(6)]
    for number in range(5):
        commit(store, made_up_run(number))
    store.sweeps.add(made_up_sweep("abc123", cells=ids, plan=plan.to_json(), state="running"), ids)
    return "abc123"


@pytest.mark.parametrize(
    ("across", "down", "wide"), [(None, None, True), ("guidance", "steps", True), ("steps", "guidance", False)]
)
def test_a_contact_sheet_is_downloaded_with_the_axes_that_are_shown(
    client: TestClient, sweep_id: str, across: str | None, down: str | None, wide: bool
) -> None:
    answer = client.get(sheet_url(sweep_id, across=across, down=down))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.headers["content-disposition"].startswith('attachment; filename="bgen-steps-guidance-abc123.png"')
    assert answer.headers["cache-control"] == "no-store"
    image = Image.open(BytesIO(answer.content))
    image.load()
    assert (image.width > image.height) == wide


def test_a_zip_is_downloaded(client: TestClient, sweep_id: str) -> None:
    answer = client.get(zip_url(sweep_id))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["content-disposition"].startswith('attachment; filename="bgen-steps-guidance-abc123.zip"')
    names = zipfile.ZipFile(BytesIO(answer.content)).namelist()
    pictures = [name.rpartition("_")[0] for name in names if name.startswith("pictures/")]
    assert pictures == [f"pictures/{download_name(made_up_run(number))[:-4]}" for number in range(5)]
    assert names[-3:] == ["runs.csv", "bgen-runs.json", "not-included.txt"]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/download/sheet/nobody.png", 404, "No sweep is called 'nobody'"),
        ("/download/zip/nobody.zip", 404, "No sweep is called 'nobody'"),
        ("/download/sheet/abc123.png?x=strength", 400, "no axis 'strength': choose steps or guidance"),
        ("/download/sheet/abc123.png?x=steps&y=steps", 400, "cannot be both"),
        ("/download/sheet/abc123", 404, ""),
        ("/download/zip/abc123.png", 404, ""),
        ("/download/zip/..%2fabc123.zip", 404, ""),
    ],
)
def test_a_download_that_is_not_there_is_a_sentence(
    client: TestClient, sweep_id: str, path: str, status: int, words: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert words in answer.text
    assert "content-disposition" not in answer.headers


def test_asking_for_a_download_without_its_body_makes_nothing(client: TestClient, sweep_id: str) -> None:
    for url in (zip_url(sweep_id), sheet_url(sweep_id, across=None, down=None)):
        answer = client.head(url)
        assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("path", PATHS)
def test_a_page_knows_its_server_before_anything_else_of_it_runs(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    assert answer.text.index('BACKEND_BASE_URL: new URL(".", location.href)') < answer.text.index('src="./static/')
