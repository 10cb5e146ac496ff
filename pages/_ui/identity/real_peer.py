"""From where a connection really comes, whatever its headers say."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from starlette.types import Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from bgen_core.authentication import UNIX_SOCKET

_PEER = "bgen.peer"


@contextmanager
def peers_kept() -> Generator[None]:
    """While this is open, uvicorn leaves beside each request from where it came.

    uvicorn 0.54 puts what X-Forwarded-For says in the place of a connection's own address where that is on its list
    (FORWARDED_ALLOW_IPS, by default this machine). It tells an app neither that it did so nor the address, so a
    trusted proxy would look like its client, and with a star on that list anybody like a trusted proxy.
    """
    called = ProxyHeadersMiddleware.__call__

    async def keeping(self: ProxyHeadersMiddleware, scope: Any, receive: Any, send: Any) -> None:
        scope[_PEER] = scope.get("client")
        await called(self, scope, receive, send)

    ProxyHeadersMiddleware.__call__ = keeping
    try:
        yield
    finally:
        ProxyHeadersMiddleware.__call__ = called


def real_peer(scope: Scope) -> str | None:
    """The address at the other end of a connection, or `UNIX_SOCKET`; None where the server does not say."""
    _, port = scope.get("server") or ("", 0)
    if port is None:
        return UNIX_SOCKET
    peer = scope.get(_PEER, scope.get("client"))
    return peer[0] if peer else None
