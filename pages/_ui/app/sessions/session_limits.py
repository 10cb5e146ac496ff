"""How many pages may be open at once: each is a session of Streamlit with memory and threads of its own."""

from collections import Counter
from collections.abc import Callable

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bgen_core.settings import Settings
from pages._ui.app import resources
from pages._ui.app.page_files import PATHS
from pages._ui.app.visitor_cookie import connected_visitor
from pages._ui.app.wrong_tries import network_of

_ALL = ""


class OpenPages:
    """How many pages are open in this process."""

    def __init__(self) -> None:
        self.number = 0


OPEN_PAGES = OpenPages()


class SessionLimits:
    """ASGI middleware: opens no more websockets than may be, and says so to who asks for another page.

    One address may have half of all, whoever they say they are: a proxy that names no addresses counts as one.
    """

    def __init__(self, app: ASGIApp, *, settings: Callable[[], Settings] = resources.settings) -> None:
        self._app = app
        self._settings = settings
        self._open = Counter[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        senders = self._senders(scope)
        if scope["type"] == "http":
            if scope["method"] == "GET" and scope["path"] in PATHS and (problem := self._problem(senders)):
                answer = PlainTextResponse(problem, 503, {"Cache-Control": "no-store", "Retry-After": "60"})
                await answer(scope, receive, send)
                return
            await self._app(scope, receive, send)
            return
        if self._problem(senders):
            await send({"type": "websocket.close", "code": 1013, "reason": ""})
            return
        self._open.update(senders.keys())
        OPEN_PAGES.number += 1
        try:
            await self._app(scope, receive, send)
        finally:
            OPEN_PAGES.number -= 1
            self._open.subtract(senders.keys())
            self._open += Counter()  # what is at 0 is forgotten

    def _senders(self, scope: Scope) -> dict[str, tuple[str, int]]:
        """Who counts for this connection -> what a sentence calls them, and how many pages they may have."""
        settings, connection = self._settings(), HTTPConnection(scope)
        most, each = settings.max_sessions, settings.max_sessions_each
        address = network_of(connection.client.host if connection.client else "")
        visitor = connected_visitor(connection.headers, connection.cookies)
        return {
            _ALL: ("All visitors", most),
            f"address {address}": ("Your address", -(-most // 2)) if visitor else ("Your address", each),
        } | ({f"visitor {visitor.id}": ("You", each)} if visitor else {})

    def _problem(self, senders: dict[str, tuple[str, int]]) -> str:
        for sender, (name, most) in senders.items():
            if self._open[sender] >= most:
                has = "has" if name == "Your address" else "have"
                return (
                    f"{name} {has} {self._open[sender]:,} pages open, and {most:,} are allowed: close one and "
                    "reload this."
                )
        return ""
