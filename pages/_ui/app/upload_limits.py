"""What uploads may cost: Streamlit takes any file for any session, and keeps it in memory until the session ends."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Any, cast

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from bgen_core.disk_room import check_disk
from bgen_core.errors import StoreError
from bgen_core.ids import VisitorId
from bgen_core.settings import Settings
from pages._ui.app import resources
from pages._ui.app.field_files import FIELD_FILES, MOST_FILES, FieldFiles, FileKey
from pages._ui.app.visitor_cookie import connected_visitor

UNASKED_SECONDS = 60.0  # without another file of its page, after which one goes that no field has asked for
_IDLE_SECONDS = 600.0  # after which a file may give way that fields have asked for: its page is left, or its tab asleep
_FRAME = 64 * 1024  # of a multipart body, around its file

_UPLOAD = re.compile(r"/_stcore/upload_file/([^/]+)/([^/]+)")
_OLD_PAGE = "The page that asked for this file is gone: reload it and choose the file again."
_NO_FIELD = "No field of the page asked for this file: choose it there."


@dataclass
class _Coming:
    """A body on its way."""

    key: FileKey
    visitor: VisitorId
    bytes: int = 0


class _RefusedError(Exception):
    """A body that shall not come in any further."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class UploadLimits:
    """ASGI middleware: a file comes in where a field of the sender's own page announced it and there is room for it.

    Streamlit 1.67 looks at the session and at one length for all files. A person's files in all sessions and
    everybody's are bounded here, before and while they come in; files that no page reads any more give way.
    """

    def __init__(
        self, app: ASGIApp, *, files: FieldFiles = FIELD_FILES, settings: Callable[[], Settings] = resources.settings
    ) -> None:
        self._app = app
        self._files = files
        self._settings = settings
        self._coming: list[_Coming] = []
        self._visitors: dict[FileKey, VisitorId] = {}
        self._came: dict[str, float] = {}  # session -> when its last file was whole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _UPLOAD.search(scope["path"]) if scope["type"] == "http" else None
        if found is None or scope["method"] not in ("PUT", "DELETE"):
            await self._app(scope, receive, send)
            return
        key = (found[1], found[2])
        coming, answering, status = _Coming(key, VisitorId("")), False, 0

        async def limited_receive() -> Message:
            message = await receive()
            coming.bytes += len(message.get("body", b""))
            self._check_length(coming, coming.bytes)
            return message

        async def watched_send(message: Message) -> None:
            nonlocal answering, status
            if message["type"] == "http.response.start":
                answering, status = True, message["status"]
            await send(message)

        self._coming.append(coming)
        try:
            coming.visitor = _visitor_of(key[0], scope)
            if scope["method"] == "PUT":
                self._check(coming, Headers(scope=scope))
            await self._app(scope, limited_receive if scope["method"] == "PUT" else receive, watched_send)
        except _RefusedError as refused:
            self._files.refuse(key[0], refused.sentence)
            if not answering:
                answer = PlainTextResponse(refused.sentence, refused.status, {"Cache-Control": "no-store"})
                await answer(scope, receive, send)
        finally:
            self._coming.remove(coming)
        if scope["method"] == "PUT" and 200 <= status < 300:
            self._visitors[key] = coming.visitor
            self._came[key[0]] = time.monotonic()
            asyncio.get_running_loop().call_later(UNASKED_SECONDS, self._drop_unasked, key)

    def _check(self, coming: _Coming, headers: Headers) -> None:
        if self._files.most_bytes(coming.key) is None:
            raise _RefusedError(403, _NO_FIELD)
        declared = headers.get("content-length", "0")
        if not re.fullmatch(r"\d{1,18}", declared):
            raise _RefusedError(400, "The length of this file is no number: send it again.")
        self._check_length(coming, int(declared))
        try:
            for folder in (self._settings().home, Path(gettempdir())):  # Starlette lays long bodies down in the latter
                check_disk(folder, int(declared), reserve=self._settings().disk_reserve)
        except StoreError as error:
            raise _RefusedError(507, error.public) from error
        session = coming.key[0]
        of_session = {key for key in self._held() if key[0] == session} | {
            each.key for each in self._coming if each.key[0] == session
        }
        if len(of_session) > MOST_FILES and not self._give_way(lambda key: key[0] == session):
            raise _RefusedError(
                429, f"This page holds {len(of_session) - 1} files, and {MOST_FILES} are allowed: reload it."
            )

    def _check_length(self, coming: _Coming, length: int) -> None:
        """Refuse a file that is, or will be, longer than it may be, or than there is room for."""
        most = self._files.most_bytes(coming.key) or 0
        if length > most + _FRAME:
            raise _RefusedError(413, f"This file has {_mb(length)} or more, and {_mb(most)} are allowed.")
        settings = self._settings()
        self._check_sum(coming, length, settings.max_uploads_mb_each, of=coming.visitor)
        self._check_sum(coming, length, settings.max_uploads_mb, of=None)

    def _check_sum(self, coming: _Coming, length: int, allowed_mb: float, *, of: VisitorId | None) -> None:
        """Refuse a file for which there is no room beside one visitor's others, or beside everybody's."""
        most = round(allowed_mb * 1e6) + _FRAME
        while (total := self._total(coming, of) + length) > most:
            if not self._give_way(lambda key: of in (None, self._visitors.get(key))):
                whose, status = ("Your files", 413) if of else ("The files of all visitors", 503)
                raise _RefusedError(
                    status,
                    f"{whose} in hand would have {_mb(total)}, and {allowed_mb:,.1f} MB are allowed: "
                    "close other pages with files, or try again later.",
                )

    def _total(self, coming: _Coming, of: VisitorId | None) -> int:
        """Bytes of the files that are held or come, without the one in question, and without what it replaces."""
        held = sum(
            size
            for key, size in self._held().items()
            if key != coming.key and of in (None, self._visitors.get(key))
        )  # fmt: skip
        return held + sum(
            each.bytes for each in self._coming if each is not coming and of in (None, each.visitor)
        )  # fmt: skip

    def _give_way(self, may_go: Callable[[FileKey], bool]) -> bool:
        """Drop the file that fields have not read for the longest time, if there is one that none reads now."""
        before = time.monotonic() - _IDLE_SECONDS
        idle = [
            (asked, key)
            for key in self._held()
            if may_go(key) and (asked := self._files.asked(key)) is not None and asked < before
        ]
        if idle:
            _drop(min(idle)[1])
        return bool(idle)

    def _drop_unasked(self, key: FileKey) -> None:
        if self._files.asked(key) is None:
            # A field for many files reads none of them before all have come
            more = any(each.key[0] == key[0] for each in self._coming)
            if more or time.monotonic() - self._came.get(key[0], 0.0) < UNASKED_SECONDS:
                asyncio.get_running_loop().call_later(UNASKED_SECONDS, self._drop_unasked, key)
                return
            _drop(key)
        held = self._held()
        sessions = {session for session, _ in held}
        self._came = {session: when for session, when in self._came.items() if session in sessions}
        self._files.keep_only(held)
        self._visitors = {known: visitor for known, visitor in self._visitors.items() if known in held}

    def _held(self) -> dict[FileKey, int]:
        """Session and file -> length, of all files that Streamlit holds."""
        storage = _manager().file_storage
        return {
            (session, file): len(record.data)
            for session, files in list(storage.items())
            for file, record in list(files.items())
        }


def _drop(key: FileKey) -> None:
    _manager().remove_file(*key)


def _manager() -> MemoryUploadedFileManager:
    return cast("MemoryUploadedFileManager", Runtime.instance().uploaded_file_mgr)


def _visitor_of(session: str, scope: Scope) -> VisitorId:
    """Whose file it is; refused where the session is nobody's, or somebody else's."""
    client: Any = Runtime.instance().get_client(session)
    if client is None:
        raise _RefusedError(400, _OLD_PAGE)
    page, connection = client.client_context, HTTPConnection(scope)
    owner = connected_visitor(dict(page.headers), page.cookies)
    sender = connected_visitor(connection.headers, connection.cookies)
    if (owner and owner.id) != (sender and sender.id):  # somebody may have changed their name meanwhile
        raise _RefusedError(403, _OLD_PAGE)
    # A browser without cookies is a visitor for each of its pages.
    return sender.id if sender else VisitorId(session)


def _mb(length: int) -> str:
    return f"{length / 1e6:,.1f} MB"
