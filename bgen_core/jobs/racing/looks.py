"""One look at a race: what its cells say now, by a measure or by votes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bgen_core.ids import RunId
from bgen_core.metrics import find_metric
from bgen_core.records.race import BY_VOTES, FIRST_SEEDS, Race
from bgen_core.runs.analysis.ballot import VotedCells
from bgen_core.runs.analysis.columns import SEED, AxisColumn, Measure, shown
from bgen_core.runs.analysis.noise import in_own_units, pairs_among
from bgen_core.runs.analysis.racing.proposals import proposed_values
from bgen_core.runs.analysis.racing.standing import ROUND_SEEDS, Standing, leading, standing, verdict
from bgen_core.runs.analysis.votes import AxisScore, AxisVotes, axis_votes
from bgen_core.runs.analysis.voting.evidence import ERROR
from bgen_core.store.opinions import Vote
from bgen_core.store.store import Store
from bgen_core.sweep.axes import Axis, Value
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.race_plan import axis_of, contexts, placed, stride
from bgen_core.wording import counted, listed


@dataclass(frozen=True, kw_only=True)
class Look:
    """What is known now.

    Attributes
    ----------
    lost
        Places of the values that have lost now, each with the reason in a sentence.
    alike
        Why those that are left are called alike; empty where they are not.
    in_front
        The values that are left, the leading one first, in words.
    best
        Place of the leading value; None where nothing is known.
    is_wanting
        Whether more seeds are wanted: by votes, not before enough was asked about those that are there.
    stuck
        Why more seeds would tell nothing; empty where they may.
    waits
        What it waits for, for a person; empty where it waits for nothing.
    """

    lost: tuple[tuple[int, str], ...] = ()
    alike: str = ""
    in_front: str = ""
    best: int | None = None
    is_wanting: bool = True
    stuck: str = ""
    waits: str = ""


def look_at(store: Store, race: Race, plan: SweepPlan) -> Look:
    """What the cells of a race say of the values that are still in it."""
    run_ids = {cell.index: cell.run_id for cell in store.sweeps.cells(race.sweep_id) if cell.done}
    return _by_votes(store, race, plan, run_ids) if race.by == BY_VOTES else _by_measure(store, race, plan, run_ids)


def proposal(store: Store, race: Race, plan: SweepPlan) -> tuple[int | None, list[Value]]:
    """Of a race that has ended: the place of its best value, and new ones beside it that are worth a further race.

    None and none where the axis has no scale, nothing is known or lies between, or a further race was begun already.
    """
    axis = axis_of(plan, race.axis)
    if any(step.kind == "followed" for step in race.steps) or len(contexts(plan, race.axis)) != stride(plan):
        return None, []
    best = look_at(store, race, plan).best if axis.is_scale else None
    return best, [] if best is None else proposed_values(axis, best)


def left_in(race: Race, plan: SweepPlan) -> list[int]:
    """Places of the values that have not lost."""
    return [place for place in range(len(axis_of(plan, race.axis).values)) if place not in race.lost]


def _by_measure(store: Store, race: Race, plan: SweepPlan, run_ids: dict[int, RunId]) -> Look:
    axis, metric = axis_of(plan, race.axis), find_metric(race.by)
    found = store.metrics.of(list(set(run_ids.values())))
    measure = _own_noise(Measure.of(metric), found.values())
    cells = _table(race, plan, {
        index: value.value
        for index, run_id in run_ids.items()
        if (value := found.get(run_id, {}).get(metric.name)) and value.version == metric.version
    })  # fmt: skip
    labels = named_values(axis)
    now = standing(cells, left_in(race, plan), compared=len(axis.values))
    said = verdict(now, measure, labels)
    alike = ""
    if said.is_alike:
        noise = f"the measure's own noise of {measure.amount(measure.noise, 2)}" if measure.noise else "nothing at all"
        alike = f"By {measure.spoken} they differ by no more than {noise}, at {counted(now.seeds, 'seed')}: take any."
    known = np.isfinite(now.means).all()
    return Look(
        lost=said.lost,
        alike=alike,
        in_front=leading(now, measure, labels, without=[place for place, _ in said.lost]) if known else "",
        best=now.values[_best(now, measure)] if known else None,
        stuck=_stuck(cells, now, measure),
    )


def _own_noise(measure: Measure, found: object) -> Measure:
    rows = pd.DataFrame([{name: value.value for name, value in each.items()} for each in found])  # pyright: ignore
    return in_own_units(measure, rows)


def _best(now: Standing, measure: Measure) -> int:
    return int(now.means.argmin() if measure.direction == "lower" else now.means.argmax())


def _table(race: Race, plan: SweepPlan, values: dict[int, float | None]) -> np.ndarray:
    """float64, seeds × values: means over all else that is varied; NaN where one of its cells is missing."""
    axis = axis_of(plan, race.axis)
    rests = len(contexts(plan, race.axis)) // len(axis.values)
    sums = np.zeros((len(plan.axes[0].values), len(axis.values)))
    counts = np.zeros(sums.shape, int)
    for index, seed, value, _ in placed(plan, race.axis):
        known = values.get(index)
        if known is not None and math.isfinite(known):
            sums[seed, value] += known
            counts[seed, value] += 1
    return np.where(counts == rests, sums / max(1, rests), np.nan)


def _stuck(cells: np.ndarray, now: Standing, measure: Measure) -> str:
    """Where the seeds of the last round could not be measured, further ones will not be either."""
    asked = cells[-ROUND_SEEDS:] if len(cells) > FIRST_SEEDS else cells
    if np.isfinite(asked[:, list(now.values)]).all(axis=1).any():
        return ""
    return f"None of the last seeds has a {measure.spoken} at all values that are left: more seeds would tell nothing."


def _by_votes(store: Store, race: Race, plan: SweepPlan, run_ids: dict[int, RunId]) -> Look:
    axis, left = axis_of(plan, race.axis), left_in(race, plan)
    column, names = AxisColumn(name="value", label=axis.label), named_values(axis)
    rows = [
        {"id": run_ids[index], column.name: names[value], SEED: seed, "rest": rest}
        for index, seed, value, rest in placed(plan, race.axis)
        if index in run_ids
    ]
    frame = pd.DataFrame(rows, columns=["id", column.name, SEED, "rest"])
    columns = [column, AxisColumn(name=SEED, label="Seed"), AxisColumn(name="rest", label="Rest")]
    cells = VotedCells.of(frame, column, columns)
    votes = _votes(store, race)
    said = axis_votes(votes, cells.values, column, contexts=cells.contexts, seeds=cells.seeds)
    scores = {names.index(str(score.value)): score for score in said.scores}
    still = [place for place, score in scores.items() if place in left and not score.is_out]
    open_pairs, asked = _pairs_of(frame, [names[place] for place in still or left], votes)
    missing = max(0, math.ceil(open_pairs / 2) - asked)
    return Look(
        lost=tuple(
            (place, _out(names[place], score)) for place, score in scores.items() if score.is_out and place in left
        ),
        alike=_alike(said),
        in_front=listed([f"{names[place]} ({100 * scores[place].share:.0f} %)" for place in still]),
        best=still[0] if still else None,
        is_wanting=missing == 0,
        waits=f"{counted(missing, 'more vote')} on the pictures that are there" if missing else "",
    )


def named_values(axis: Axis) -> list[str]:
    """The values of an axis in a sentence, each by another name: "guidance 7"; prompts are cut."""
    names = [f"{axis.label.lower()} {label}" if axis.is_scale else shown(label) for label in axis.labels]
    return [name if names.count(name) == 1 else f"{name} ({place + 1})" for place, name in enumerate(names)]


def _out(name: str, score: AxisScore) -> str:
    return (
        f"Out: {name}. Another value is preferred to it ({score.counts}). The chance that this is wrong is at most "
        f"{100 * ERROR:.0f} %, however often one looks."
    )


def _alike(said: AxisVotes) -> str:
    if said.is_clear or said.remark is None or not said.remark.may_stop:
        return ""
    return said.remark.text.removeprefix("You may stop: ")


def _votes(store: Store, race: Race) -> list[Vote]:
    """Of the race's sweep, and of the one it began from, which has pictures in common with it."""
    sweeps = [race.sweep_id, *([race.started_from] if race.started_from else [])]
    votes = [vote for sweep in sweeps for vote in store.opinions.votes_of(sweep)]
    return sorted(votes, key=lambda vote: vote.created)


def _pairs_of(frame: pd.DataFrame, left: Sequence[str], votes: Sequence[Vote]) -> tuple[int, int]:
    """How many pairs of pictures values make, the rest being the same, and on how many of them somebody voted."""
    own = frame[frame["value"].isin(list(left))]
    pairs = sum(pairs_among(len(group)) for _, group in own.groupby([SEED, "rest"]))
    groups = {row.id: (row.seed, row.rest) for row in own.itertuples()}
    asked = {
        frozenset((vote.run_a, vote.run_b))
        for vote in votes
        if vote.run_a in groups and groups[vote.run_a] == groups.get(vote.run_b)
    }
    return pairs, len(asked)
