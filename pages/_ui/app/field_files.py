"""Which files the fields of pages announce and read: Streamlit keeps files, and no note of what they are for."""

import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import PurePath
from typing import cast

import streamlit as st
from streamlit import config
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec, UploadFileUrlInfo

from bgen_core.settings import Settings
from pages._ui.app import resources

MOST_PHOTOS = 200  # that are chosen at once
MOST_FILES = MOST_PHOTOS + 20  # of one session: beside those, a page has fields for one file each
_MOST_TICKETS = 2 * MOST_FILES
_RAW_BYTES = 3.5  # of a pixel in a PNG that is hardly smaller than its pixels, with what it tells of them

FileKey = tuple[str, str]  # session and file


class FieldFiles:
    """Which files the fields of pages announced and asked for: what Streamlit keeps, and does not look at.

    For the event loop and the threads that run pages; each step is one of a dict's.
    """

    def __init__(self, settings: Callable[[], Settings] = resources.settings) -> None:
        self.settings = settings
        self._tickets: OrderedDict[str, OrderedDict[str, int]] = OrderedDict()  # session -> file -> most bytes
        self._asked: dict[FileKey, float] = {}
        self._refused: dict[str, str] = {}

    def announce(self, session: str, names: Sequence[str], files: Sequence[str]) -> None:
        """A field will send these files, whose names say how long they may be."""
        for stale in [known for known in self._tickets if not Runtime.instance().is_active_session(known)]:
            del self._tickets[stale]
            self._refused.pop(stale, None)
        tickets = self._tickets.setdefault(session, OrderedDict())
        for name, file in zip(names, files, strict=False):
            tickets[file] = most_bytes(name, self.settings())
        while len(tickets) > _MOST_TICKETS:
            tickets.popitem(last=False)

    def most_bytes(self, key: FileKey) -> int | None:
        """How long a file may be; None where no field announced it."""
        tickets = self._tickets.get(key[0])
        return tickets.get(key[1]) if tickets else None

    def ask(self, session: str, files: Sequence[str]) -> None:
        """A field reads its files, as it does at each run of its page."""
        now = time.monotonic()
        self._asked.update({(session, file): now for file in files})

    def asked(self, key: FileKey) -> float | None:
        """When a field last read a file; None where none ever has."""
        return self._asked.get(key)

    def let_go(self, session: str, file: str) -> None:
        """Give back the memory of a file that its field has read and needs no more."""
        if Runtime.exists():
            cast("MemoryUploadedFileManager", Runtime.instance().uploaded_file_mgr).remove_file(session, file)
        self._asked.pop((session, file), None)

    def refuse(self, session: str, sentence: str) -> None:
        """Keep why a file of a field was refused: Streamlit's own field shows that it was, and not why."""
        if session in self._tickets:
            self._refused[session] = sentence

    def take_refusal(self, session: str) -> str:
        """Why the last file of a session was refused, said once."""
        return self._refused.pop(session, "")

    def keep_only(self, held: Mapping[FileKey, int]) -> None:
        """Forget what is not held any more."""
        for key in [known for known in list(self._asked) if known not in held]:
            self._asked.pop(key, None)


FIELD_FILES = FieldFiles()  # of this server


@contextmanager
def watched_fields(files: FieldFiles = FIELD_FILES) -> Generator[None]:
    """While this is open, Streamlit's fields tell which files they announce and read; it keeps no note of either.

    The largest file follows the photo limit too.
    """
    settings = files.settings()
    least = -(-round(settings.max_upload_mb * 1e6) // 2**20)
    if st.get_option("server.maxUploadSize") < least:
        config.set_option("server.maxUploadSize", least)
    manager = Runtime.instance().uploaded_file_mgr
    announce, read = manager.get_upload_urls, manager.get_files

    def get_upload_urls(session_id: str, file_names: Sequence[str]) -> list[UploadFileUrlInfo]:
        names = list(file_names[:MOST_FILES])
        urls = announce(session_id, names)
        files.announce(session_id, names, [url.file_id for url in urls])
        return urls

    def get_files(session_id: str, file_ids: Sequence[str]) -> list[UploadedFileRec]:
        files.ask(session_id, file_ids)
        return read(session_id, file_ids)

    manager.get_upload_urls, manager.get_files = get_upload_urls, get_files
    try:
        yield
    finally:
        manager.get_upload_urls, manager.get_files = announce, read


def most_bytes(name: str, settings: Settings) -> int:
    """How long a file of this name may be: a photo, a picture that this program may have written, or anything else."""
    photo = round(settings.max_upload_mb * 1e6)
    suffix = PurePath(name).suffix.lower()
    if suffix == ".zip":
        return int(st.get_option("server.maxUploadSize")) * 2**20
    return max(photo, round(settings.max_megapixels * 1e6 * _RAW_BYTES)) if suffix == ".png" else photo
