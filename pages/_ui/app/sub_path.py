"""The folder in which the app lies on a host that it shares: /bgen of https://tools.example.org/bgen."""

from functools import cache
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

from pages._ui.app import resources


def take_over_from_streamlit() -> None:
    """Leave `server.baseUrlPath` to `SubPath`: Streamlit 1.67 serves its own routes in it, and the app's beside it."""
    if _given_to_streamlit():
        config.set_option("server.baseUrlPath", "")


@cache
def _given_to_streamlit() -> str:
    return str(st.get_option("server.baseUrlPath") or "").strip("/")


def sub_path() -> str:
    """The folder, without a slash at its end; empty where the app has a host name of its own."""
    given = _given_to_streamlit()
    return f"/{given}" if given else urlsplit(resources.settings().public_url).path.rstrip("/")


class SubPath:
    """ASGI middleware, before all others: behind it the app has its host for itself.

    A proxy may pass the folder on or take it away. Links in pages are relative; what a browser takes for the host's own
    is named in full here: where an answer leads to, and which paths a cookie is for.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        folder = "" if scope["type"] == "lifespan" else sub_path()
        if not folder:
            await self._app(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] == folder:
            await RedirectResponse(f"{folder}/", 308)(scope, receive, send)
        else:
            await self._app(_inside(scope, folder), receive, _in_full(send, folder))


def _inside(scope: Scope, folder: str) -> Scope:
    if not scope["path"].startswith(f"{folder}/"):
        return scope
    raw: bytes = scope.get("raw_path") or b""
    return {**scope, "path": scope["path"][len(folder) :], "raw_path": raw.removeprefix(folder.encode())}


def _in_full(send: Send, folder: str) -> Send:
    async def send_in_full(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            leads_to = headers.get("location", "")
            if leads_to.startswith("/") and not leads_to.startswith("//"):
                headers["location"] = folder + leads_to
            cookies = headers.getlist("set-cookie")
            del headers["set-cookie"]
            for cookie in cookies:
                headers.append("set-cookie", _for_folder(cookie, folder))
        await send(message)

    return send_in_full


def _for_folder(cookie: str, folder: str) -> str:
    named, *rules = cookie.split(";")
    return ";".join([named, *(f" Path={folder}" if rule.strip().lower() == "path=/" else rule for rule in rules)])
