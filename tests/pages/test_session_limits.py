"""Many pages of one visitor, one address, and all."""

from contextlib import ExitStack

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from bgen_core.settings import load_settings
from pages._ui.app.sessions.session_limits import SessionLimits
from pages._ui.app.visitor_cookie import COOKIE

ADA, MAX, EVE = (letter * 12 for letter in "abe")
BROWSER = {"accept": "text/html,*/*;q=0.8"}


async def page(request: Request) -> PlainTextResponse:
    return PlainTextResponse("a page")


async def stream(websocket: WebSocket) -> None:
    await websocket.accept()
    if (await websocket.receive()).get("text") == "fail":
        raise ZeroDivisionError


class Server:
    """A server that allows 6 pages, of one visitor 2."""

    def __init__(self) -> None:
        settings = load_settings(max_sessions=6, max_sessions_each=2)
        self._app = Starlette(
            routes=[WebSocketRoute("/_stcore/stream", stream), Route("/{path:path}", page)],
            middleware=[Middleware(SessionLimits, settings=lambda: settings)],
        )
        self.open = ExitStack()

    def browser(self, visitor: str, at: str = "192.0.2.1") -> TestClient:
        headers = {"cookie": f"{COOKIE}={visitor}"} if visitor else {}
        return TestClient(self._app, base_url="http://127.0.0.1", client=(at, 5000), headers=headers)

    def opens(self, visitor: str, at: str = "192.0.2.1") -> bool:
        try:
            self.open.enter_context(self.browser(visitor, at).websocket_connect("/_stcore/stream"))
        except WebSocketDisconnect as refused:
            assert refused.code == 1013
            return False
        return True


@pytest.fixture
def server() -> Server:
    return Server()


def test_a_visitor_has_so_many_pages_and_others_theirs(server: Server):
    with server.open:
        assert [server.opens(ADA) for _ in range(3)] == [True, True, False]
        assert server.opens(ADA, at="198.51.100.1") is False
        assert server.opens(MAX, at="198.51.100.1")
        refused = server.browser(ADA).get("/sweep", headers=BROWSER)
        assert (refused.status_code, refused.text) == (
            503,
            "You have 2 pages open, and 2 are allowed: close one and reload this.",
        )
        assert server.browser(ADA).get("/download/zip/a.zip", headers=BROWSER).status_code == 200
        assert server.browser(MAX).get("/sweep", headers=BROWSER).status_code == 200
    assert server.opens(ADA)
    server.open.close()


def test_who_says_to_be_many_has_half_of_all(server: Server):
    with server.open:
        assert [server.opens(f"{number:012x}") for number in range(4)] == [True, True, True, False]
        assert server.opens(ADA, at="198.51.100.1")
        refused = server.browser(EVE).get("/", headers=BROWSER)
        assert refused.text.startswith("Your address has 3 pages open, and 3 are allowed:")


def test_without_a_cookie_an_address_is_a_visitor(server: Server):
    with server.open:
        assert [server.opens("", at=f"2001:db8::{number}") for number in range(3)] == [True, True, False]


def test_all_together_have_so_many(server: Server):
    with server.open:
        answers = [server.opens(f"{number:012x}", at=f"198.51.100.{number}") for number in range(8)]
        assert answers == [True] * 6 + [False] * 2
        refused = server.browser(ADA).get("/", headers=BROWSER)
        assert refused.text.startswith("All visitors have 6 pages open, and 6 are allowed:")


def test_a_page_that_fails_is_open_no_more(server: Server):
    for _ in range(4):
        with pytest.raises(ZeroDivisionError), server.browser(ADA).websocket_connect("/_stcore/stream") as socket:
            socket.send_text("fail")
            socket.receive_text()
    assert server.opens(ADA)
    server.open.close()
