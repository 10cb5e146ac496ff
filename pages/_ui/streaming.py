"""Downloads whose pieces are made in threads while they are sent."""

from collections.abc import AsyncIterator, Iterator

from anyio import CapacityLimiter
from anyio.to_thread import run_sync


async def in_thread(pieces: Iterator[bytes], limiter: CapacityLimiter) -> AsyncIterator[bytes]:
    """Each piece is made in a thread, and between two pieces others get their turn."""
    while (piece := await run_sync(next, pieces, None, limiter=limiter)) is not None:
        yield piece
