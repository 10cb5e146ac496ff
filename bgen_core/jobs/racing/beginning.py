"""How a race begins: which cells its first round has, and what it may cost."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from bgen_core.errors import UserInputError
from bgen_core.ids import SweepId
from bgen_core.jobs.measuring import check_rankable
from bgen_core.metrics import JUDGING, find_metric
from bgen_core.records.race import BY_VOTES, FIRST_SEEDS, Race, RaceStep
from bgen_core.runs.analysis.columns import in_sentence, shown
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.race_plan import axis_of, raced_plan
from bgen_core.wording import counted, listed

MOST_BUDGET = 100_000
_MOST_NAMED = 12


@dataclass(frozen=True, kw_only=True)
class RaceWish:
    """What a person wants.

    Attributes
    ----------
    axis
        Whose values are raced.
    by
        The metric that decides, or "votes".
    budget
        How many cells may be added to those that are made.
    """

    axis: str
    by: str
    budget: int


def measures_to_race_by() -> list[str]:
    """Names of the metrics that can decide."""
    return [metric.name for metric in JUDGING]


def first_round(plan: SweepPlan, wish: RaceWish, settings: Settings, *, made: Collection[int] = ()) -> SweepPlan:
    """The plan of a race's first round; see `raced_plan`.

    Parameters
    ----------
    made
        Indices of the plan's cells that are made.

    Raises
    ------
    UserInputError
        The axis, the measure or the budget is not allowed.
    """
    if wish.by != BY_VOTES:
        check_rankable(wish.by, settings)
    first = raced_plan(plan, wish.axis, made=made, seeds=FIRST_SEEDS)
    needed = len(first) - len(made)
    if not max(1, needed) <= wish.budget <= MOST_BUDGET:
        raise UserInputError(
            f"A budget of {wish.budget:,} cells is not allowed: the first round takes {needed:,} "
            f"({FIRST_SEEDS} seeds for each value); choose {max(1, needed):,} to {MOST_BUDGET:,}."
        )
    return first


def begin_race(
    store: Store, sweep_id: SweepId, plan: SweepPlan, wish: RaceWish, *, made: int, started_from: SweepId | None = None
) -> None:
    """Let a sweep that was just submitted be a race.

    Parameters
    ----------
    plan
        Its own; see `first_round`.
    made
        How many of its cells were made before.
    started_from
        The sweep whose values are raced, if any.
    """
    axis = axis_of(plan, wish.axis)
    named = [shown(label) for label in axis.labels[:_MOST_NAMED]]
    if len(axis.labels) > _MOST_NAMED:
        named.append(f"{len(axis.labels) - _MOST_NAMED} more")
    text = (
        f"{axis.label} is raced by {spoken(wish.by)}: {listed(named)}, each with at least "
        f"{counted(FIRST_SEEDS, 'seed')} at first; up to {counted(wish.budget, 'cell')} may be added."
    )
    store.races.begin(
        Race(
            sweep_id=sweep_id,
            started_from=started_from,
            axis=wish.axis,
            by=wish.by,
            budget=wish.budget,
            begun_with=made,
            state="open",
            steps=(RaceStep(kind="start", text=text, created=datetime.now(UTC)),),
        )
    )


def spoken(by: str) -> str:
    """ "seam" or "votes"."""
    return "votes" if by == BY_VOTES else in_sentence(find_metric(by).label)
