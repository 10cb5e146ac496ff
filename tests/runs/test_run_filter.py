"""Filters and the order of the wide table, against what a loop over the rows says."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from bgen_core.errors import UserInputError
from bgen_core.runs.run_columns import RUN_COLUMNS, run_column
from bgen_core.runs.run_filter import Condition, RunFilter, filter_runs, read_period, read_range, sort_runs
from bgen_core.runs.wide_table import run_table
from bgen_core.settings import load_settings
from bgen_core.store.store import Store, open_store
from tests.made_up import LONG_AGO, commit, made_up_run, run_id

BIG_SEED = 2**63 - 2


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Five runs whose seeds are 0 to 3 and a very large one, the newest first."""
    with open_store(load_settings(home=tmp_path_factory.mktemp("home"))) as store:
        fill(store)
        return run_table(store)


def fill(store: Store) -> None:
    for number, (params, changes) in enumerate(
        [
            ({"prompt": "A beach, palm trees", "guidance_scale": 3}, {}),
            ({"prompt": "a snowy forest", "guidance_scale": 5, "negative_prompt": "palm"}, {"model": "other"}),
            ({"prompt": "100 % [red] (dust)", "guidance_scale": 7.5, "scheduler": "euler"}, {"owner": "grace"}),
            ({"prompt": "an office", "guidance_scale": 1, "negative_prompt": ""}, {"subject_name": "Grace"}),
            ({"prompt": "an office", "guidance_scale": 1, "seed": BIG_SEED}, {"created": LONG_AGO + timedelta(days=1)}),
        ]
    ):
        commit(store, made_up_run(number, params=params, **changes))
    store.opinions.rate(run_id(0), 5)
    store.opinions.rate(run_id(1), 2)
    store.opinions.tag(run_id(1), ["good", "print"])
    store.opinions.tag(run_id(2), ["Good enough"])
    store.opinions.note(run_id(3), "The hands are wrong")


def passing(table: pd.DataFrame, **wanted: Any) -> list[int]:
    conditions = tuple(Condition(column=column, piece=piece) for column, piece in wanted.pop("conditions", ()))
    rows = filter_runs(table, RunFilter(conditions=conditions, **wanted))
    assert rows.index.tolist() == list(range(len(rows)))
    return [4 if seed == BIG_SEED else seed for seed in rows["seed"].tolist()]


@pytest.mark.parametrize(
    ("wanted", "seeds"),
    [
        ({}, [4, 3, 2, 1, 0]),
        ({"text": "BEACH"}, [0]),
        ({"text": "palm"}, [1, 0]),
        ({"text": "palm trees a"}, [0]),
        ({"text": "[red]"}, [2]),
        ({"text": "(dust) %"}, [2]),
        ({"text": ".*"}, []),
        ({"text": "grace"}, [3]),
        ({"text": "HANDS wrong"}, [3]),
        ({"text": "good"}, [2, 1]),
        ({"text": "good forest"}, [1]),
        ({"text": run_id(1)[:10]}, [1]),
        ({"text": run_id(1)[10:20]}, []),
        ({"ids": frozenset([run_id(2), run_id(0), run_id(50)])}, [2, 0]),
        ({"ids": frozenset()}, []),
        ({"conditions": [("model", "other")]}, [1]),
        ({"conditions": [("model", "other"), ("model", "demo")]}, [4, 3, 2, 1, 0]),
        ({"conditions": [("subject", "Ada"), ("scheduler", "ddim")]}, [4, 1, 0]),
        ({"conditions": [("negative_prompt", "")]}, [3]),
        ({"conditions": [("owner", "grace")]}, [2]),
        ({"conditions": [("guidance_scale", "3..5")]}, [1, 0]),
        ({"conditions": [("guidance_scale", "5..")]}, [2, 1]),
        ({"conditions": [("guidance_scale", "..1")]}, [4, 3]),
        ({"conditions": [("guidance_scale", "3"), ("guidance_scale", "7.5")]}, [2, 0]),
        ({"conditions": [("guidance_scale", "0..5"), ("seed", "1..9")]}, [3, 1]),
        ({"conditions": [("seed", str(BIG_SEED))]}, [4]),
        ({"conditions": [("seed", str(BIG_SEED - 1))]}, []),
        ({"conditions": [("rating", "4..")]}, [0]),
        ({"conditions": [("rating", "")]}, [4, 3, 2]),
        ({"conditions": [("rating", ""), ("rating", "..2")]}, [4, 3, 2, 1]),
        ({"conditions": [("tags", "good"), ("tags", "print")]}, [1]),
        ({"conditions": [("tags", "Good enough"), ("tags", "print")]}, [2, 1]),
        ({"conditions": [("tags", "")]}, [4, 3, 0]),
        ({"conditions": [("expansion", "0..")]}, []),
        ({"conditions": [("expansion", "")]}, [4, 3, 2, 1, 0]),
        ({"conditions": [("created", "2026-01-03T00:00+00:00..2026-01-04T00:00+00:00")]}, [4]),
        ({"conditions": [("created", "2026-01-03T04:00+01:00..2026-01-04T04:04+01:00")]}, [4]),
    ],
)
def test_the_filter_lets_pass(table: pd.DataFrame, wanted: dict[str, Any], seeds: list[int]) -> None:
    assert passing(table, **wanted) == seeds


