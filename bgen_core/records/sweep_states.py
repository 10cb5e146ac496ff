"""A sweep's states, and who may turn which into which: the one table that the store obeys."""

from dataclasses import dataclass
from typing import Literal

SweepState = Literal["queued", "running", "paused", "done", "cancelled", "failed"]
ACTIVE_STATES: tuple[SweepState, ...] = ("queued", "running")
UNFINISHED_STATES: tuple[SweepState, ...] = (*ACTIVE_STATES, "paused")
ENDED_STATES: tuple[SweepState, ...] = ("done", "cancelled", "failed")


@dataclass(frozen=True, kw_only=True)
class StateChange:
    """Something that is done with a sweep.

    Attributes
    ----------
    starts
        The states in which it can be done. In any other one somebody was faster, and the change does not happen.
    to
        The state afterwards.
    who
        Who does it, and when.
    """

    starts: tuple[SweepState, ...]
    to: SweepState
    who: str


CLAIM = StateChange(
    starts=("queued",), to="running", who="a worker, when it is the sweep's turn; whoever holds the sweep, at once"
)
TAKE_UP = StateChange(
    starts=(*UNFINISHED_STATES, *ENDED_STATES), to="running", who="a command line that is told to go on, and holds it"
)
REQUEUE = StateChange(starts=("running",), to="queued", who="a worker that finds it in nobody's hands")
GIVE_WAY = StateChange(starts=("running",), to="queued", who="a worker, when it is another owner's turn")
PAUSE = StateChange(starts=ACTIVE_STATES, to="paused", who="a visitor")
CONTINUE = StateChange(starts=("paused",), to="queued", who="a visitor")
CONTINUE_HELD = StateChange(starts=("paused",), to="running", who="a visitor, where a command line waits with it")
CANCEL = StateChange(starts=UNFINISHED_STATES, to="cancelled", who="a visitor; Ctrl-C")
RETRY = StateChange(starts=ENDED_STATES, to="queued", who="a visitor, for what is missing or failed")
FINISH = StateChange(starts=("running",), to="done", who="whoever runs it, after its last cell")
FAIL = StateChange(starts=("running",), to="failed", who="whoever runs it; the supervisor, after several crashes")

STATE_CHANGES = (CLAIM, TAKE_UP, REQUEUE, GIVE_WAY, PAUSE, CONTINUE, CONTINUE_HELD, CANCEL, RETRY, FINISH, FAIL)
