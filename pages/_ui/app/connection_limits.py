"""What one connection may cost the server: the time for its request's body, and the descriptors of all of them."""

import asyncio
import logging
import sys
from typing import Any
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

IDLE_SECONDS = 30.0
# The largest upload of .streamlit/config.toml, at half a megabit a second.
TOTAL_SECONDS = 3600.0
# Some systems allow a thousand million: whatever walks through all numbers of descriptors would stand still.
_MOST_OPEN_FILES = 65_536

_log = logging.getLogger("bgen")


class BodyLimits:
    """ASGI middleware: a request's body comes in time, or its connection is closed.

    uvicorn 0.54 waits without limit for the rest of a body, also after it has answered: an answer that does not wait
    for the body therefore closes its connection. What a browser breaks off is no fault, and one line in the log.

    Parameters
    ----------
    idle_seconds
        How long the next piece may take.
    total_seconds
        How long all of them may take.
    """

    def __init__(
        self, app: ASGIApp, *, idle_seconds: float = IDLE_SECONDS, total_seconds: float = TOTAL_SECONDS
    ) -> None:
        self._app = app
        self._idle_seconds = idle_seconds
        self._total_seconds = total_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._idle_seconds, self._total_seconds)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            if not exchange.late:
                _log.warning("a browser broke off what it sent: %s %s", scope["method"], quote(scope["path"]))


class _Exchange:
    """One request and its answer; knows whether a part of the body is still to come, and whether it came too late."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, idle_seconds: float, total_seconds: float) -> None:
        headers = Headers(scope=scope)
        self._outstanding = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
        self._answering = False
        self.late = False
        self._scope, self._receive, self._send = scope, receive, send
        self._idle_seconds = idle_seconds
        self._end = asyncio.get_running_loop().time() + total_seconds

    async def receive(self) -> Message:
        if self.late:
            return {"type": "http.disconnect"}
        if not self._outstanding:
            return await self._receive()
        try:
            async with asyncio.timeout_at(min(asyncio.get_running_loop().time() + self._idle_seconds, self._end)):
                message = await self._receive()
        except TimeoutError:
            await self._give_up()
            return {"type": "http.disconnect"}
        self._outstanding = message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if self.late:  # it has its answer, as far as there is one
            return
        if message["type"] == "http.response.start":
            self._answering = True
            if self._outstanding:
                MutableHeaders(scope=message)["Connection"] = "close"
        await self._send(message)

    async def _give_up(self) -> None:
        """The app is told that the browser has gone, which every app understands; the browser is told why."""
        self.late = True
        _log.warning("a body did not come in time: %s %s", self._scope["method"], quote(self._scope["path"]))
        if not self._answering:
            sentence, closing = "The rest of this request did not come in time: send it again.", {"Connection": "close"}
            await PlainTextResponse(sentence, 408, closing)(self._scope, self._receive, self._send)


def raise_open_files() -> None:
    """Let this process open as many files and connections as the system allows it to ask for."""
    if sys.platform == "win32":  # it knows no such limit
        return
    import resource

    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_OPEN_FILES if most == resource.RLIM_INFINITY else min(most, _MOST_OPEN_FILES)
    if allowed == resource.RLIM_INFINITY or allowed >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    except (ValueError, OSError) as error:  # macOS says "no limit" and has one
        _log.warning("only %d files and connections can be open at once: %s", allowed, error)


def quiet_after_closing(loop: asyncio.AbstractEventLoop) -> None:
    """Say nothing more of what asyncio puts off while there are no descriptors, once its sockets are closed.

    For each connection that it could not accept, CPython 3.11 to 3.14 looks again a second later, up to 2,048 times at
    once, and each look at a socket that was closed meanwhile is an error with its trace.
    """

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not (isinstance(error, ValueError) and "Invalid file descriptor" in str(error)):
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)
