"""The shared password: nothing but the form without it, and no way around it."""

import asyncio
import os
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit.testing.v1 import AppTest

from bgen_core import server_secret
from bgen_core.authentication import is_loopback
from bgen_core.errors import UserInputError
from bgen_core.server_secret import SECRET_NAME
from bgen_core.settings import Settings, load_settings
from pages._ui.app import gate, page_files
from pages._ui.app.gate import Gate
from pages._ui.identity import logins
from pages._ui.identity.forms import within_app
from pages._ui.identity.logins import COOKIE

PROJECT = Path(page_files.SWEEP).parents[1]
SHELL = str(PROJECT / "pages" / "_ui" / "app" / "shell.py")
SECRET = "Größe & 日本"
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def settings() -> Settings:
    return load_settings(password=SECRET)


async def behind(request: Request) -> PlainTextResponse:
    return PlainTextResponse("behind the gate")


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("behind the gate")
    await websocket.close()


def gated(settings: Settings, url: str = "http://127.0.0.1") -> TestClient:
    routes = [WebSocketRoute("/_stcore/stream", socket), Route("/{path:path}", behind, methods=["GET", "POST", "PUT"])]
    app = Starlette(routes=routes, middleware=[Middleware(Gate, settings=lambda: settings, wrong_seconds=0)])
    return TestClient(app, base_url=url, follow_redirects=False)


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with gated(settings) as client:
        yield client


def enter(client: TestClient, tried: str = SECRET, target: str = "/"):
    return client.post("/login", data={"password": tried, "next": target})


@pytest.mark.parametrize("path", ["/", "/sweep", "/compare?ids=1", "/run?id=a", "/i/abc.png", "/login", "/static/x.js"])
def test_a_visitor_sees_the_form_alone(client: TestClient, path: str):
    answer = client.get(path, headers=BROWSER)
    assert answer.status_code == 401
    assert '<input id="password" name="password" type="password"' in answer.text
    assert f'name="next" value="{"/" if path == "/login" else path}"' in answer.text
    assert "behind the gate" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/i/" + "a" * 64 + ".png"),
        ("GET", "/i/" + "a" * 64 + ".webp?side=256"),
        ("GET", "/download/zip/abc.zip"),
        ("GET", "/download/sheet/abc.png"),
        ("GET", "/_stcore/host-config"),
        ("GET", "/media/abc.png"),
        ("GET", "/healthz/../i/a"),
        ("GET", "//healthz"),
        ("GET", "/healthz/"),
        ("HEAD", "/i/a.png"),
        ("PUT", "/_stcore/upload_file/session/file"),
        ("POST", "/sweep"),
        ("OPTIONS", "/"),
    ],
)
def test_what_a_program_asks_for_is_refused_in_a_sentence(client: TestClient, method: str, path: str):
    answer = client.request(method, path)
    assert answer.status_code == 401
    assert method == "HEAD" or answer.text == "This needs the password: give it at /login."


def test_the_server_says_that_it_lives_without_the_password(client: TestClient):
    assert client.get("/healthz").text == "behind the gate"


def test_the_websocket_is_closed_before_it_opens(client: TestClient):
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/_stcore/stream"):
        pass
    enter(client)
    with client.websocket_connect("/_stcore/stream", headers={"cookie": f"{COOKIE}={client.cookies[COOKIE]}"}) as open_:
        assert open_.receive_text() == "behind the gate"


def test_the_right_password_opens_everything_and_leads_back(client: TestClient):
    answer = enter(client, target="/sweep?id=1&x=steps")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sweep?id=1&x=steps")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie
    assert SECRET not in answer.headers["set-cookie"]
    for path in ("/", "/sweep", "/i/a.png", "/download/zip/a.zip"):
        assert client.get(path).text == "behind the gate"
    assert client.get("/login", headers=BROWSER).headers["location"] == "/"


def test_over_https_the_cookie_stays_there(settings: Settings):
    with gated(settings, "https://127.0.0.1") as client:
        assert "secure" in enter(client).headers["set-cookie"].lower()


