"""What follows from a look at a race: values drop out, seeds are added, or it ends.

Whoever measures looks at the races that wait. Each decision is one transaction that happens only if the race is as it
was when it was looked at: so no round is added twice, however many look, and one that dies leaves a race as it was.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from bgen_core.errors import StoreError, UserInputError
from bgen_core.ids import RunId, SweepId
from bgen_core.jobs.measuring import measure_pending, pending_runs
from bgen_core.jobs.racing.beginning import spoken
from bgen_core.jobs.racing.looks import Look, left_in, look_at, named_values
from bgen_core.jobs.submission import SweepForecast, forecast_sweep
from bgen_core.records.race import BY_VOTES, Race, RaceEnd, RaceStep, StepKind
from bgen_core.runs.analysis.racing.standing import ROUND_SEEDS
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.sweep.allowed_plan import check_allowed
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.race_plan import axis_of, next_round
from bgen_core.wording import counted, listed

logger = logging.getLogger(__name__)

Forecaster = Callable[[SweepPlan], SweepForecast]
_MEASURED_AT_ONCE = 8


def forecaster(store: Store, settings: Settings, *, device_kind: str, dtype_name: str) -> Forecaster:
    """Forecasts for plans of subjects that are in the store."""

    def forecast(plan: SweepPlan) -> SweepForecast:
        check_allowed(plan, settings)
        photos = {subject: store.subjects.get(subject).extent for subject in plan.subject_ids}
        return forecast_sweep(store, settings, plan, photos=photos, device_kind=device_kind, dtype_name=dtype_name)

    return forecast


def decide_next(store: Store, settings: Settings, forecast: Forecaster) -> SweepId | None:
    """Bring one of the races that wait further, and say which; None where there is nothing to do.

    One that cannot be decided for a bug's sake is raised when all others have been looked at.
    """
    fault: Exception | None = None
    for sweep_id in store.races.waiting():
        try:
            if measure_for(store, settings, sweep_id) or decide(store, settings, sweep_id, forecast):
                return sweep_id
        except UserInputError as error:  # a subject that is gone, a model that is not allowed any more
            _end(store, sweep_id, "stuck", f"The race cannot go on: {error}")
            return sweep_id
        except (StoreError, OSError):
            raise
        except Exception as error:
            fault = fault or error
    if fault is not None:
        raise fault
    return None


def measure_for(store: Store, settings: Settings, sweep_id: SweepId) -> list[RunId]:
    """Measure a few of a race's runs, before those of other sweeps; which ones."""
    race = store.races.of(sweep_id)
    if race is None or race.by == BY_VOTES:
        return []
    measured = measure_pending(store, settings, limit=_MEASURED_AT_ONCE, sweep_id=sweep_id, names=[race.by])
    found = list(measured)
    for run_id in found:
        store.copies.forget(run_id)  # its copies elsewhere lack what was measured now
    return found


def decide(store: Store, settings: Settings, sweep_id: SweepId, forecast: Forecaster) -> bool:
    """Look at a race whose cells are made and measured, and decide; False where it waits or others were faster."""
    race, sweep = store.races.of(sweep_id), store.sweeps.get(sweep_id)
    if race is None or not race.is_open or sweep.state != "done":
        return False
    if race.by != BY_VOTES and pending_runs(store, settings, limit=1, sweep_id=sweep_id, names=[race.by]):
        return False
    plan = SweepPlan.from_json(sweep.plan)
    look = look_at(store, race, plan)
    steps = [_step("lost", text, value=place) for place, text in look.lost]
    lost = {place for place, _ in look.lost}
    left = [place for place in left_in(race, plan) if place not in lost]
    if ending := _ending(race, plan, look, left):
        state, text = ending
        return store.races.decide(race, [*steps, _step(state, text)], state=state)
    if not look.is_wanting:
        return bool(steps) and store.races.decide(race, steps)
    following = next_round(plan, race.axis, left, seeds=ROUND_SEEDS, most_cells=_cells_left(race, plan, settings))
    if following is None:
        return store.races.decide(race, [*steps, _step("spent", _spent(race, plan, look, left))], state="spent")
    forecasted = forecast(following)
    steps.append(_step("round", _round(plan, following, race, look, left)))
    return store.races.add_round(
        race,
        steps,
        plan=following.to_json(),
        cell_ids=forecasted.run_ids,
        expected_seconds=forecasted.seconds,
    )


def _ending(race: Race, plan: SweepPlan, look: Look, left: list[int]) -> tuple[RaceEnd, str] | None:
    names = named_values(axis_of(plan, race.axis))
    cells = f"after {counted(_added(race, plan), 'added cell')}"
    if not left:
        return "stuck", "Every value has lost to another one: there is no best one, and no more seeds are added."
    if len(left) == 1:
        return "won", f"Winner by {spoken(race.by)}, {cells}: {names[left[0]]}. Every other value is out."
    if look.alike:
        return "alike", f"Alike, {cells}: {listed([names[place] for place in left])}. {look.alike}"
    if look.stuck:
        return "stuck", look.stuck
    return None


def _added(race: Race, plan: SweepPlan) -> int:
    return max(0, len(plan) - race.begun_with)


def _cells_left(race: Race, plan: SweepPlan, settings: Settings) -> int:
    return min(race.budget - _added(race, plan), settings.max_cells - len(plan))


def _spent(race: Race, plan: SweepPlan, look: Look, left: list[int]) -> str:
    names = named_values(axis_of(plan, race.axis))
    text = f"{_added(race, plan):,} of {counted(race.budget, 'cell')} are spent, and no further seed is within them: "
    return f"{text}{listed([names[place] for place in left])} are undecided.{_front(look)}"


def _round(plan: SweepPlan, following: SweepPlan, race: Race, look: Look, left: list[int]) -> str:
    names = named_values(axis_of(plan, race.axis))
    more = len(following) - len(plan)
    return (
        f"Undecided between {listed([names[place] for place in left])}: {counted(more, 'cell')} more, at further "
        f"seeds. {max(0, race.budget - _added(race, following)):,} of the budget are left.{_front(look)}"
    )


def _front(look: Look) -> str:
    return f" So far: {look.in_front}." if look.in_front else ""


def _step(kind: StepKind, text: str, *, value: int | None = None) -> RaceStep:
    return RaceStep(kind=kind, text=text, value=value, created=datetime.now(UTC))


def _end(store: Store, sweep_id: SweepId, state: RaceEnd, text: str) -> None:
    race = store.races.of(sweep_id)
    if race is not None:
        logger.warning("race %s has ended: %s", sweep_id, text)
        store.races.decide(race, [_step(state, text)], state=state)
