"""How far a sweep is, as pages show it."""

import time
from dataclasses import dataclass

MEASURING = "measuring how fast the model is at this size, once"


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
    fetched, to_fetch
        Bytes of a model's download; 0 while nothing is fetched.
    measuring
        Whether the model's speed at this size is being measured, which is done once.
    """

    cells: dict[int, CellProgress]
    made: int
    began: float
    fetched: int = 0
    to_fetch: int = 0
    measuring: bool = False

    @property
    def cells_per_second(self) -> float | None:
        """Measured speed, or None before the first cell is finished."""
        elapsed = time.time() - self.began
        return self.made / elapsed if self.made and elapsed > 0 else None