@pytest.mark.parametrize("tried", ["", "wrong", SECRET + " ", SECRET[:-1], SECRET.upper(), "\x00", "x" * 2000])
def test_a_wrong_password_is_refused(client: TestClient, tried: str):
    answer = enter(client, tried, "/sweep?id=1")
    assert answer.status_code == 401
    assert "This is not the password." in answer.text
    assert 'value="/sweep?id=1"' in answer.text
    assert "set-cookie" not in answer.headers
    assert client.get("/").status_code == 401


def test_letters_that_a_keyboard_composes_otherwise_are_the_same(client: TestClient):
    assert unicodedata.normalize("NFD", SECRET) != SECRET
    assert enter(client, unicodedata.normalize("NFD", SECRET)).status_code == 303
    with gated(load_settings(password=unicodedata.normalize("NFD", SECRET))) as other:
        assert enter(other).status_code == 303


def test_a_body_that_is_no_form_is_refused(client: TestClient):
    assert client.post("/login", content=b"x" * 10_000).status_code == 413
    assert client.post("/login", content=b"\xff\xfe=%zz&&password").status_code == 401
    assert client.post("/login").status_code == 401


def test_a_wrong_password_waits(settings: Settings):
    app = Starlette(middleware=[Middleware(Gate, settings=lambda: settings, wrong_seconds=0.3)])
    with TestClient(app, base_url="http://127.0.0.1", follow_redirects=False) as client:
        begun = time.monotonic()
        enter(client, "wrong")
        assert time.monotonic() - begun >= 0.3


def test_many_wrong_passwords_close_the_form_for_a_while(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    for _ in range(gate.WrongTries.per_address):
        assert enter(client, "wrong").status_code == 401
    answer = enter(client)
    assert answer.status_code == 429
    assert "wait a minute" in answer.text
    monkeypatch.setattr(gate.WrongTries, "seconds", 0.0)
    assert enter(client).status_code == 303


def cookie_of(settings: Settings) -> str:
    with gated(settings) as client:
        enter(client, settings.password.get_secret_value() if settings.password else "")
        return client.cookies[COOKIE]


def admits(cookie: str | None, settings: Settings) -> bool:
    return logins.login_of({COOKIE: cookie} if cookie is not None else {}, settings) is not None


def test_only_a_fresh_cookie_of_this_server_and_password_is_taken(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    good = cookie_of(settings)
    assert admits(good, settings)
    other_password = load_settings(home=settings.home, password="another")
    other_server = load_settings(home=tmp_path / "other", password=SECRET)
    for cookie in (None, "", "in", good[:-1], good + "A", "x" + good, "in.ä.b", cookie_of(other_password)):
        assert not admits(cookie, settings), cookie
    assert not admits(cookie_of(other_server), settings)
    later = time.time() + logins.PASSWORD_SECONDS + 5
    monkeypatch.setattr(time, "time", lambda: later)
    assert not admits(good, settings)


def test_the_secret_is_kept_and_for_the_owner_alone(settings: Settings):
    good = cookie_of(settings)
    path = settings.home / SECRET_NAME
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in settings.home.iterdir()] == [SECRET_NAME]
    server_secret._kept_secret.cache_clear()  # as after a restart
    assert admits(good, settings)
    path.write_bytes(b"half")
    server_secret._kept_secret.cache_clear()
    assert not admits(good, settings)


@pytest.mark.parametrize(
    ("target", "leads_to"),
    [
        ("/", "/"),
        ("/sweep?id=1&x=a%20b", "/sweep?id=1&x=a%20b"),
        ("", "/"),
        ("sweep", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/\n/evil.example", "/"),
        (" //evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        ("/größe", "/"),
    ],
)
def test_the_form_leads_nowhere_else(client: TestClient, target: str, leads_to: str):
    assert within_app(target) == leads_to
    assert enter(client, target=target).headers["location"] == leads_to


def test_the_asked_address_cannot_write_into_the_form(client: TestClient):
    answer = client.get('/sweep?x="><script>alert(1)</script>', headers=BROWSER)
    assert "<script" not in answer.text


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("localhost", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.7", False),
        ("::ffff:10.0.0.1", False),
        ("localhost.evil.example", False),
        ("bgen.example.org", False),
        ("", False),
        (None, False),
    ],
)
def test_which_addresses_only_this_machine_reaches(address: str | None, loopback: bool):
    assert is_loopback(address) == loopback


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 200), ("[::1]", 200), ("192.0.2.7", 403)])
def test_without_a_password_other_machines_are_refused(tmp_path: Path, host: str, status: int):
    """However the server was bound: the address at which the connection came in decides."""
    with gated(load_settings(home=tmp_path), f"http://{host}") as client:
        answer = client.get("/", headers=BROWSER)
        assert answer.status_code == status
        assert status == 200 or answer.text == gate._REFUSED
        assert client.get("/healthz").status_code == 200
    assert not (tmp_path / SECRET_NAME).exists()


