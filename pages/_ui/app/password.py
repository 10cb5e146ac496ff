"""The shared passwords: whether a try is right, and how often somebody may try."""

import hmac
import time
from collections import deque

from bgen_core.records.visitor import Role
from bgen_core.settings import Settings


def role_by_password(tried: str, settings: Settings) -> Role | None:
    """What whoever gives this may do; None where it is no password. Takes as long for any wrong one."""
    is_visitors, is_admins = (
        expected is not None and hmac.compare_digest(tried.encode(), expected.get_secret_value().encode())
        for expected in (settings.password, settings.admin_password)
    )
    if is_admins:
        return "admin"
    return settings.default_role if is_visitors else None


class WrongTries:
    """Wrong passwords of the last minute; so many that nobody mistypes them close the form for the rest of it.

    Not thread-safe: for one event loop.
    """

    seconds = 60.0
    per_address = 10
    altogether = 100  # an address behind a proxy is what the client says

    def __init__(self) -> None:
        self._recent: deque[tuple[float, str]] = deque()

    def add(self, address: str) -> None:
        self._recent.append((time.monotonic(), address))

    def too_many(self, address: str) -> bool:
        while self._recent and self._recent[0][0] < time.monotonic() - self.seconds:
            self._recent.popleft()
        same = sum(known == address for _, known in self._recent)
        return same >= self.per_address or len(self._recent) >= self.altogether
