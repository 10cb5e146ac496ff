"""How long a connection may stay open without a whole request's head: strangers send none, or half of one."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 20.0
_NO_REQUEST = object()  # stands for the one before a connection's first


@contextmanager
def heads_in_time(seconds: float = HEAD_SECONDS) -> Generator[None]:
    """While this is open, a connection made to this process's server ends where no whole head comes in time.

    uvicorn 0.54 waits for it without limit. It has no setting for that, and `streamlit run` lets no other protocol be
    given, so each new connection of its own is watched: of the one on h11, which is installed with the app.

    Parameters
    ----------
    seconds
        A connection is looked at as often, and ends at the second look that finds it waiting for the same head.
    """
    made = H11Protocol.connection_made

    def connection_made(self: H11Protocol, transport: asyncio.Transport) -> None:
        made(self, transport)
        _look_later(self, transport, seconds, waited_after=_NO_REQUEST if _is_waiting(self) else None)

    H11Protocol.connection_made = connection_made
    try:
        yield
    finally:
        H11Protocol.connection_made = made


def _is_waiting(protocol: H11Protocol) -> bool:
    """Whether the head of the next request has not come, or not whole."""
    return protocol.conn.their_state is h11.IDLE


def _look_later(
    protocol: H11Protocol, transport: asyncio.Transport, seconds: float, *, waited_after: object | None
) -> None:
    """Look at a connection again; `waited_after` is the request after which it waits now, None where it does not."""

    def look() -> None:
        if transport.is_closing() or transport.get_protocol() is not protocol:  # a websocket has a protocol of its own
            return
        waits_after = (protocol.cycle or _NO_REQUEST) if _is_waiting(protocol) else None
        if waits_after is not None and waits_after is waited_after:
            transport.close()
        else:
            _look_later(protocol, transport, seconds, waited_after=waits_after)

    asyncio.get_running_loop().call_later(seconds, look)
