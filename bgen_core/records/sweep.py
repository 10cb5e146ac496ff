"""Sweeps: a plan in the queue or after it, and which run belongs in which place of its grid."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bgen_core.ids import RunId, SubjectId, SweepId, VisitorId
from bgen_core.records.early_stop import EarlyMark, EarlyWish
from bgen_core.records.sweep_states import ACTIVE_STATES, SweepState
from bgen_core.records.visitor import Sharing


@dataclass(frozen=True, kw_only=True)
class SweepRecord:
    """A sweep in the store.

    Attributes
    ----------
    id
        A name that nobody can guess, since it is the sweep's link.
    owner
        Whose sweep it is: the queue takes turns between owners.
    plan
        The plan's JSON, from which its cells are expanded again.
    total
        Number of cells.
    message
        Why it failed or stopped, in one sentence for a person; empty otherwise.
    place
        Sweeps of one owner are served by rising place; given by the store. Below 0: before everybody's turn.
    expected_seconds
        What the forecast said when it was submitted, for the cells that were to be made; None where nothing was known.
    explored
        The sweep whose chosen cells this one finishes; None for most.
    started
        When it was last taken from the queue, or gave way to others; None before its first turn. Given by the store.
    finished
        When it came to its end; None before.
    sharing
        Who sees it beside its owner and admins.
    viewers_vote
        Whether viewers who see it may vote on its pictures.
    early
        What its previews are measured for; None for nothing.
    early_note
        What was said of that when it began, in sentences.
    """

    id: SweepId
    owner: VisitorId
    created: datetime
    state: SweepState
    title: str
    plan: dict[str, Any]
    subject_id: SubjectId
    total: int
    message: str = ""
    place: float = 0.0
    expected_seconds: float | None = None
    explored: SweepId | None = None
    started: datetime | None = None
    finished: datetime | None = None
    sharing: Sharing = "shared"
    viewers_vote: bool = True
    early: EarlyWish | None = None
    early_note: str = ""

    @property
    def is_active(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ACTIVE_STATES


@dataclass(frozen=True, kw_only=True)
class CellAttempt:
    """One seed that was tried for a cell: its run, and its expansion in percent of the picture.

    The value is None while it is painted or measured, and where it cannot be measured.
    """

    run_id: RunId
    expansion: float | None


@dataclass(frozen=True, kw_only=True)
class SweepCellRow:
    """One place of a sweep's grid.

    Attributes
    ----------
    index
        The cell's number in its plan, from 0.
    run_id
        Id of the run that belongs here: where cells are drawn again, of the best attempt so far.
    done
        Whether that run is in the store, made by this sweep or by any other, and its owner has not deleted it.
    error
        Why the last attempt failed, or was stopped early, in one sentence; empty otherwise.
    is_settled
        Whether nothing more is tried here; False until a plan that has cells drawn again has decided.
    attempts
        The seeds that were tried, the first one first; the last is under way where it is not settled. Empty where no
        cells are drawn again, and before the first was measured.
    early
        Whether it was stopped early, or is wanted whatever its preview says.
    """

    index: int
    run_id: RunId
    done: bool
    error: str
    is_settled: bool = True
    attempts: tuple[CellAttempt, ...] = ()
    early: EarlyMark = ""

    @property
    def is_final(self) -> bool:
        """Whether its picture is there, and no other will take its place."""
        return self.done and self.is_settled

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do: its picture is final, or it has failed."""
        return self.is_final or bool(self.error)

    @property
    def attempt(self) -> int:
        """The number, from 0, of the attempt that is to be made, or that was kept."""
        if not self.is_settled:
            return max(0, len(self.attempts) - 1)
        return next((number for number, each in enumerate(self.attempts) if each.run_id == self.run_id), 0)

    @property
    def first_run_id(self) -> RunId:
        """Of the cell with its own seed."""
        return self.attempts[0].run_id if self.attempts else self.run_id

    @property
    def is_stopped(self) -> bool:
        """Whether it is missing because it was stopped early."""
        return self.early == "stopped" and not self.done

    @property
    def has_failed(self) -> bool:
        """Whether it is missing because it could not be made."""
        return bool(self.error) and not self.done and self.early != "stopped"
