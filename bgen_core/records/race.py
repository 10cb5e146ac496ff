"""Races: values of an axis drop out as soon as they have lost, and the others get more seeds until one is left."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from bgen_core.ids import SweepId
from bgen_core.wording import quoted

RaceState = Literal["open", "won", "alike", "spent", "stuck", "stopped"]
RaceEnd = Literal["won", "alike", "spent", "stuck", "stopped"]
StepKind = Literal["start", "round", "lost", "won", "alike", "spent", "stuck", "stopped", "followed"]
BY_VOTES = "votes"
FIRST_SEEDS = 4  # that every value gets; below, nothing is said of any


@dataclass(frozen=True, kw_only=True)
class RaceStep:
    """One decision of a race.

    Attributes
    ----------
    kind
        What was decided.
    text
        Why, in sentences for a person.
    value
        Place on the axis of the value that it is about; None where it is about none.
    created
        When it was decided.
    """

    kind: StepKind
    text: str
    value: int | None = None
    created: datetime


@dataclass(frozen=True, kw_only=True)
class Race:
    """A race, which adds cells to a sweep of its own, round after round.

    Attributes
    ----------
    sweep_id
        The sweep whose cells it adds.
    started_from
        The sweep whose values are raced; None for one that began as a race.
    axis
        The axis whose values drop out.
    by
        The metric that decides, or "votes".
    budget
        How many cells it may ask for beyond those of `begun_with`.
    begun_with
        How many of its cells were made when it began.
    state
        "open" while it goes on, else how it ended.
    steps
        Every decision, the first first.
    """

    sweep_id: SweepId
    started_from: SweepId | None
    axis: str
    by: str
    budget: int
    begun_with: int
    state: RaceState
    steps: tuple[RaceStep, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.state == "open"

    @property
    def lost(self) -> frozenset[int]:
        """Places of the values that have dropped out."""
        return frozenset(step.value for step in self.steps if step.kind == "lost" and step.value is not None)

    @property
    def rounds(self) -> int:
        """How often seeds were added, the first ones included."""
        return sum(step.kind in ("start", "round") for step in self.steps)


def checked_race_state(state: str) -> RaceState:
    """The state of a row."""
    for known in get_args(RaceState):
        if state == known:
            return known
    raise ValueError(f"{quoted(state)} is not a race's state")


def checked_step_kind(kind: str) -> StepKind:
    """The kind of a row."""
    for known in get_args(StepKind):
        if kind == known:
            return known
    raise ValueError(f"{quoted(kind)} is not a race's step")
