"""When the server ends: what would go on by itself must know."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from uvicorn import Server


class _ServerEnd:
    def __init__(self) -> None:
        self.has_begun = False


SERVER_END = _ServerEnd()
"""Of this process."""


@contextmanager
def end_is_told() -> Generator[None]:
    """While this is open, `SERVER_END` says when uvicorn begins to end.

    uvicorn 0.54 waits for every answer that is under way, and tells none of them: a stream of events would hold a
    server that shall stop for as long as it lasts.
    """
    shutdown = Server.shutdown

    async def telling(self: Server, sockets: Any = None) -> None:
        SERVER_END.has_begun = True
        await shutdown(self, sockets)

    Server.shutdown = telling
    SERVER_END.has_begun = False
    try:
        yield
    finally:
        Server.shutdown = shutdown
