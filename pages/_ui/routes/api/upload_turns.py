"""How many may send files to the API at once: each holds a photo in memory until it is cut out."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from anyio import CapacityLimiter

from bgen_core.api.checked import ProblemError
from bgen_core.ids import VisitorId

_MOST = 8
_MOST_EACH = 2
_CUT_AT_ONCE = 2  # a 40-megapixel photo takes a gigabyte while it is cut out


class UploadTurns:
    """Those who send files now. Not thread-safe: for one event loop.

    Attributes
    ----------
    cutting
        How many files are decoded and cut out at once; the others wait.
    """

    def __init__(self) -> None:
        self.cutting = CapacityLimiter(_CUT_AT_ONCE)
        self._sending = Counter[VisitorId]()

    @contextmanager
    def turn(self, visitor: VisitorId) -> Generator[None]:
        """While a visitor's upload is received and worked on.

        Raises
        ------
        ProblemError
            As many are under way as may be.
        """
        if self._sending[visitor] >= _MOST_EACH:
            sentence = f"You have {_MOST_EACH} uploads under way, which are all you may: send one after another."
            raise ProblemError(429, sentence, headers={"Retry-After": "5"})
        if self._sending.total() >= _MOST:
            sentence = f"{_MOST} uploads are under way, which are all that may be: try again in a moment."
            raise ProblemError(503, sentence, headers={"Retry-After": "5"})
        self._sending[visitor] += 1
        try:
            yield
        finally:
            self._sending[visitor] -= 1
            self._sending += Counter()  # what is at 0 is forgotten
