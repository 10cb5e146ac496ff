"""Races over the store, round after round: what is asked for, what drops out, and what is written down."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bgen_core.errors import NotAllowedError, UserInputError
from bgen_core.ids import SweepId
from bgen_core.jobs.leases.member import Member
from bgen_core.jobs.racing.beginning import RaceWish, begin_race, first_round
from bgen_core.jobs.racing.deciding import decide_next, forecaster
from bgen_core.jobs.submission import submit_sweep
from bgen_core.metrics import MetricValue, find_metric
from bgen_core.records.race import Race
from bgen_core.records.sweep_states import CANCEL, PAUSE, RETRY
from bgen_core.settings import Settings
from bgen_core.store.opinions import Vote
from bgen_core.store.store import Store
from bgen_core.sweep.plan import SweepPlan
from tests.jobs.quick_sweeps import forecast
from tests.made_up import VISITOR, commit, made_up_run

Measured = Callable[[float, int], float | None]  # guidance, seed -> seam


@pytest.fixture
def wish() -> RaceWish:
    return RaceWish(axis="guidance", by="seam", budget=60)


def begin(store: Store, settings: Settings, wish: RaceWish, *, values: str = "3,5,7") -> SweepId:
    asked = forecast(store, settings, seeds="1-2", axes=("guidance", values))
    first = first_round(asked.plan, wish, settings)
    forecasted = forecaster(store, settings, device_kind="cpu", dtype_name="float32")(first)
    sweep_id = submit_sweep(store, forecasted, owner=VISITOR.id)
    begin_race(store, sweep_id, first, wish, made=0)
    return sweep_id


def paint(store: Store, sweep_id: SweepId, measured: Measured) -> list[tuple[float, int]]:
    """Make what waits of the sweep; which guidance and seed that was."""
    claimed = store.sweeps.claim_next()
    assert claimed is not None
    assert claimed.id == sweep_id
    rows = {row.index: row for row in store.sweeps.cells(sweep_id)}
    made: list[tuple[float, int]] = []
    for cell in SweepPlan.from_json(claimed.plan).cells():
        row = rows[cell.index]
        if row.done:
            continue
        number = len(store.runs.select()) + 1
        run = made_up_run(number, id=row.run_id, raw_id=row.run_id, subject_id=cell.subject_id, owner=claimed.owner)
        commit(store, replace(run, params=cell.params))
        value = measured(cell.params.guidance_scale, cell.params.seed)
        reason = "" if value is not None else "No subject."
        version = find_metric("seam").version
        store.metrics.save(row.run_id, [MetricValue(name="seam", value=value, reason=reason, version=version)])
        made.append((cell.params.guidance_scale, cell.params.seed))
    from bgen_core.records.sweep_states import FINISH

    assert store.sweeps.change_state(sweep_id, FINISH)
    return made


def decide(store: Store, settings: Settings) -> bool:
    return (
        decide_next(store, settings, forecaster(store, settings, device_kind="cpu", dtype_name="float32")) is not None
    )


def race_of(store: Store, sweep_id: SweepId) -> Race:
    race = store.races.of(sweep_id)
    assert race is not None
    return race


def kinds(race: Race) -> list[str]:
    return [step.kind for step in race.steps]


def wobble(guidance: float, seed: int) -> float:
    """Chance, the same at each call: two hundredths to both sides."""
    return 0.02 * ((seed * 7919 + int(10 * guidance) * 104729) % 101 / 50 - 1)


def clear(guidance: float, seed: int) -> float:
    """7 is clearly worse; 3 and 5 are a little apart."""
    return {3.0: 0.30, 5.0: 0.40, 7.0: 0.95}[guidance] + wobble(guidance, seed)


def test_values_that_have_lost_get_no_more_seeds_and_the_last_one_wins(
    store: Store, settings: Settings, wish: RaceWish
):
    def near(guidance: float, seed: int) -> float:
        return {3.0: 0.30, 5.0: 0.36, 7.0: 0.95}[guidance] + 2 * wobble(guidance, seed)

    sweep_id = begin(store, settings, wish)
    first = paint(store, sweep_id, near)
    assert len(first) == 3 * 4
    rounds: list[set[float]] = []
    while decide(store, settings) and race_of(store, sweep_id).is_open:
        rounds.append({guidance for guidance, _ in paint(store, sweep_id, near)})
    race = race_of(store, sweep_id)
    assert race.state == "won"
    assert rounds
    assert all(7.0 not in values for values in rounds)
    assert kinds(race)[:3] == ["start", "lost", "round"]
    assert "Out: guidance 7. Its seam is 0." in race.steps[1].text
    assert race.steps[-1].text.startswith("Winner by seam, after ")
    assert race.steps[-1].text.endswith(": guidance 3. Every other value is out.")
    assert len(store.runs.select()) == len(first) + sum(len(values) * 2 for values in rounds)  # nothing is deleted


def test_a_race_is_decided_once_however_many_look(store: Store, settings: Settings, wish: RaceWish):
    sweep_id = begin(store, settings, wish)
    paint(store, sweep_id, lambda guidance, seed: wobble(guidance, seed))
    before = race_of(store, sweep_id)
    assert decide(store, settings)
    plan = store.sweeps.get(sweep_id).plan
    cells = {row.index: row.run_id for row in store.sweeps.cells(sweep_id)}
    paint(store, sweep_id, lambda guidance, seed: wobble(guidance, seed))
    again = race_of(store, sweep_id).steps[-1:]
    assert not store.races.add_round(before, again, plan=plan, cell_ids=cells, expected_seconds=None)
    assert not store.races.decide(before, again, state="won")
    assert kinds(race_of(store, sweep_id)) == ["start", "round"]


def test_the_budget_is_kept(store: Store, settings: Settings, wish: RaceWish):
    sweep_id = begin(store, settings, replace(wish, budget=20))
    total = 0
    while True:
        total += len(paint(store, sweep_id, lambda guidance, seed: 10 * wobble(guidance, seed)))
        if not decide(store, settings) or not race_of(store, sweep_id).is_open:
            break
    race = race_of(store, sweep_id)
    assert race.state == "spent"
    assert total == 18  # a whole seed for each value
    assert "18 of 20 cells are spent" in race.steps[-1].text
    assert store.sweeps.get(sweep_id).state == "done"


@pytest.mark.parametrize(
    ("measured", "state", "said"),
    [
        (lambda guidance, seed: 0.5, "alike", "differ by no more than"),
        (lambda guidance, seed: None, "stuck", "None of the last seeds has a seam"),
        (lambda guidance, seed: None if guidance == 5 else 0.5, "stuck", "None of the last seeds has a seam"),
    ],
    ids=["constant", "never measured", "one value never measured"],
)
def test_where_more_seeds_tell_nothing_the_race_ends(
    store: Store, settings: Settings, wish: RaceWish, measured: Measured, state: str, said: str
):
    sweep_id = begin(store, settings, wish)
    paint(store, sweep_id, measured)
    assert decide(store, settings)
    race = race_of(store, sweep_id)
    assert (race.state, len(race.steps)) == (state, 2)
    assert said in race.steps[-1].text
    assert not decide(store, settings)


@pytest.mark.parametrize("change", [PAUSE, CANCEL])
def test_a_race_that_is_paused_or_cancelled_waits_until_its_sweep_goes_on(
    store: Store, settings: Settings, wish: RaceWish, change: object
):
    sweep_id = begin(store, settings, wish)
    assert store.sweeps.change_state(sweep_id, change)  # pyright: ignore
    assert not decide(store, settings)
    assert race_of(store, sweep_id).is_open
    from bgen_core.records.sweep_states import CONTINUE

    assert store.sweeps.change_state(sweep_id, CONTINUE if change is PAUSE else RETRY)
    paint(store, sweep_id, clear)
    assert decide(store, settings)


def test_a_stopped_race_adds_nothing_and_its_sweep_stays(store: Store, settings: Settings, wish: RaceWish):
    sweep_id = begin(store, settings, wish)
    paint(store, sweep_id, lambda guidance, seed: wobble(guidance, seed))
    assert store.seen_by(VISITOR).races.stop(sweep_id)
    assert not store.races.stop(sweep_id)
    assert not decide(store, settings)
    assert race_of(store, sweep_id).state == "stopped"
    assert sum(row.done for row in store.sweeps.cells(sweep_id)) == 12


def test_a_race_is_its_owners(store: Store, settings: Settings, wish: RaceWish):
    sweep_id = begin(store, settings, wish)
    other = replace(VISITOR, id="somebodyelse")  # pyright: ignore
    with pytest.raises(NotAllowedError):
        store.seen_by(other).races.stop(sweep_id)
    with pytest.raises(UserInputError):
        store.races.stop(SweepId("no-such-sweep"))


def test_votes_race_too_and_ask_for_seeds_when_the_pictures_are_voted_on(store: Store, settings: Settings):
    sweep_id = begin(store, settings, RaceWish(axis="guidance", by="votes", budget=60), values="3,5")
    paint(store, sweep_id, clear)
    assert not decide(store, settings)  # nobody has voted
    run_of = {
        (cell.params.guidance_scale, cell.params.seed): row.run_id
        for cell, row in zip(
            SweepPlan.from_json(store.sweeps.get(sweep_id).plan).cells(), store.sweeps.cells(sweep_id), strict=True
        )
    }
    voters = iter(range(1000))

    def vote(seed: int) -> None:
        pair = run_of[3.0, seed], run_of[5.0, seed]
        store.opinions.add_vote(
            Vote(sweep_id=sweep_id, voter=f"voter {next(voters)}", run_a=pair[0], run_b=pair[1], winner="a")  # pyright: ignore
        )

    vote(1)
    vote(2)
    assert decide(store, settings)  # half of the pairs are voted on
    assert kinds(race_of(store, sweep_id)) == ["start", "round"]
    paint(store, sweep_id, clear)
    for number in range(40):
        vote(1 + number % 4)
    assert decide(store, settings)
    race = race_of(store, sweep_id)
    assert race.state == "won"
    assert race.steps[-2].text.startswith("Out: guidance 5. Another value is preferred to it (0 wins, ")


def test_a_measure_that_knows_no_better_and_a_budget_too_small_are_refused(
    store: Store, settings: Settings, wish: RaceWish
):
    plan = forecast(store, settings, axes=("guidance", "3,5,7")).plan
    for wrong, said in (
        (replace(wish, by="core_changedd"), "core_changedd"),
        (replace(wish, by="colourfulness"), "no better or worse"),
        (replace(wish, budget=11), "the first round takes 12"),
        (replace(wish, axis="steps"), "choose guidance"),
    ):
        with pytest.raises(UserInputError, match=said):
            first_round(plan, wrong, settings)


def test_a_race_goes_with_its_sweep(store: Store, settings: Settings, wish: RaceWish, member: Member):
    sweep_id = begin(store, settings, wish)
    race = race_of(store, sweep_id)
    with pytest.raises(UserInputError, match="a race already"):
        store.races.begin(race)
