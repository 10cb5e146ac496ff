"""Waiting for what another process or thread does, with an end to a hanging test."""

import time
from collections.abc import Callable

PATIENCE = 180.0  # seconds: far above what a busy machine needs


def wait_until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)
