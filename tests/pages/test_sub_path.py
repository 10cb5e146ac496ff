"""On a host that it shares, the app lies in a folder: behind `SubPath` it knows nothing of that."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from pages._ui.app import sub_path as module
from pages._ui.app.sub_path import SubPath, sub_path
from pages._ui.shared.html_templates import render

PAGES = Path(__file__).parents[2] / "pages"


def told(request: Request) -> Response:
    return PlainTextResponse(request.scope["path"])


def leads(request: Request) -> Response:
    answer = RedirectResponse(request.query_params["to"], 303)
    answer.set_cookie("a", "b", path="/", httponly=True)
    answer.set_cookie("c", "d", path="/own")
    return answer


async def socket(connection: WebSocket) -> None:
    await connection.accept()
    await connection.send_text(connection.scope["path"])
    await connection.close()


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setattr(module, "sub_path", lambda: "/bgen")
    routes = [Route("/leads", leads), WebSocketRoute("/stream", socket), Route("/{path:path}", told)]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(SubPath)]), follow_redirects=False)


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ("/bgen/", "/"),
        ("/bgen/sweep", "/sweep"),
        ("/bgen/i/a.png", "/i/a.png"),
        ("/sweep", "/sweep"),  # of a proxy that takes the folder away
        ("/bgenother", "/bgenother"),
        ("/bgen/bgen/x", "/bgen/x"),
    ],
)
def test_the_app_sees_its_own_paths_whether_or_not_a_proxy_takes_the_folder_away(
    client: TestClient, asked: str, seen: str
) -> None:
    assert client.get(asked).text == seen


def test_a_websocket_is_found_in_the_folder(client: TestClient) -> None:
    with client.websocket_connect("/bgen/stream") as connection:
        assert connection.receive_text() == "/stream"


def test_the_folder_without_its_slash_leads_into_it(client: TestClient) -> None:
    answer = client.get("/bgen")
    assert (answer.status_code, answer.headers["location"]) == (308, "/bgen/")


@pytest.mark.parametrize(
    ("to", "location"),
    [("/", "/bgen/"), ("/sweep?id=1", "/bgen/sweep?id=1"), ("sweep", "sweep"), ("https://a.org/x", "https://a.org/x")],
)
def test_answers_lead_into_the_folder_and_cookies_are_for_it_alone(client: TestClient, to: str, location: str) -> None:
    answer = client.get("/bgen/leads", params={"to": to})
    assert answer.headers["location"] == location
    first, second = answer.headers.get_list("set-cookie")
    assert "Path=/bgen" in first.split("; ") and "HttpOnly" in first.split("; ")
    assert "Path=/own" in second.split("; ")


def test_the_folder_is_that_of_the_public_address(monkeypatch: pytest.MonkeyPatch) -> None:
    settings: Callable[[], object] = lambda: type("Settings", (), {"public_url": "https://tools.example.org/a/bgen"})  # noqa: E731
    monkeypatch.setattr(module.resources, "settings", settings)
    assert sub_path() == "/a/bgen"
    form = render("identity/login.html", action="/login", target="/", problem="", name="", longest=40)
    assert 'action="/a/bgen/login"' in form


def test_nothing_in_pages_is_named_from_the_root_of_the_host() -> None:
    """Such a link leads out of the folder; forms of templates begin with `sub_path()`."""
    rooted = re.compile(
        r"""["'`]/(?:i|download|run|sweep|compare|subject|static|media|component|_stcore)(?:[/?.]|["'`])"""
    )
    sources = [path for suffix in ("js", "html", "css") for path in PAGES.rglob(f"*.{suffix}")]
    assert sources
    assert [str(path) for path in sources if rooted.search(path.read_text(encoding="utf-8"))] == []
    forms = [form for path in PAGES.rglob("*.html") for form in re.findall(r'action="([^"]*)"', path.read_text())]
    assert forms and all(form.startswith(("{{ sub_path() }}{{ ", "{{ here }}/")) for form in forms)  # beside the page
