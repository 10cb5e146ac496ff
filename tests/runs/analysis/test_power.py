"""How many seeds are enough: against tables of others, against simulation, and from earlier sweeps in a store."""

import math

import numpy as np
import pytest
from scipy import stats

from bgen_core.metrics import MetricValue
from bgen_core.runs.analysis.bad_seeds import bad_seeds, bad_seeds_text
from bgen_core.runs.analysis.columns import Measure
from bgen_core.runs.analysis.earlier_sweeps import earlier, seeds_text
from bgen_core.runs.analysis.overview import overview
from bgen_core.runs.analysis.power import pairs_needed, smallest_found
from bgen_core.store.store import Store
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from tests.made_up import commit, made_up_run, made_up_sweep
from tests.runs.analysis.made_up_sweeps import CLIP, DETAIL, GUIDANCE, SEAM, SEED, STEPS, sweep

SEAM_NOISE = Measure(name="seam", label="Seam", direction="lower", noise=0.005)


@pytest.mark.parametrize(
    ("effect", "pairs"), [(0.5, 34), (0.8, 15), (1.0, 10), (1.5, 6), (3.0, 6), (0.2, 199), (0.001, None)]
)
def test_pairs_are_those_of_published_tables(effect: float, pairs: int | None) -> None:
    """G*Power 3.1, matched pairs, two-sided 5 %, power 80 %; never fewer than anything is said of."""
    assert pairs_needed(1.0, effect) == pairs


def test_among_many_comparisons_more_pairs_are_needed() -> None:
    assert pairs_needed(1.0, 0.8, comparisons=21) == 29


def test_so_large_a_difference_is_found_in_four_of_five_sweeps() -> None:
    """2,000 made-up paired samples of 12: within three standard errors of 80 %, which is 2.7 %."""
    random = np.random.default_rng(1)
    difference = smallest_found(1 / math.sqrt(12), 11)
    samples = random.normal(difference, 1, (2000, 12))
    found = (stats.ttest_1samp(samples, 0, axis=1).pvalue < 0.05).mean()
    assert found == pytest.approx(0.8, abs=0.03)


def test_what_would_have_been_missed_is_told_with_each_comparison() -> None:
    random = np.random.default_rng(2)
    axes = {GUIDANCE: [2.0, 8.0], SEED: range(12)}
    frame = sweep(axes, SEAM_NOISE, lambda g, z: 0.3 + random.normal(0, 0.02))
    move = next(each for each in overview(frame, list(axes), [SEAM_NOISE]) if each.axis == GUIDANCE)
    # √2 · 0.02 a pair, over √12 pairs: a standard error of 0.0082, with Bonferroni over 2 some 3.5 of them
    assert move.verdict == "noise"
    assert 0.018 < move.smallest < 0.045
    few = overview(sweep({GUIDANCE: [2.0, 8.0]}, SEAM, lambda g: g), [GUIDANCE], [SEAM])
    assert [math.isnan(each.smallest) for each in few] == [True]


def test_a_seed_that_is_worse_everywhere_is_named_and_one_that_is_worse_somewhere_is_not() -> None:
    random = np.random.default_rng(3)
    axes = {GUIDANCE: [2.0, 4.0, 8.0], STEPS: [10, 20, 30], SEED: [1, 2, 3, 4]}
    frame = sweep(
        axes, SEAM, lambda g, s, z: 0.2 + 0.05 * (z == 4) + 0.1 * (z == 2 and s == 10) + random.normal(0, 0.005)
    )
    frame[CLIP.name] = random.normal(0, 1, len(frame))
    frame[DETAIL.name] = frame["seed"]
    found = bad_seeds(frame, list(axes), [SEAM, CLIP, DETAIL])
    assert [(each.seed, each.measure) for each in found] == [(4, SEAM)]
    assert bad_seeds_text(found, list(axes), SEAM).startswith(
        "Seed 4 is worse in seam at every guidance and steps: by 0.0"
    )
    assert bad_seeds_text(found, list(axes), CLIP) == ""


@pytest.mark.parametrize(
    "axes",
    [
        {GUIDANCE: [2.0, 8.0], SEED: [1, 2, 3]},
        {SEED: [1, 2, 3]},
        {GUIDANCE: list(range(8)), SEED: [1, 2]},
        {STEPS: [1, 2]},
    ],
)
def test_of_few_settings_or_two_seeds_none_is_called_bad(axes) -> None:
    frame = sweep(axes, SEAM, lambda *values: float(values[-1]))
    assert bad_seeds(frame, list(axes), [SEAM]) == []


