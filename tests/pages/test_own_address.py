"""Names and pages that are not this server's, and what every answer tells browsers."""

import tomllib
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit import config, net_util
from streamlit.web import bootstrap
from streamlit.web.server.starlette.starlette_websocket import _is_origin_allowed

from bgen_core.settings import load_settings
from pages._ui.app.answer_headers import AnswerHeaders
from pages._ui.app.own_address import OwnAddress
from pages._ui.routes.page_html import page_html
from tests.serving import PROJECT

HERE = "http://127.0.0.1:8501"


async def answer(request: Request) -> Response:
    page = {"/page": HTMLResponse(page_html()), "/own": HTMLResponse("", headers={"x-frame-options": "SAMEORIGIN"})}
    return page.get(request.url.path, PlainTextResponse("answered"))


async def socket(websocket: WebSocket) -> None:
    """As Streamlit's: it compares Origin and Host by itself."""
    assert _is_origin_allowed(websocket.headers.get("origin"), websocket.headers.get("host"))
    await websocket.accept()
    await websocket.send_text("answered")
    await websocket.close()


def client_at(url: str = HERE, password: str | None = None) -> TestClient:
    settings = load_settings(password=password)
    middleware = [Middleware(AnswerHeaders), Middleware(OwnAddress, settings=lambda: settings)]
    methods = ["GET", "POST", "PUT", "DELETE"]
    routes = [WebSocketRoute("/_stcore/stream", socket), Route("/{path:path}", answer, methods=methods)]
    return TestClient(Starlette(routes=routes, middleware=middleware), base_url=url)


@pytest.fixture(autouse=True)
def nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object, **__: object) -> None:
        raise AssertionError("an outside address was asked for this server's")

    monkeypatch.setattr(net_util, "_make_blocking_http_get", asked)


@pytest.fixture
def options() -> Iterator[None]:
    names = ("server.allowedHosts", "server.corsAllowedOrigins", "server.address", "browser.serverAddress")
    before = {name: config._config_options[name] for name in names if config._config_options}
    kept = {name: (option.value, option.where_defined) for name, option in before.items()}
    yield
    for name, (value, where) in kept.items():
        config._set_option(name, value, where)


def socket_opens(client: TestClient, **headers: str) -> bool:
    try:
        # The whole address: Starlette's client would name another host.
        url = str(client.base_url).replace("http", "ws", 1) + "/_stcore/stream"
        with client.websocket_connect(url, headers=headers) as opened:
            return opened.receive_text() == "answered"
    except WebSocketDisconnect:
        return False


@pytest.mark.parametrize(
    ("url", "origin", "is_own"),
    [
        (HERE, HERE, True),
        (HERE, None, True),  # a program
        ("http://localhost", "http://localhost:80", True),
        ("http://[::1]:8501", "http://[::1]:8501", True),
        (HERE, "http://127.0.0.1:9999", False),
        (HERE, "http://localhost:8501", False),
        (HERE, "http://evil.example", False),
        (HERE, "null", False),
        (HERE, "http://127.0.0.1:port", False),
        (HERE, "http://127.0.0.1:8501.evil.example", False),
    ],
)
def test_pages_of_others_change_nothing(url: str, origin: str | None, is_own: bool) -> None:
    client, headers = client_at(url), {"origin": origin} if origin else {}
    assert socket_opens(client, **headers) is is_own
    for method in ("POST", "PUT", "DELETE"):
        assert client.request(method, "/_stcore/upload_file/a/b", headers=headers).is_success is is_own
    assert client.get("/", headers=headers).is_success


def test_a_proxy_that_takes_tls_away_keeps_the_name() -> None:
    client = client_at("http://bgen.example", password="-")
    assert socket_opens(client, origin="https://bgen.example")
    assert not socket_opens(client, origin="https://bgen.example:8443")


def test_an_origin_that_the_operator_trusts_may(options: None) -> None:
    config.set_option("server.corsAllowedOrigins", ["https://portal.example"])
    client = client_at()
    assert socket_opens(client, origin="https://portal.example")
    assert not socket_opens(client, origin="https://portal.example.evil.example")


@pytest.mark.parametrize(
    ("host", "allowed", "password", "answers"),
    [
        ("localhost:8501", [], None, True),
        ("evil.example", [], None, False),
        ("127.0.0.1.evil.example", [], None, False),
        ("", [], None, False),
        ("a@localhost:x", [], None, False),
        ("bgen.example", [], "-", True),
        ("bgen.example", ["bgen.example"], None, True),
        ("BGEN.example.:443", ["bgen.example"], None, True),
        ("a.example", ["*.example"], None, True),
        ("example", ["*.example"], None, False),
        ("evil.example", ["bgen.example"], "-", False),
        ("anything", ["*"], None, True),
    ],
)
def test_the_server_answers_at_its_own_names(
    options: None, host: str, allowed: list[str], password: str | None, answers: bool
) -> None:
    config.set_option("server.allowedHosts", allowed)
    client = client_at(password=password)
    assert client.get("/", headers={"host": host}).is_success is answers
    assert socket_opens(client, host=host) is answers
    assert client.get("/healthz", headers={"host": host}).is_success


@pytest.mark.parametrize(
    ("auth", "host", "answers"),
    [
        ({"auth": "header"}, "evil.example", False),
        ({"auth": "header"}, "localhost:8501", True),
        ({"auth": "header", "public_url": "https://bgen.example"}, "bgen.example", True),
        ({"auth": "header", "public_url": "https://bgen.example"}, "evil.example", False),
        ({"public_url": "https://bgen.example"}, "bgen.example", True),
        ({"auth": "oidc"}, "any.example", True),  # its cookie is for the name at which it was given
    ],
)
def test_a_header_is_no_cookie_that_belongs_to_one_name(auth: dict[str, str], host: str, answers: bool) -> None:
    """A page that leads its own name to a trusted machine could send the header with a request."""
    settings = load_settings(**auth)
    app = Starlette(routes=[Route("/", answer)], middleware=[Middleware(OwnAddress, settings=lambda: settings)])
    assert TestClient(app).get("/", headers={"host": host}).is_success is answers


def test_nobody_is_asked_for_the_address_at_the_start(options: None, capsys: pytest.CaptureFixture[str]) -> None:
    name = tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text())["browser"]["serverAddress"]
    config.set_option("server.address", "0.0.0.0")
    config.set_option("browser.serverAddress", name)
    bootstrap._print_url(is_running_hello=False)
    assert "URL: http://127.0.0.1" in capsys.readouterr().out


@pytest.mark.parametrize("path", ["/page", "/i/a.png", "/anything"])
def test_every_answer_stays_out_of_frames_and_keeps_its_type(path: str) -> None:
    headers = client_at().get(path).headers
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "strict-transport-security" not in headers
    policy = headers.get("content-security-policy", "")
    assert ("frame-ancestors 'none'" in policy and "'unsafe-inline'; img" in policy) is (path == "/page")
    assert "script-src 'self' blob: 'unsafe-eval' 'sha256-" in policy or path != "/page"


def test_an_answer_may_say_otherwise_and_tls_stays() -> None:
    headers = client_at("https://localhost").get("/own").headers
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["strict-transport-security"] == "max-age=31536000"
