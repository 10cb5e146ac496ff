"""What pages need of whatever computes their sweeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bgen_core.extent import Extent
from bgen_core.ids import SubjectId, SweepId
from bgen_core.jobs.background_faults import BackgroundFault
from bgen_core.jobs.submission import SweepForecast
from bgen_core.records.early_stop import EarlyWish
from bgen_core.records.progress import SweepProgress
from bgen_core.sweep.plan import SweepPlan


@dataclass(frozen=True, kw_only=True)
class Health:
    """How it is with what computes.

    Attributes
    ----------
    device_kind, dtype_name
        Where sweeps are computed: their cells' addresses depend on it.
    is_busy
        Whether a sweep is in hand.
    trouble
        What keeps it waiting, in a sentence for visitors; empty where nothing does.
    """

    device_kind: str
    dtype_name: str
    is_busy: bool
    trouble: str = ""


class Executor(Protocol):
    """Computes sweeps for the pages, which submit, follow and stop them. The store says what became of them."""

    def health(self) -> Health | None:
        """How it is, or None while nothing computes: it starts, or starts again."""
        ...

    def faults(self) -> Sequence[BackgroundFault]:
        """What is not well beside painting: measuring, copies elsewhere."""
        ...

    def forecast(self, plan: SweepPlan, *, photos: Mapping[SubjectId, Extent]) -> SweepForecast | None:
        """What a plan will cost, or None while nothing computes; photos are the sizes of its subjects' photos.

        Raises
        ------
        UserInputError
            A value, a subject, a model or the number of cells is not allowed.
        """
        ...

    def submit(
        self, forecast: SweepForecast, *, explored: SweepId | None = None, early: EarlyWish | None = None
    ) -> SweepId:
        """Put a sweep into the queue; returns its id. `explored` names the one whose chosen cells it finishes, if any;
        `early` is what its previews are measured for.

        Raises
        ------
        UserInputError
            A subject is gone, fills its photo or is empty, or a model is not allowed.
        """
        ...

    def events(self, sweep_id: SweepId, *, previews: bool = True) -> SweepProgress | None:
        """What the events of a sweep have come to so far, or None where it is in nobody's hands.

        Asked for at least every few seconds by whoever shows it: previews are drawn only while somebody asks for them.
        """
        ...

    def pause(self, sweep_id: SweepId) -> bool:
        """Stop a sweep for a while. Like the others: false where somebody was faster, and it cannot be done."""
        ...

    def go_on(self, sweep_id: SweepId) -> bool:
        """Continue a paused sweep."""
        ...

    def cancel(self, sweep_id: SweepId) -> bool:
        """Stop a sweep; what is made of it is kept."""
        ...

    def retry(self, sweep_id: SweepId, cell: int | None = None, *, stopped: bool = False) -> bool:
        """Make what is missing of a sweep that ended, and what failed: one cell, or all of them.

        A cell that was stopped early is made where it is asked for by itself, or all of them are by `stopped`.

        Raises
        ------
        UserInputError
            It names a model that is not allowed, as one that was imported may.
        """
        ...
