"""A cookie that knows a browser of this machine again, where nobody is asked who they are.

Its own sweeps stay its own after a reload and on another day. Elsewhere it says nothing: it is not signed.
"""

import re
import uuid
from collections.abc import Callable, Mapping

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bgen_core.ids import VisitorId
from bgen_core.records.visitor import Visitor
from pages._ui.identity.handed_on import visitor_in

COOKIE = "bgen-visitor"
SECONDS = 400 * 24 * 3600  # the longest that browsers keep one


def known_visitor(cookies: Mapping[str, str]) -> Visitor | None:
    """Who visits, or None where the browser brings no name that this program wrote."""
    name = cookies.get(COOKIE, "")
    return _at_this_machine(name) if re.fullmatch(r"[0-9a-f]{12}", name) else None


def connected_visitor(headers: Mapping[str, str], cookies: Mapping[str, str]) -> Visitor | None:
    """Who sends this, behind the gate: whom it handed on, or where it asks nobody, whom the browser's cookie names."""
    return visitor_in(headers) or known_visitor(cookies)


def new_visitor() -> Visitor:
    """Somebody who was never here. Whoever is at this machine could change all its files too."""
    return _at_this_machine(uuid.uuid4().hex[:12])


def _at_this_machine(name: str) -> Visitor:
    return Visitor(id=VisitorId(name), role="admin", is_local=True)


class VisitorCookie:
    """ASGI middleware: gives every browser that asks for a page a random name, once.

    The name is no key to anything: whoever is at this machine may see and change everything. It says alone whose turn
    it is, and whose vote.

    Parameters
    ----------
    is_wanted
        Whether nobody is asked who they are.
    """

    def __init__(self, app: ASGIApp, *, is_wanted: Callable[[], bool] = lambda: True) -> None:
        self._app = app
        self._is_wanted = is_wanted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _asks_for_a_page(HTTPConnection(scope)) or not self._is_wanted():
            await self._app(scope, receive, send)
            return
        secure = "; Secure" if scope["scheme"] == "https" else ""
        cookie = f"{COOKIE}={new_visitor().id}; Max-Age={SECONDS}; Path=/; HttpOnly; SameSite=lax{secure}"

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("Set-Cookie", cookie)
            await send(message)

        await self._app(scope, receive, send_with_cookie)


def _asks_for_a_page(connection: HTTPConnection) -> bool:
    wanted = connection.headers.get("accept", "")
    return "text/html" in wanted and known_visitor(connection.cookies) is None
