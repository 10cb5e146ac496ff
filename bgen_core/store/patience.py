"""Waiting for a store that does not answer now: how long before each further look, and opening one."""

import logging
import threading
from collections.abc import Iterator

from bgen_core.errors import StoreAwayError
from bgen_core.settings import Settings
from bgen_core.store.store import OpenStore, open_store

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0


def growing_pauses() -> Iterator[float]:
    """Seconds to wait before each further look at a store that cannot be used."""
    pause = PAUSE_SECONDS
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def open_patiently(settings: Settings, stopping: threading.Event | None = None) -> OpenStore:
    """The store, as soon as it answers; it is waited for as long as that takes.

    Parameters
    ----------
    stopping
        Set where nobody wants it any more.

    Raises
    ------
    StoreAwayError
        Nobody wants it any more, and it has not answered.
    StoreError
        It answers, and cannot be used: see `open_store`.
    """
    unwanted = stopping or threading.Event()
    for pause in growing_pauses():
        try:
            return open_store(settings)
        except StoreAwayError as error:
            logger.warning("the store cannot be opened yet: %s", error)
            if unwanted.wait(pause):
                raise
    raise AssertionError("pauses never end")
