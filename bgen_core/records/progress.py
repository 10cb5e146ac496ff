"""How far a sweep is, as pages show it."""

import time
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CellProgress:
    """An unfinished cell: `step` of `of` evaluations done; `preview` is a data: URL of a small picture, or ""."""

    step: int
    of: int
    preview: str = ""


@dataclass(frozen=True, kw_only=True)
class SweepProgress:
    """How far the sweep in hand is.

    Attributes
    ----------
    cells
        Cells under way, by index.
    made
        Cells finished since `began` (seconds since 1970).
    """

    cells: dict[int, CellProgress]
    made: int
    began: float

    @property
    def cells_per_second(self) -> float | None:
        """Measured speed, or None before the first cell is finished."""
        elapsed = time.time() - self.began
        return self.made / elapsed if self.made and elapsed > 0 else None
