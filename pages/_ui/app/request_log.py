"""An id for each request: in its answer, and in what is logged meanwhile."""

import logging
import re
import time
import uuid
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bgen_core.json_log import REQUEST

HEADER = "X-Request-Id"
_ID = re.compile(r"[\w.-]{8,64}", re.ASCII)

_log = logging.getLogger("bgen.requests")


class RequestLog:
    """ASGI middleware: names each request, as a proxy did or anew, and logs it at the level INFO.

    Paths are logged without what is asked in them: that names prompts and ids of links.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        name = given if _ID.fullmatch(given) else uuid.uuid4().hex
        began, status = time.monotonic(), 101 if scope["type"] == "websocket" else 0

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = name
            await send(message)

        token = REQUEST.set(name)
        try:
            await self._app(scope, receive, send_named)
        finally:
            _log.info(
                "answered",
                extra={
                    "method": scope.get("method", "WEBSOCKET"),
                    "path": quote(scope["path"]),
                    "status": status,
                    "milliseconds": round((time.monotonic() - began) * 1000),
                },
            )
            REQUEST.reset(token)
