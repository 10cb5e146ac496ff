"""Websockets end with what let them in: with the login, with logging out, and where a proxy knows, after an hour.

With another name they come anew: a page that still went by the old one would write it back.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable

from starlette.types import Message, Receive, Send

from pages._ui.identity.logins import Login

_OVER = 1008  # login_over.js shows the login then
_AGAIN = 1012  # Streamlit connects again by itself


class OpenSockets:
    """Which websockets wait for their browser, by login. Not thread-safe: for one event loop."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Timeout]] = defaultdict(set)

    async def close(self, key: str) -> None:
        """Close all of a login that was ended, or was given anew: those of the latter connect again."""
        for limit in self._waiting.pop(key, set()):
            if not limit.expired():
                limit.reschedule(asyncio.get_running_loop().time())

    def limited(
        self, login: Login, is_over: Callable[[Login], bool], receive: Receive, send: Send
    ) -> tuple[Receive, Send]:
        """The two ends of a websocket as the app gets them: closed once the login is over."""
        end = asyncio.get_running_loop().time() + max(0.0, login.until - time.time())
        closed = False

        async def receive_until_end() -> Message:
            nonlocal closed
            if not is_over(login):
                try:
                    async with asyncio.timeout_at(end) as limit:
                        self._waiting[login.key].add(limit)
                        try:
                            return await receive()
                        finally:
                            self._forget(login.key, limit)
                except TimeoutError:
                    pass
            has_ended = is_over(login) or asyncio.get_running_loop().time() >= end
            code = _OVER if login.key and has_ended else _AGAIN
            if not closed:
                closed = True
                await send({"type": "websocket.close", "code": code, "reason": ""})
            return {"type": "websocket.disconnect", "code": code}

        async def send_until_end(message: Message) -> None:
            if closed:
                raise OSError("the login is over")  # Starlette takes it for a browser that has gone
            await send(message)

        return receive_until_end, send_until_end

    def _forget(self, key: str, limit: asyncio.Timeout) -> None:
        waiting = self._waiting.get(key, set())
        waiting.discard(limit)
        if not waiting:
            self._waiting.pop(key, None)
