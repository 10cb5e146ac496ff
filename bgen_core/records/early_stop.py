"""Stopping cells early: what was asked for, and what looks at previews were worth."""

from dataclasses import dataclass
from typing import Literal

from bgen_core.ids import RunId, SubjectId, SweepId
from bgen_core.wording import quoted

# Of a cell: nothing was decided, it was stopped early, or somebody wants it painted whatever a look says.
EarlyMark = Literal["", "stopped", "wanted"]
LOOK_AT = 0.3  # share of a cell's steps after which it is looked at


@dataclass(frozen=True, kw_only=True)
class EarlyWish:
    """What a sweep's previews are measured for.

    Attributes
    ----------
    by
        The metric.
    stops
        Whether cells that will lose are stopped; otherwise what previews say is only kept, so that later sweeps can.
    """

    by: str
    stops: bool


@dataclass(frozen=True, kw_only=True)
class EarlyValue:
    """What a finished run's preview said, and what became of it.

    Attributes
    ----------
    sweep_id, subject_id
        Of which sweep it was a cell, and which subject it shows.
    steps
        Steps that were made: previews of other numbers are not comparable.
    foreseen, final
        The metric of the preview and of the finished picture, both pasted and measured at the model's size.
    version
        Of the metric.
    """

    run_id: RunId
    sweep_id: SweepId
    subject_id: SubjectId
    by: str
    version: int
    steps: int
    foreseen: float
    final: float


def checked_mark(mark: str) -> EarlyMark:
    """The mark of a row."""
    if mark in ("", "stopped", "wanted"):
        return mark
    raise ValueError(f"{quoted(mark)} is not a mark of a cell")