def test_the_moment_at_which_a_period_ends_is_not_in_it(table: pd.DataFrame) -> None:
    second, first = (moment.isoformat() for moment in table["created"][-2:])
    assert passing(table, conditions=[("created", f"{first}..{second}")]) == [0]


@pytest.mark.parametrize(
    ("column", "descending", "seeds"),
    [
        ("guidance_scale", False, [4, 3, 0, 1, 2]),
        ("guidance_scale", True, [2, 1, 0, 4, 3]),
        ("prompt", False, [2, 0, 1, 4, 3]),
        ("prompt", True, [4, 3, 1, 0, 2]),
        ("rating", False, [1, 0, 4, 3, 2]),
        ("rating", True, [0, 1, 4, 3, 2]),
        ("notes", False, [3, 4, 2, 1, 0]),
        ("tags", False, [2, 1, 4, 3, 0]),
        ("created", False, [0, 1, 2, 3, 4]),
        ("seed", True, [4, 3, 2, 1, 0]),
    ],
)
def test_rows_are_sorted_equal_ones_as_before_and_empty_ones_last(
    table: pd.DataFrame, column: str, descending: bool, seeds: list[int]
) -> None:
    rows = sort_runs(table, column, descending=descending)
    assert [4 if seed == BIG_SEED else seed for seed in rows["seed"].tolist()] == seeds
    assert rows.index.tolist() == list(range(5))


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        ("10", (10, 10)),
        ("-1.5..2e3", (-1.5, 2000)),
        ("..7", (float("-inf"), 7)),
        ("0.5..", (0.5, float("inf"))),
        (f"0..{2**63 - 1}", (0, 2**63 - 1)),
        (f"-{'9' * 5000}..{'9' * 5000}", (float("-inf"), float("inf"))),
    ],
)
def test_ranges_are_read(piece: str, expected: tuple[float, float]) -> None:
    assert read_range(piece) == expected


def test_a_period_is_two_moments() -> None:
    first, end = read_period("2026-01-02T00:00+01:00..2026-01-03T00:00+01:00")
    assert first == datetime(2026, 1, 1, 23, tzinfo=UTC)
    assert end - first == timedelta(days=1)


@pytest.mark.parametrize(
    ("column", "piece", "words"),
    [
        ("steps", "3", "column 'steps' is not known: choose created, subject"),
        ("seed", "abc", "'abc' is not a range of numbers: write 10..30"),
        ("seed", "..", "is not a range of numbers"),
        ("seed", "7..3", "write the smaller one first"),
        ("rating", "1..2..3", "is not a range of numbers"),
        ("created", "0001-01-01T00:00+14:00..2026-01-03T00:00+01:00", "of 1900 to 2900"),
        ("created", "2026-01-02T00:00+01:00..9999-12-31T23:59-12:00", "of 1900 to 2900"),
        ("created", "today", "'today' is not a period"),
        ("created", "2026-01-02..2026-01-03", "is not a period"),
        ("created", "2026-01-02T00:00..2026-01-03T00:00+01:00", "is not a period"),
        ("created", "2026-01-03T00:00+01:00..2026-01-02T00:00+01:00", "is not a period"),
        ("thumbnail", "x", "cannot be filtered"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(column: str, piece: str, words: str) -> None:
    with pytest.raises(UserInputError, match=words):
        Condition(column=column, piece=piece)


def test_every_column_of_the_table_is_explained(table: pd.DataFrame) -> None:
    assert {column.name for column in RUN_COLUMNS} == set(table.columns)
    assert len({column.label for column in RUN_COLUMNS}) == len(RUN_COLUMNS)
    assert all(column.help.endswith(".") for column in RUN_COLUMNS)
    assert "Lower is better. Source: Eshratifar" in run_column("expansion").help
