"""Which addresses are this server's own: pages of others may not speak to it."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bgen_core.authentication import is_loopback, mode_of
from bgen_core.settings import Settings
from pages._ui.app import resources
from pages._ui.app.gate import OPEN_PATHS

_HOST = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+))(?::\d{1,5})?")
_ONLY_READ = ("GET", "HEAD", "OPTIONS")
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class OwnAddress:
    """ASGI middleware: answers at names that are this server's, and its own pages alone may change something.

    A name is the server's where `server.allowedHosts` or BGEN_PUBLIC_URL has it. Where the first is empty, any is with
    a login, whose cookie belongs to one name; without one, the names of this machine alone are: an outside name that
    leads here is an attack (DNS rebinding). Streamlit 1.67 compares names at its websocket only, takes all pages of
    this machine for its own and asks an outside address for the server's before it refuses one.
    """

    def __init__(self, app: ASGIApp, *, settings: Callable[[], Settings] = resources.settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan" and scope["path"] not in OPEN_PATHS:
            problem = self._problem(scope)
            if problem and scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008, "reason": ""})
                return
            if problem:
                await PlainTextResponse(problem, 403, {"Cache-Control": "no-store"})(scope, receive, send)
                return
            if scope["type"] == "websocket" and _is_foreign(Headers(scope=scope)):  # and allowed
                scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"origin"]}
        await self._app(scope, receive, send)

    def _problem(self, scope: Scope) -> str:
        headers = Headers(scope=scope)
        host = _host_name(headers.get("host", ""))
        if not self._is_own_name(host):
            return (
                "This server does not answer at this name: open it at its own, or start it with "
                "--server.allowedHosts and the name."
            )
        changes = scope["type"] == "websocket" or scope["method"] not in _ONLY_READ
        if changes and _is_foreign(headers) and headers["origin"] not in st.get_option("server.corsAllowedOrigins"):
            return "A page of another address asked for this: open the app's own page."
        return ""

    def _is_own_name(self, host: str) -> bool:
        allowed: list[str] = st.get_option("server.allowedHosts")
        settings = self._settings()
        if host and host == urlsplit(settings.public_url).hostname:
            return True
        if allowed:
            return any(_matches(host, name.strip().lower().rstrip(".")) for name in allowed)
        return mode_of(settings) in ("password", "oidc") or is_loopback(host)


def _matches(host: str, name: str) -> bool:
    return name == "*" or (host.endswith(name[1:]) if name.startswith("*.") else host == name)


def _host_name(host: str) -> str:
    """The name without its port; empty where it is none."""
    named = _HOST.fullmatch(host)
    return (named[1] or named[2]).lower().rstrip(".") if named else ""


def _is_foreign(headers: Headers) -> bool:
    """Whether a browser says that another page asks than one of the host that is asked; programs say nothing."""
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        page, asked = urlsplit(origin), urlsplit(f"//{headers.get('host', '')}")
        usual = _PORTS.get(page.scheme)  # a proxy may have taken TLS away: the page's own scheme counts
        return usual is None or (page.hostname, page.port or usual) != (asked.hostname, asked.port or usual)
    except ValueError:
        return True
