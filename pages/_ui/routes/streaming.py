"""Downloads whose pieces are made in threads while they are sent."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import chain
from urllib.parse import quote

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from bgen_core.errors import StoreError, UserInputError
from bgen_core.store.store import SeenStore
from pages._ui.app.faults import told

Endpoint = Callable[[Request], Awaitable[Response]]
StoreOf = Callable[[Request], SeenStore]


async def download(
    request: Request,
    begin: Callable[[], Iterator[bytes]],
    *,
    name: str,
    suffix: str,
    media_type: str,
    limiter: CapacityLimiter,
) -> Response:
    """Send a file, or say in one sentence why there is none.

    Parameters
    ----------
    begin
        Checks what is asked for, and gives the file's pieces. What fails there or in the first piece is an answer of
        its own, not half a file.
    name, suffix
        Under which a browser saves it.
    limiter
        How many such files are worked on at once.
    """

    def first() -> Iterator[bytes]:
        pieces = begin()
        return pieces if request.method == "HEAD" else chain([next(pieces, b"")], pieces)

    try:
        pieces = await run_sync(first, limiter=limiter)
    except StoreError as error:
        return refused(503, told(error))
    except UserInputError as error:
        return refused(400, told(error))
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **attachment(name, suffix)}
    if request.method == "HEAD":
        return Response(None, media_type=media_type, headers=headers)
    return StreamingResponse(_in_thread(pieces, limiter), media_type=media_type, headers=headers)


def refused(status: int, sentence: str) -> Response:
    """An answer that is not kept: the next one may be another."""
    return PlainTextResponse(sentence, status, headers={"Cache-Control": "no-store"})


def attachment(asked: str, suffix: str) -> dict[str, str]:
    """The header that makes a browser save what it gets, under a name that is safe in one."""
    name = re.sub(r"[^\w .()+-]+", "-", asked).strip(" .-")[:120] or "picture"
    name = name if name.lower().endswith(f".{suffix}") else f"{name}.{suffix}"
    plain = name.encode("ascii", "replace").decode().replace("?", "-")
    return {"Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"}


async def _in_thread(pieces: Iterator[bytes], limiter: CapacityLimiter) -> AsyncIterator[bytes]:
    """Each piece is made in a thread, and between two pieces others get their turn."""
    while (piece := await run_sync(next, pieces, None, limiter=limiter)) is not None:
        yield piece
