"""Uploads of strangers: raw requests at Streamlit's own endpoint, which takes any file for any session."""

import asyncio
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from streamlit import config
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.web.server.starlette.starlette_app_utils import generate_xsrf_token_string
from streamlit.web.server.starlette.starlette_routes import create_upload_routes

from bgen_core.ids import VisitorId
from bgen_core.records.visitor import Visitor
from bgen_core.settings import Settings, load_settings
from pages._ui.app import upload_limits
from pages._ui.app.field_files import MOST_FILES, FieldFiles, most_bytes, watched_fields
from pages._ui.app.upload_limits import UploadLimits
from pages._ui.app.visitor_cookie import COOKIE, VisitorCookie
from pages._ui.identity.handed_on import with_visitor

MB = 1_000_000
ME, OTHER = "a" * 12, "b" * 12
TOKEN = generate_xsrf_token_string(b"x" * 16)
BOUNDARY = "frontier"


class Uploads:
    """A server with the sessions of two visitors, and a browser of the first one's."""

    def __init__(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings = settings
        self.manager = MemoryUploadedFileManager("/_stcore/upload_file")
        self.owners = {"mine": ME, "second": ME, "theirs": OTHER}
        self.handed_on: dict[str, dict[str, str]] = {}  # by the gate, where it knows people
        runtime = SimpleNamespace(
            uploaded_file_mgr=self.manager,
            is_active_session=self.owners.__contains__,
            get_client=lambda session: (
                SimpleNamespace(
                    client_context=SimpleNamespace(
                        cookies={COOKIE: self.owners[session]}, headers=self.handed_on.get(session, {}).items()
                    )
                )
                if session in self.owners
                else None
            ),
        )
        monkeypatch.setattr(Runtime, "instance", lambda: runtime)
        self.files = FieldFiles(lambda: self.settings)
        self.app = Starlette(
            routes=create_upload_routes(runtime, self.manager, None),  # pyright: ignore[reportArgumentType]
            middleware=[
                Middleware(VisitorCookie),
                Middleware(UploadLimits, files=self.files, settings=lambda: self.settings),
            ],
        )

    def announced(self, name: str = "photo.jpg", session: str = "mine") -> str:
        """The address that a field of a page got for a file."""
        (url,) = self.manager.get_upload_urls(session, [name])
        self.files.announce(session, [name], [url.file_id])
        return url.upload_url

    def put(
        self,
        url: str,
        length: int | Iterable[int] = 1000,
        *,
        visitor: str = ME,
        method: str = "PUT",
        headers: dict[str, str] | None = None,
    ) -> tuple[int, str]:
        """Send a file of a length, or without one in pieces of these."""
        pieces = [length] if isinstance(length, int) else list(length)
        sent = {
            "content-type": f"multipart/form-data; boundary={BOUNDARY}",
            "cookie": f"{COOKIE}={visitor}; _streamlit_xsrf={TOKEN}",
            "x-xsrftoken": TOKEN,
        }
        body = multipart(pieces)
        content = b"".join(body) if isinstance(length, int) else iter(body)
        client = TestClient(self.app, base_url="http://127.0.0.1")
        answer = client.request(method, url, content=content, headers=sent | (headers or {}))
        return answer.status_code, answer.text

    @property
    def held(self) -> list[int]:
        return sorted(len(each.data) for files in self.manager.file_storage.values() for each in files.values())


def multipart(pieces: Iterable[int]) -> list[bytes]:
    head = (
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=file; filename=a.jpg\r\nContent-Type: image/jpeg\r\n\r\n"
    )
    return [head.encode(), *(b"x" * length for length in pieces), f"\r\n--{BOUNDARY}--\r\n".encode()]


@pytest.fixture
def longest_zip() -> Iterator[None]:
    before = config.get_option("server.maxUploadSize")
    config.set_option("server.maxUploadSize", 7)
    yield
    config.set_option("server.maxUploadSize", before)


@pytest.fixture
def uploads(longest_zip: None, monkeypatch: pytest.MonkeyPatch) -> Uploads:
    settings = load_settings(max_upload_mb=1, max_megapixels=1, max_uploads_mb_each=3, max_uploads_mb=5)
    return Uploads(settings, monkeypatch)


def test_a_file_of_a_field_comes_in(uploads: Uploads):
    assert uploads.put(uploads.announced(), MB) == (204, "")
    assert uploads.put(uploads.announced(session="theirs"), [300, 400], visitor=OTHER) == (204, "")
    assert uploads.held == [700, MB]


@pytest.mark.parametrize(
    ("url", "status", "sentence"),
    [
        ("/_stcore/upload_file/nobody/a", 400, upload_limits._OLD_PAGE),
        ("/_stcore/upload_file/theirs/a", 403, upload_limits._OLD_PAGE),
        ("/_stcore/upload_file/mine/a", 403, upload_limits._NO_FIELD),
        ("/bgen/_stcore/upload_file/mine/a", 403, upload_limits._NO_FIELD),
        ("/_stcore/upload_file/mine/%2e%2e", 403, upload_limits._NO_FIELD),
    ],
)
def test_a_file_for_no_field_is_refused(uploads: Uploads, url: str, status: int, sentence: str):
    assert uploads.put(url) == (status, sentence)
    assert uploads.held == []


def test_the_address_of_another_one_s_field_takes_and_gives_nothing(uploads: Uploads):
    theirs = uploads.announced(session="theirs")
    assert uploads.put(theirs)[0] == 403
    assert uploads.put(theirs, visitor=OTHER)[0] == 204
    assert uploads.put(theirs, method="DELETE")[0] == 403
    assert uploads.put(theirs, visitor="", method="DELETE")[0] == 403
    assert uploads.held == [1000]
    assert uploads.put(theirs, visitor=OTHER, method="DELETE")[0] == 204
    assert uploads.held == []


def test_a_file_is_whose_login_announced_it_whatever_the_unsigned_cookie_says(uploads: Uploads):
    def known_as(visitor_id: str, name: str = "Anna") -> dict[str, str]:
        scope = with_visitor({"headers": []}, Visitor(id=VisitorId(visitor_id), name=name))
        return {key.decode(): value.decode() for key, value in scope["headers"]}

    uploads.handed_on["mine"] = known_as("anna")
    mine = uploads.announced()
    assert uploads.put(mine, headers=known_as("eve"))[0] == 403
    assert uploads.put(mine)[0] == 403
    assert uploads.put(mine, visitor=OTHER, headers=known_as("anna", "renamed meanwhile"))[0] == 204


@pytest.mark.parametrize(
    ("name", "length", "status"),
    [
        ("photo.jpg", MB, 204),
        ("photo.jpg", 2 * MB, 413),
        ("photo.jpg", [MB, MB], 413),
        ("PHOTO.HEIC", [MB, 400_000], 413),
        ("no suffix", 2 * MB, 413),
        ("our.png", 2 * MB, 204),
        ("our.png", [MB] * 4, 413),
        ("runs.zip", 2 * MB, 204),
    ],
)
def test_a_file_is_as_long_as_its_kind_may_be(uploads: Uploads, name: str, length: int | list[int], status: int):
    answer = uploads.put(uploads.announced(name), length)
    assert answer[0] == status
    if status == 413:
        assert "MB are allowed" in answer[1]
        assert uploads.held == []


def test_a_length_that_is_a_lie_is_of_no_use(uploads: Uploads):
    photo = uploads.announced()
    assert uploads.put(photo, [MB, MB], headers={"content-length": "10"})[0] == 413
    assert uploads.put(photo, 10, headers={"content-length": "9" * 15}) == (
        413, "This file has 1,000,000,000.0 MB or more, and 1.0 MB are allowed."
    )  # fmt: skip
    for garbage in ("-5", "1e3", "", "9" * 40):
        assert uploads.put(photo, 10, headers={"content-length": garbage})[0] == 400
    assert uploads.held == []


def test_what_is_too_long_is_not_read_to_its_end(uploads: Uploads):
    read: list[int] = []

    def pieces() -> Iterator[bytes]:
        yield multipart([])[0]
        for number in range(1000):
            read.append(number)
            yield b"x" * 100_000

    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", "x-xsrftoken": TOKEN}
    headers["cookie"] = f"{COOKIE}={ME}; _streamlit_xsrf={TOKEN}"
    path = uploads.announced()
    sent: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    body = pieces()

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": next(body), "more_body": True}

    scope = {
        "type": "http", "method": "PUT", "path": path, "raw_path": path.encode(), "query_string": b"", "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()], "http_version": "1.1",
        "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 5000),
    }  # fmt: skip
    asyncio.run(uploads.app(scope, receive, send))  # pyright: ignore[reportArgumentType]
    assert sent[0]["status"] == 413
    assert len(read) < 15


def test_one_visitor_s_files_are_bounded_in_all_their_pages(uploads: Uploads):
    assert uploads.put(uploads.announced("a.zip"), 2 * MB)[0] == 204
    assert uploads.put(uploads.announced("b.zip", session="second"), 2 * MB) == (
        413,
        "Your files in hand would have 4.0 MB, and 3.0 MB are allowed: close other pages with files, "
        "or try again later.",
    )
    assert uploads.put(uploads.announced("b.zip", session="second"), [MB, MB])[0] == 413
    assert uploads.put(uploads.announced("c.zip", session="theirs"), 2 * MB, visitor=OTHER)[0] == 204
    uploads.settings = load_settings(max_uploads_mb=5)
    assert uploads.put(uploads.announced("d.zip", session="theirs"), 2 * MB, visitor=OTHER) == (
        503,
        "The files of all visitors in hand would have 6.0 MB, and 5.0 MB are allowed: close other pages with files, "
        "or try again later.",
    )
    assert uploads.held == [2 * MB, 2 * MB]


def test_a_file_takes_the_place_of_the_one_before(uploads: Uploads):
    url = uploads.announced("a.zip")
    assert [uploads.put(url, 2 * MB)[0] for _ in range(3)] == [204] * 3
    assert uploads.held == [2 * MB]


def test_many_small_files_are_refused(uploads: Uploads):
    answers = [uploads.put(uploads.announced(), 1)[0] for _ in range(MOST_FILES + 2)]
    assert answers == [204] * MOST_FILES + [429] * 2
    assert uploads.put(uploads.announced(), 1)[1] == "This page holds 220 files, and 220 are allowed: reload it."


def test_files_that_no_page_reads_any_more_give_way(uploads: Uploads, monkeypatch: pytest.MonkeyPatch):
    first, second = uploads.announced("a.zip"), uploads.announced("b.jpg")
    for url in (first, second):
        assert uploads.put(url, MB)[0] == 204
        uploads.files.ask("mine", [url.rpartition("/")[2]])
    later = time.monotonic() + upload_limits._IDLE_SECONDS + 1
    monkeypatch.setattr(upload_limits.time, "monotonic", lambda: later)
    uploads.files.ask("mine", [second.rpartition("/")[2]])
    assert uploads.put(uploads.announced("c.zip"), 2 * MB)[0] == 204
    assert uploads.held == [MB, 2 * MB]
    assert uploads.put(second, method="DELETE")[0] == 204
    assert uploads.held == [2 * MB]


def test_a_file_that_no_field_asks_for_goes(uploads: Uploads, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(upload_limits, "UNASKED_SECONDS", 0.0)
    asked, unasked = uploads.announced(), uploads.announced()
    uploads.files.ask("mine", [asked.rpartition("/")[2]])
    with TestClient(uploads.app, base_url="http://127.0.0.1"):
        assert uploads.put(asked, 500)[0] == 204
        assert uploads.put(unasked, 700)[0] == 204
    assert uploads.held == [500]


def test_files_wait_for_the_others_of_their_page(uploads: Uploads):
    """A field for many files reads none of them before all have come, however long that takes."""
    url = uploads.announced()
    uploads.manager.add_file("mine", UploadedFileRec(url.rpartition("/")[2], "a.jpg", "image/jpeg", b"x" * 500))
    limits = UploadLimits(uploads.app, files=uploads.files, settings=lambda: uploads.settings)
    another = upload_limits._Coming(("mine", "another"), VisitorId(ME))

    async def look() -> None:
        limits._drop_unasked(("mine", url.rpartition("/")[2]))

    limits._coming.append(another)
    asyncio.run(look())
    assert uploads.held == [500]
    limits._coming.remove(another)
    limits._came["mine"] = time.monotonic()
    asyncio.run(look())
    assert uploads.held == [500]
    limits._came["mine"] -= upload_limits.UNASKED_SECONDS
    asyncio.run(look())
    assert uploads.held == []


def test_what_a_field_needs_no_more_gives_its_memory_back(uploads: Uploads, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Runtime, "exists", lambda: True)
    first, second = (uploads.announced() for _ in range(2))
    for length, url in ((500, first), (700, second)):
        assert uploads.put(url, length)[0] == 204
        uploads.files.ask("mine", [url.rpartition("/")[2]])
    uploads.files.let_go("mine", first.rpartition("/")[2])
    assert uploads.held == [700]
    assert uploads.files.asked(("mine", first.rpartition("/")[2])) is None


def test_nothing_comes_in_while_the_disk_is_nearly_full(uploads: Uploads, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=10**12, used=0, free=900 * MB))
    status, sentence = uploads.put(uploads.announced())
    assert status == 507
    assert sentence.startswith("The server's disk has 900 MB free, 1 MB more are wanted, and 1,000 MB stay free:")
    assert str(uploads.settings.home) not in sentence
    assert uploads.held == []


def test_a_page_says_once_why_its_file_was_refused(uploads: Uploads):
    _, sentence = uploads.put(uploads.announced(), 2 * MB)
    assert uploads.files.take_refusal("mine") == sentence
    assert uploads.files.take_refusal("mine") == ""
    uploads.put("/_stcore/upload_file/nobody/a")
    assert uploads.files._refused == {}


def test_addresses_that_are_asked_for_and_never_used_are_forgotten(uploads: Uploads):
    for number in range(1000):
        uploads.files.announce("mine", ["a.jpg"] * 3, [f"{number}-{each}" for each in range(3)])
    assert uploads.files.most_bytes(("mine", "0-0")) is None
    assert uploads.files.most_bytes(("mine", "999-0")) == MB
    del uploads.owners["mine"]
    uploads.files.announce("second", ["a.jpg"], ["f"])
    assert list(uploads.files._tickets) == ["second"]


@pytest.mark.parametrize(
    ("name", "expected"), [("a.jpg", 25 * MB), ("a.PNG", 140 * MB), ("a.zip", 7 * 2**20), ("zip", 25 * MB)]
)
def test_what_a_name_says_of_a_length(uploads: Uploads, name: str, expected: int):
    assert most_bytes(name, load_settings()) == expected


@pytest.fixture
def no_runtime(longest_zip: None) -> Iterator[None]:
    """Streamlit allows one server in a process."""
    before, Runtime._instance = Runtime._instance, None
    yield
    Runtime._instance = before


def test_fields_of_a_page_tell_what_they_announce(no_runtime: None, tmp_path: Path):
    script = tmp_path / "page.py"
    script.write_text("")
    files = FieldFiles(lambda: load_settings(max_upload_mb=301))
    with TestClient(st.App(script), base_url="http://127.0.0.1") as client, watched_fields(files):
        assert config.get_option("server.maxUploadSize") == 288  # of 2^20 bytes
        with client.websocket_connect("/_stcore/stream", subprotocols=["streamlit"]) as socket:
            ask = BackMsg()
            ask.file_urls_request.request_id = "1"
            ask.file_urls_request.file_names.extend(["a.jpg"] * 1000)
            socket.send_bytes(ask.SerializeToString())
            while True:
                told = ForwardMsg()
                told.ParseFromString(socket.receive_bytes())
                if told.WhichOneof("type") == "file_urls_response":
                    break
            urls = told.file_urls_response.file_urls
            assert len(urls) == MOST_FILES
            session = urls[0].upload_url.split("/")[-2]
            assert files.most_bytes((session, urls[0].file_id)) == 301 * MB
            Runtime.instance().uploaded_file_mgr.get_files(session, [urls[0].file_id])
            assert files.asked((session, urls[0].file_id)) is not None
