"""How fast this process paints: rows a second over the last seconds in which it painted."""

import threading
import time
from collections import deque
from collections.abc import Callable

WINDOW_SECONDS = 10.0
PAUSE_SECONDS = 1.0  # without a row: what lies between counts for so long alone


class Pace:
    """Takes in rows as they are evaluated; asked from any thread.

    Parameters
    ----------
    clock
        Seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turn = threading.Lock()
        self._rows: deque[tuple[float, float]] = deque()  # seconds that they took, and how many
        self._spent = self._counted = 0.0
        self._last: float | None = None

    def begin(self) -> None:
        """Painting begins, or goes on after a pause: what was before is no time of work."""
        with self._turn:
            self._last = self._clock()

    def note(self, rows: float) -> None:
        """So many rows were evaluated since the last ones."""
        with self._turn:
            now = self._clock()
            spent = min(PAUSE_SECONDS, now - self._last) if self._last is not None else 0.0
            self._last = now
            self._rows.append((spent, rows))
            self._spent, self._counted = self._spent + spent, self._counted + rows
            while self._spent > WINDOW_SECONDS and len(self._rows) > 1:
                spent, rows = self._rows.popleft()
                self._spent, self._counted = self._spent - spent, self._counted - rows

    @property
    def rows_per_second(self) -> float:
        """0 where nothing was painted yet."""
        with self._turn:
            return self._counted / self._spent if self._spent > 0 else 0.0