def test_where_seeds_do_not_differ_one_is_called_bad_in_one_sweep_of_twenty_at_most() -> None:
    random = np.random.default_rng(4)
    axes = {GUIDANCE: [2.0, 4.0, 8.0], STEPS: [10, 20, 30], SEED: [1, 2, 3, 4]}
    claimed = 0
    for _ in range(40):
        frame = sweep(axes, SEAM, lambda *_: float(random.normal()))
        claimed += bool(bad_seeds(frame, list(axes), [SEAM]))
    assert claimed <= 5  # of 40 with 5 % each: more has a chance of 1.4 %


def made(
    store: Store, name: str, *, guidances: tuple[float, ...], seeds: tuple[int, ...], effect: float, noise: float
) -> None:
    """A finished sweep, in which each guidance adds `effect` to the seam, and each cell chance."""
    random = np.random.default_rng(len(seeds))
    axes = (Axis(name="guidance", values=guidances), Axis(name="seed", values=seeds))
    plan = SweepPlan(subject_id="s" * 64, model="demo", base=InpaintParams(prompt=name), axes=axes)
    ids = []
    for cell in plan.cells():
        run = made_up_run(1000 * len(seeds) + cell.index, params=cell.params.to_json())
        commit(store, run)
        value = 0.3 + effect * cell.position[0] + 0.05 * cell.position[1] + random.normal(0, noise)
        store.metrics.save(run.id, [MetricValue(name="seam", value=value, reason="", version=1)])
        ids.append(run.id)
    store.sweeps.add(made_up_sweep(name, cells=ids, state="done", plan=plan.to_json()), ids)


def planned(guidances: tuple[float, ...], seeds: tuple[int, ...]) -> SweepPlan:
    axes = (Axis(name="guidance", values=guidances), Axis(name="seed", values=seeds))
    return SweepPlan(subject_id="s" * 64, model="demo", base=InpaintParams(prompt="next"), axes=axes)


def test_earlier_sweeps_say_how_many_seeds_are_needed(store: Store) -> None:
    made(store, "one", guidances=(2.0, 4.0), seeds=tuple(range(1, 17)), effect=0.03, noise=0.02)
    made(store, "two", guidances=(2.0, 4.0, 8.0), seeds=tuple(range(1, 9)), effect=0.03, noise=0.02)
    plan = planned((3.0, 5.0), (1, 2, 3))
    known = earlier(store, plan.axes[0], SEAM_NOISE)
    assert known is not None
    assert known.sweeps == 2
    assert known.deviation == pytest.approx(0.02 * math.sqrt(2), rel=0.35)  # 29 degrees of freedom: ± 13 % each side
    # Root mean square of 0.03 between two values, and of 0.03, 0.03 and 0.06 among three
    assert known.difference == pytest.approx(0.037, abs=0.01)
    text = seeds_text(plan, plan.axes[0], known)
    assert text.startswith("To tell guidance apart by seam (a difference of 0.0")
    assert text.endswith("seeds; you asked for 3.")
    enough = planned((3.0, 5.0), tuple(range(1, 60)))
    assert seeds_text(enough, enough.axes[0], known).startswith("59 seeds are enough to tell guidance apart by seam")


def test_where_only_chance_was_seen_the_smallest_that_is_told_is_asked_for(store: Store) -> None:
    made(store, "one", guidances=(2.0, 4.0), seeds=tuple(range(1, 9)), effect=0.0, noise=0.001)
    plan = planned((3.0, 5.0), (1, 2))
    known = earlier(store, plan.axes[0], SEAM_NOISE)
    assert known is not None
    assert "(a difference of 0.005, the smallest that can be told)" in seeds_text(plan, plan.axes[0], known)


def test_without_earlier_sweeps_of_that_kind_nothing_is_said(store: Store) -> None:
    made(store, "one", guidances=(2.0, 4.0), seeds=(1,), effect=0.1, noise=0.01)
    assert earlier(store, Axis(name="guidance", values=(1.0, 2.0)), SEAM_NOISE) is None
    assert earlier(store, Axis(name="steps", values=(10, 20)), SEAM_NOISE) is None


def test_a_measure_that_never_changes_says_nothing(store: Store) -> None:
    made(store, "one", guidances=(2.0, 4.0), seeds=tuple(range(1, 9)), effect=0.0, noise=0.0)
    plan = planned((3.0, 5.0), (1, 2))
    known = earlier(store, plan.axes[0], Measure(name="seam", label="Seam"))
    assert known is None or seeds_text(plan, plan.axes[0], known) == ""
