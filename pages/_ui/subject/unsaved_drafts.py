"""What visitors work on and have not saved, for a reload: their session ends with the page."""

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

D = TypeVar("D")

_MOST = 64
_MOST_BYTES = 512 * 2**20


class UnsavedDrafts(Generic[D]):
    """Drafts by a mark that only their own address names: those looked at last, in this process's memory.

    Parameters
    ----------
    most, most_bytes
        So many, and so many bytes of files, are held; the newest one always.
    """

    def __init__(self, most: int = _MOST, most_bytes: int = _MOST_BYTES) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._lock = threading.Lock()
        self._held: OrderedDict[str, tuple[D, int]] = OrderedDict()

    def put(self, mark: str, draft: D, *, size: int) -> None:
        """Hold it in the place of what had this mark."""
        with self._lock:
            self._held[mark] = draft, size
            self._held.move_to_end(mark)
            while len(self._held) > 1 and self._is_full():
                self._held.popitem(last=False)

    def get(self, mark: str) -> D | None:
        with self._lock:
            if mark not in self._held:
                return None
            self._held.move_to_end(mark)
            return self._held[mark][0]

    def _is_full(self) -> bool:
        held = self._held.values()
        return len(held) > self._most or sum(size for _, size in held) > self._most_bytes
