"""Races in a ZIP, beside the sweeps whose cells they added: what was decided in them, and why."""

from dataclasses import asdict

from bgen_core.archive.manifest import ArchivedRace, ArchivedRaceStep
from bgen_core.errors import UserInputError
from bgen_core.ids import SweepId
from bgen_core.limits import check_text
from bgen_core.metrics import METRICS
from bgen_core.records.race import BY_VOTES, Race, RaceStep
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.race_plan import SEED, axis_of, raced_axes


def archived_race(race: Race | None) -> ArchivedRace | None:
    """A race for the ZIP: nobody goes on with it in another store."""
    return race and ArchivedRace(
        started_from=race.started_from,
        axis=race.axis,
        by=race.by,
        budget=race.budget,
        begun_with=race.begun_with,
        state="stopped" if race.state == "open" else race.state,
        steps=[ArchivedRaceStep(**asdict(step)) for step in race.steps],
    )


def checked_race(race: ArchivedRace | None, plan: SweepPlan) -> ArchivedRace | None:
    """A race of a ZIP that may be taken with the plan of its sweep.

    Raises
    ------
    UserInputError
        It does not fit the plan. A text that cannot be held is an ImpossibleTextError.
    """
    if race is None:
        return None
    measures = (BY_VOTES, *(metric.name for metric in METRICS))
    if race.axis not in raced_axes(plan) or plan.axes[0].name != SEED or race.by not in measures:
        raise UserInputError("its race is on an axis or by a measure that it does not have")
    for step in race.steps:
        check_text("A decision of its race", step.text)
        if step.value is not None and step.value >= len(axis_of(plan, race.axis).values):
            raise UserInputError("its race is decided about a value that it does not have")
    return race


def race_of(sweep_id: SweepId, race: ArchivedRace) -> Race:
    """A race of a ZIP as that of a sweep that is new in the store."""
    return Race(
        sweep_id=sweep_id,
        started_from=race.started_from,
        axis=race.axis,
        by=race.by,
        budget=race.budget,
        begun_with=race.begun_with,
        state=race.state,
        steps=tuple(RaceStep(**step.model_dump()) for step in race.steps),
    )
