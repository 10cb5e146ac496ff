"""A race on the terminal: its rounds, one after another, until it ends."""

import time
from dataclasses import dataclass, replace
from typing import Any

from bgen_core.cli.inputs import say
from bgen_core.cli.running.by_worker import follow
from bgen_core.cli.running.here import SweepResult, cancelled_when_interrupted
from bgen_core.cli.running.place import Place
from bgen_core.errors import UserInputError
from bgen_core.ids import SweepId
from bgen_core.jobs.leases.holding import is_held
from bgen_core.jobs.racing.beginning import RaceWish, begin_race, first_round
from bgen_core.jobs.submission import SweepForecast
from bgen_core.records.race import BY_VOTES, Race
from bgen_core.records.sweep import SweepRecord
from bgen_core.records.sweep_states import CANCEL
from bgen_core.settings import Settings
from bgen_core.store.store import Store
from bgen_core.sweep.plan import SweepPlan
from bgen_core.wording import quoted

LOOK_SECONDS = 0.2


def run_race(place: Place, forecast: SweepForecast, wish: RaceWish) -> SweepResult:
    """Submit the first round of a race and see the race through."""

    def begin(sweep_id: SweepId) -> None:
        begin_race(place.store, sweep_id, forecast.plan, wish, made=forecast.known)

    return finish_race(place, place.run(forecast, submitted=begin))


@dataclass(frozen=True, kw_only=True)
class RaceFrom:
    """A race on the values of a sweep that is there: what of its first round that sweep has made is the race's too."""

    sweep: SweepRecord
    made: tuple[int, ...]
    first: SweepPlan
    wish: RaceWish

    @classmethod
    def of(cls, store: Store, settings: Settings, sweep_id: SweepId, wish: RaceWish) -> "RaceFrom":
        """Read the sweep and plan the first round.

        Raises
        ------
        UserInputError
            There is no such sweep, it is a race already, or `first_round` refuses.
        """
        sweep = store.sweeps.get(sweep_id)
        if store.races.of(sweep.id) is not None:
            raise UserInputError(f"sweep {quoted(sweep.id)} is a race already: --resume {sweep.id} goes on with it.")
        made = tuple(cell.index for cell in store.sweeps.cells(sweep.id) if cell.done)
        first = first_round(SweepPlan.from_json(sweep.plan), wish, settings, made=made)
        return cls(sweep=sweep, made=made, first=first, wish=wish)

    def forecast(self, place: Place) -> SweepForecast:
        """What the first round will cost."""
        return place.forecast(
            self.first, {subject: place.store.subjects.get(subject).extent for subject in self.first.subject_ids}
        )

    def run(self, place: Place, forecast: SweepForecast) -> SweepResult:
        """Submit the first round and see the race through; a sweep that waits or runs stops, as on the page."""

        def begin(sweep_id: SweepId) -> None:
            begin_race(
                place.store, sweep_id, self.first, self.wish, made=len(self.made), started_from=self.sweep.id
            )  # fmt: skip
            if place.store.sweeps.change_state(self.sweep.id, CANCEL):
                say(f"sweep {self.sweep.id} stops: what it has not made is the race's to ask for")

        return finish_race(place, place.run(forecast, submitted=begin))


def finish_race(place: Place, result: SweepResult) -> SweepResult:
    """See a race through from where it stands; a sweep without one, or that was stopped, is left as it is."""
    said = 0
    while (race := place.store.races.of(result.sweep_id)) is not None:
        for step in race.steps[said:]:
            say(step.text)
        said = len(race.steps)
        if not race.is_open or result.state != "done":
            return result
        if race.by == BY_VOTES:
            say("the race goes on when people have voted")
            return result
        with cancelled_when_interrupted(place.store, race.sweep_id):
            _decide(place, race)
        result = _next_round(place, result)
    return result


def _decide(place: Place, race: Race) -> None:
    """Wait for the worker's decision, or make it here where there is none."""
    store, settings = place.store, place.settings
    if place.worker is not None and any(each.is_alive for each in store.workers.serving()):
        time.sleep(LOOK_SECONDS)
        return
    # Deciding loads tables and their statistics, for which a command without a race need not wait.
    from bgen_core.jobs.racing.deciding import decide, forecaster, measure_for

    while measure_for(store, settings, race.sweep_id):
        pass
    device = place.device
    decide(store, settings, race.sweep_id, forecaster(store, settings, device_kind=device[0], dtype_name=device[1]))


def _next_round(place: Place, before: SweepResult) -> SweepResult:
    """What became of the cells that a decision added; as before where it added none."""
    sweep = place.store.sweeps.get(before.sweep_id)
    if sweep.state == "done":
        return before
    if sweep.state in ("queued", "running", "paused") and (place.worker is not None or is_held(place.store, sweep.id)):
        known = frozenset(cell.run_id for cell in place.store.sweeps.cells(sweep.id) if cell.done)
        now = follow(place.store, place.settings, sweep.id, known, previews=place.previews)
    elif sweep.state == "queued":
        now = place.resume(sweep.id)
    else:
        return replace(before, state=sweep.state)
    return replace(
        now,
        made=before.made + now.made,
        reused=before.reused,
        reused_ids=before.reused_ids,
        failed=now.failed,
        seconds=round(before.seconds + now.seconds, 2),
    )


def described_race(store: Store, sweep_id: SweepId) -> dict[str, Any]:
    """What is told of a sweep's race in JSON; empty where there is none."""
    race = store.races.of(sweep_id)
    if race is None:
        return {}
    steps = [{"kind": step.kind, "value": step.value, "text": step.text} for step in race.steps]
    return {"race": {"axis": race.axis, "by": race.by, "budget": race.budget, "state": race.state, "steps": steps}}
