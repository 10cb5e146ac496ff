import math

import numpy as np
import pandas as pd
import pytest

from bgen_core.runs.analysis.best import BestAt, best_of, best_values
from bgen_core.runs.analysis.groups import best_groups, group_runs
from tests.runs.analysis.made_up_sweeps import CLIP, DETAIL, SEAM, SEED, STEPS, sweep


def test_groups_have_count_mean_and_spread() -> None:
    frame = pd.DataFrame({"steps": [30, 10, 10, 10, 20], "seam": [0.5, 0.1, 0.2, 0.6, None], "px": [1, 2, 3, 4, 5]})
    grouped = group_runs(frame, "steps", ["seam", "px"])
    assert list(grouped.columns) == ["steps", "runs", "seam_mean", "seam_spread", "px_mean", "px_spread"]
    assert grouped["steps"].tolist() == [10, 20, 30]
    assert grouped["runs"].tolist() == [3, 1, 1]
    assert grouped["seam_mean"].tolist() == pytest.approx([0.3, math.nan, 0.5], nan_ok=True)
    assert grouped["seam_spread"][0] == pytest.approx(np.std([0.1, 0.2, 0.6], ddof=1))
    assert grouped["seam_spread"].isna().tolist() == [False, True, True]
    assert grouped["px_mean"].tolist() == [3, 5, 1]


def test_names_come_in_their_order_and_without_a_value_is_a_group_too() -> None:
    frame = pd.DataFrame({"scheduler": ["unipc", "ddim", None, "unipc"], "seam": [1.0, 2.0, 3.0, 5.0]})
    grouped = group_runs(frame, "scheduler", ["seam"])
    assert grouped["scheduler"].tolist()[:2] == ["unipc", "ddim"]
    assert grouped["runs"].tolist() == [2, 1, 1]
    assert grouped["seam_mean"].tolist() == [3, 2, 3]


def test_a_column_can_be_grouped_by_and_averaged() -> None:
    grouped = group_runs(pd.DataFrame({"rating": [5, 5, 1]}), "rating", ["rating"])
    assert grouped["rating_mean"].tolist() == [1, 5]


def test_no_runs_are_no_groups() -> None:
    frame = pd.DataFrame({"steps": pd.Series(dtype=int), "seam": pd.Series(dtype=float)})
    grouped = group_runs(frame, "steps", ["seam"])
    assert len(grouped) == 0
    assert list(grouped.columns) == ["steps", "runs", "seam_mean", "seam_spread"]


@pytest.mark.parametrize(
    ("values", "direction", "best"),
    [
        ({"a": 1.0, "b": 2.0, "c": 3.0}, "lower", {"a"}),
        ({"a": 1.0, "b": 2.0, "c": 3.0}, "higher", {"c"}),
        ({"a": 1.0, "b": 1.0, "c": 3.0}, "lower", {"a", "b"}),
        ({"a": None, "b": 2.0, "c": math.nan, "d": 1.0}, "higher", {"b"}),
        ({"a": 1.0, "b": 2.0}, "none", set()),
        ({"a": 1.0, "b": 1.0}, "lower", set()),
        ({"a": 1.0, "b": None}, "lower", set()),
        ({}, "higher", set()),
        ({"a": 0.1 + 0.2, "b": 0.3}, "lower", set()),
        ({"a": 0.1 + 0.2, "b": 0.3, "c": 0.4}, "lower", {"a", "b"}),
        ({"a": 0.0, "b": 1e-9}, "lower", {"a"}),
    ],
)
def test_the_best_stands_out(values, direction, best: set[str]) -> None:
    assert best_of(values, direction) == best


def test_the_best_seed_at_each_number_of_steps() -> None:
    axes = {STEPS: [30, 10, 20], SEED: [1, 2, 3]}
    frame = sweep(axes, SEAM, lambda s, z: None if s == 20 else abs(z - s / 10))
    found = best_values(frame, SEED, SEAM, at=STEPS)
    assert [(each.at, each.best, each.runs, each.compared) for each in found] == [(10, (1,), 1, 3), (30, (3,), 1, 3)]


def test_the_best_is_by_the_mean_and_by_the_better_side() -> None:
    axes = {STEPS: [10], SEED: [1, 2]}
    frame = pd.concat([sweep(axes, CLIP, lambda s, z: float(z)), sweep(axes, CLIP, lambda s, z: {1: 9.0, 2: 3.0}[z])])
    found = best_values(frame, SEED, CLIP, at=STEPS)
    assert found == [BestAt(at=10, best=(1,), mean=5.0, runs=2, compared=2)]
    with pytest.raises(ValueError, match="no better side"):
        best_values(frame, SEED, DETAIL, at=STEPS)


def test_what_is_equal_has_no_best_and_what_ties_is_best_alike() -> None:
    axes = {STEPS: [10, 20, 30], SEED: [1, 2, 3]}
    frame = sweep(axes, SEAM, lambda s, z: {10: 0.0, 20: float(z > 2), 30: z if z == 1 else None}[s])
    found = best_values(frame, SEED, SEAM, at=STEPS)
    assert [(each.at, each.best, each.mean, each.runs, each.compared) for each in found] == [
        (10, (), 0, 3, 3),
        (20, (1, 2), 0, 2, 3),
        (30, (), 1, 1, 1),
    ]


@pytest.mark.parametrize(
    ("measure", "values", "best"),
    [
        (SEAM, [3.0, 1.0, 2.0], [False, True, False]),
        (CLIP, [3.0, 1.0, None], [True, False, False]),
        (CLIP, [3.0, 3.0, 1.0], [True, True, False]),
        (SEAM, [1.0, 1.0, 1.0], [False] * 3),
        (DETAIL, [3.0, 1.0, 2.0], [False] * 3),
    ],
)
def test_the_best_group_is_the_one_with_the_best_mean(measure, values, best: list[bool]) -> None:
    frame = pd.DataFrame({"steps": [10, 20, 30], measure.name: values})
    assert best_groups(group_runs(frame, "steps", [measure.name]), measure) == best