def started(settings: Settings, address: str | None, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the gate says to a server that starts; empty where the app itself was asked."""
    monkeypatch.setattr(gate.st, "get_option", {"server.address": address}.__getitem__)
    sent: list[dict[str, str]] = []

    async def app(scope: object, receive: object, send: object) -> None:
        sent.append({"message": ""})

    async def receive() -> dict[str, str]:
        return {"type": "lifespan.startup"}

    async def send(message: dict[str, str]) -> None:
        assert message["type"] == "lifespan.startup.failed"
        sent.append(message)

    asyncio.run(Gate(app, settings=lambda: settings)({"type": "lifespan"}, receive, send))  # pyright: ignore
    (message,) = sent
    return message["message"]


@pytest.mark.parametrize(("address", "starts"), [("127.0.0.1", True), ("0.0.0.0", False), ("::", False), (None, False)])
def test_a_start_beyond_this_machine_needs_a_password(
    tmp_path: Path, settings: Settings, address: str | None, starts: bool, monkeypatch: pytest.MonkeyPatch
):
    said = started(load_settings(home=tmp_path), address, monkeypatch)
    assert (said == "") == starts
    if not starts:
        assert "BGEN_PASSWORD=" in said
        assert "--server.address 127.0.0.1" in said
    assert started(settings, address, monkeypatch) == ""


def test_a_start_that_would_be_more_open_than_was_meant_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = load_settings(home=tmp_path, auth="header")
    assert started(header, "127.0.0.1", monkeypatch).startswith("BGEN_AUTH=header needs BGEN_TRUSTED_PROXIES")
    assert started(load_settings(home=tmp_path, auth="header", trusted_proxies="10.0.0.1"), None, monkeypatch) == ""


def test_a_home_that_cannot_be_written_is_a_sentence_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_text("")
    said = started(load_settings(home=tmp_path / "file", password=SECRET), "127.0.0.1", monkeypatch)
    assert said.startswith(f"The file {tmp_path / 'file' / SECRET_NAME} cannot be used")


@pytest.mark.slow
@pytest.mark.usefixtures("forked_processes")
def test_the_server_does_not_start_open():
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.address", "0.0.0.0"]
    ended = subprocess.run(
        [*command, "--server.port", "0"],
        cwd=PROJECT, env=os.environ.copy(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode != 0
    assert "Start it with BGEN_PASSWORD=… in its environment, or with --server.address 127.0.0.1." in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_empty_password_is_no_password_but_a_mistake(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BGEN_PASSWORD", "")
    with pytest.raises(UserInputError, match="BGEN_PASSWORD="):
        load_settings()


def test_the_password_is_not_shown(settings: Settings):
    assert SECRET not in f"{settings!r} {settings} {settings.model_dump_json()}"


@pytest.fixture
def fresh_cache() -> Iterator[None]:
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


@pytest.mark.parametrize("page", [None, page_files.SWEEP, page_files.COMPARE, page_files.RUN])
def test_the_shell_alone_shows_nothing_either(fresh_cache: None, monkeypatch: pytest.MonkeyPatch, page: str | None):
    monkeypatch.setenv("BGEN_PASSWORD", SECRET)
    at = AppTest.from_file(SHELL, default_timeout=60).run()
    if page:
        at.switch_page(page).run()
    assert [error.value for error in at.error] == [
        "This needs the password: start the server with streamlit_app.py, which asks for it."
    ]
    assert not at.title
    assert not at.button
