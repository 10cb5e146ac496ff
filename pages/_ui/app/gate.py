"""The gate before everything that the server answers: pages, websocket, pictures, uploads, downloads.

See docs/decisions/password.md.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from urllib.parse import parse_qs, quote

import streamlit as st
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bgen_core.errors import BgenError, StoreError
from bgen_core.settings import Settings
from pages._ui.app import resources
from pages._ui.app.faults import told
from pages._ui.app.password import COOKIE, COOKIE_SECONDS, admits, is_right, new_cookie, prepare
from pages._ui.app.wrong_tries import WrongTries, too_many
from pages._ui.shared.html_templates import render

LOGIN = "/login"
OPEN_PATHS = ("/healthz", "/readyz")

_MOST_BYTES = 8192
_MOST_BODIES = 32  # at once: few beside the descriptors of any server
_REFUSED = (
    "No password is set, so this app answers its own machine alone: "
    "to share it, start it with BGEN_PASSWORD=… in its environment."
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class Gate:
    """ASGI middleware: with a password, nothing is answered before it was given; without one, only this machine is.

    Parameters
    ----------
    settings
        Asked at each request; cached by who gives it.
    wrong_seconds
        How long a wrong password waits for its answer.
    form_seconds
        How long the form with the password may take to come in: it is tiny, and sent by strangers.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: Callable[[], Settings] = resources.settings,
        wrong_seconds: float = 1.0,
        form_seconds: float = 10.0,
    ) -> None:
        self._app = app
        self._settings = settings
        self._wrong_seconds = wrong_seconds
        self._form_seconds = form_seconds
        self._tries = WrongTries()
        self._coming: deque[asyncio.Timeout] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            if problem := self._start_problem():
                await receive()
                await send({"type": "lifespan.startup.failed", "message": problem})
                return
        elif scope["path"] not in OPEN_PATHS:
            answer = await self._answer(scope, receive)
            if answer is not None and scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008, "reason": ""})
                return
            if answer is not None:
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _start_problem(self) -> str:
        """Why the server must not start, in one sentence; empty where it may."""
        try:
            settings = self._settings()
            prepare(settings)
        except BgenError as error:
            return str(error)
        address = st.get_option("server.address")
        if settings.password is None and not is_loopback(address):
            shown = address or "not set, which means every address"
            return (
                f"server.address is {shown}: other machines would reach the app without a password. "
                "Start it with BGEN_PASSWORD=… in its environment, or with --server.address 127.0.0.1."
            )
        return ""

    async def _answer(self, scope: Scope, receive: Receive) -> Response | None:
        """What is answered instead of the app; None where the app may answer."""
        settings = self._settings()
        if settings.password is None:
            return None if _is_from_here(scope) else PlainTextResponse(_REFUSED, 403, _HEADERS)
        connection = HTTPConnection(scope)
        try:
            entered = admits(connection.cookies.get(COOKIE), settings)
        except StoreError as error:
            return PlainTextResponse(told(error), 503, _HEADERS)
        asked_login = scope["path"] == LOGIN
        if scope["type"] == "websocket":
            return None if entered else Response(status_code=403)
        request = Request(scope, receive)
        if asked_login and request.method == "POST":
            return await self._login(request, settings)
        if entered:
            return RedirectResponse("/", 303, _HEADERS) if asked_login else None
        if request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", ""):
            query = f"?{request.url.query}" if request.url.query else ""
            return _form("/" if asked_login else quote(scope["path"]) + query, status=401)
        return PlainTextResponse(f"This needs the password: give it at {LOGIN}.", 401, _HEADERS)

    async def _login(self, request: Request, settings: Settings) -> Response:
        body = await self._form_body(request)
        if isinstance(body, Response):
            return body
        fields = parse_qs(body.decode("utf-8", "replace"))
        tried, target = (fields.get(name, [""])[0] for name in ("password", "next"))
        target = within_app(target)
        address = request.client.host if request.client else ""
        if pause := self._tries.pause(address):
            return _form(target, too_many(pause), status=429)
        if not is_right(tried, settings):
            self._tries.add(address)
            await self._tries.slow_down(self._wrong_seconds)
            return _form(target, "This is not the password.", status=401)
        self._tries.forget(address)
        response = RedirectResponse(target, 303, _HEADERS)
        response.set_cookie(
            COOKIE,
            new_cookie(settings),
            max_age=COOKIE_SECONDS,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return response

    async def _form_body(self, request: Request) -> bytes | Response:
        """What the form sent, or the answer where it does not come in time.

        Where too many are on their way, the one that has taken longest gives way: a person's form comes at once, so
        nobody keeps people out with forms that never come.
        """
        limit = asyncio.timeout(self._form_seconds)
        body = b""
        try:
            async with limit:
                self._coming.append(limit)
                if len(self._coming) > _MOST_BODIES:
                    _end_now(self._coming.popleft())
                async for piece in request.stream():
                    body += piece
                    if len(body) > _MOST_BYTES:
                        return PlainTextResponse("This is longer than any password.", 413, _HEADERS)
        except TimeoutError:
            # Plain: reading the form's file needs a descriptor, of which there may be none at this moment.
            if limit in self._coming:
                return PlainTextResponse(
                    f"This did not come within {self._form_seconds:g} s: try again.", 408, _HEADERS
                )
            return PlainTextResponse("Too many give a password at this moment: try again.", 503, _HEADERS)
        finally:
            if limit in self._coming:
                self._coming.remove(limit)
        return body


def _end_now(limit: asyncio.Timeout) -> None:
    if not limit.expired():
        limit.reschedule(asyncio.get_running_loop().time())


def within_app(target: str) -> str:
    """The target where it is a path of this app, else the first page: a link to the form leads nowhere else."""
    return target if re.fullmatch(r"/(?![/\\])[!-\[\]-~]*", target) else "/"


def is_loopback(address: str | None) -> bool:
    """Whether only this machine reaches an address; false where it is not known."""
    if address == "localhost":
        return True
    try:
        found = ip_address(address or "")
    except ValueError:
        return False
    # Python 3.11 does not take ::ffff:127.0.0.1 for a loopback address.
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).is_loopback


def _is_from_here(scope: Scope) -> bool:
    """Whether the connection came in at a loopback address or a Unix socket, whatever the server was bound to."""
    host, port = scope.get("server") or ("", 0)
    return port is None or is_loopback(host)


def _form(target: str, problem: str = "", *, status: int) -> Response:
    return HTMLResponse(render("app/login.html", action=LOGIN, target=target, problem=problem), status, _HEADERS)
