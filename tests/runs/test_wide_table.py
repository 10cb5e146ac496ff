import math
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest
import sqlalchemy as sa

from bgen_core.metrics import LIKENESS, METRICS, MetricValue
from bgen_core.runs import wide_table
from bgen_core.runs.table import FIELDS
from bgen_core.runs.wide_table import OPINION_COLUMNS, metric_columns, run_table
from bgen_core.settings import Settings
from bgen_core.store.store import Store, open_store
from tests.made_up import commit, frame_of, made_up_run

pytestmark = pytest.mark.both_databases

NAMES = [field.name for field in FIELDS]
VERSIONS = {metric.name: metric.version for metric in METRICS}


def measured(name: str, value: float | None, version: int | None = None) -> MetricValue:
    return MetricValue(name=name, value=value, reason="", version=VERSIONS[name] if version is None else version)


def test_parameters_are_those_of_the_records(store: Store) -> None:
    commit(store, made_up_run(1))
    commit(store, made_up_run(2, params={"seed": 2**63 - 1, "guidance_scale": 0.1 + 0.2, "prompt": "日本\n“ü”"}))
    commit(store, made_up_run(3, seconds={}, versions={}, owner="", peak_memory_mb=0.04))
    commit(store, made_up_run(4, params={"shadow": 0.25}, subject_name="Bo", model="owner/name"))
    pd.testing.assert_frame_equal(run_table(store)[NAMES], frame_of(store.runs.select()))


def test_an_empty_store_has_every_column(store: Store) -> None:
    table = run_table(store)
    assert len(table) == 0
    assert list(table) == [*NAMES, *OPINION_COLUMNS, *metric_columns(), LIKENESS.name]
    assert len(set(table)) == len(list(table))


def test_opinions_and_measures_stand_beside_their_run(store: Store) -> None:
    runs = [commit(store, made_up_run(number, owner=f"visitor {number}")) for number in range(3)]
    store.opinions.rate(runs[1].id, 4)
    store.opinions.note(runs[1].id, "the best one")
    store.opinions.tag(runs[1].id, ["web", "a first"])
    store.metrics.save(runs[0].id, [measured("seam", 0.5), measured("expansion", None)])
    store.metrics.save(runs[1].id, [measured("seam", 0.25), measured("detail", 7.0, version=99)])
    table = run_table(store).set_index("id")
    assert table.loc[runs[1].id, list(OPINION_COLUMNS)].tolist() == [
        4, "the best one", ("a first", "web"), 4.0, 1, "visitor 1"
    ]  # fmt: skip
    assert math.isnan(table.loc[runs[0].id, "rating"])
    assert table.loc[runs[0].id, ["notes", "tags"]].tolist() == ["", ()]
    assert table.loc[[run.id for run in runs], "seam"].tolist()[:2] == [0.5, 0.25]
    assert math.isnan(table.loc[runs[2].id, "seam"])
    assert table["expansion"].isna().all()
    assert table["detail"].isna().all(), "a value of another version is not comparable"


CHANGES = {
    "rating": lambda store, run: store.opinions.rate(run, 2),
    "rating, the other way": lambda store, run: store.opinions.rate(run, None),
    "note": lambda store, run: store.opinions.note(run, "n"),
    "tags": lambda store, run: store.opinions.tag(run, ["t"]),
    "metric": lambda store, run: store.metrics.save(run, [measured("seam", 0.5)]),
    "metric, measured again": lambda store, run: store.metrics.save(run, [measured("seam", 0.75)]),
    "an older run": lambda store, run: commit(store, made_up_run(0)),
}


@pytest.mark.parametrize("own", [True, False], ids=["by this store", "by another process"])
def test_whatever_is_committed_is_seen_the_next_time(store: Store, settings: Settings, own: bool) -> None:
    run = commit(store, made_up_run(1)).id
    with open_store(settings) as elsewhere:
        for name, change in CHANGES.items():
            before = run_table(store)
            change(store if own else elsewhere, run)
            assert not run_table(store).equals(before), name
        pd.testing.assert_frame_equal(run_table(store), run_table(elsewhere))


@pytest.mark.parametrize("most_added", [500, 1], ids=["by their ids", "all again"])
def test_what_is_read_in_pieces_equals_what_is_read_at_once(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch, most_added: int
) -> None:
    monkeypatch.setattr(wide_table, "_MOST_ADDED", most_added)
    runs = [commit(store, made_up_run(number)) for number in range(1, 6)]

    def equals_a_fresh_one() -> None:
        with open_store(settings) as fresh:
            pd.testing.assert_frame_equal(run_table(store), run_table(fresh))

    equals_a_fresh_one()
    for number in (0, 6, 7):  # the oldest, and two new ones at once
        commit(store, made_up_run(number, params={"guidance_scale": 0.5 * number}, model=f"model {number}"))
    equals_a_fresh_one()
    store.opinions.rate(runs[2].id, 3)
    store.deletion.delete([runs[0].id, runs[3].id])
    equals_a_fresh_one()
    again = replace(runs[0], created=runs[0].created + timedelta(days=400), device="another one", seconds={"raw": 9.0})
    commit(store, again)
    equals_a_fresh_one()
    assert run_table(store).loc[0, ["id", "device"]].tolist() == [again.id, "another one"]
    store.deletion.delete(run_table(store)["id"].tolist())
    equals_a_fresh_one()


def test_old_metrics_serve_as_long_as_is_asked_and_nothing_else_is_old(store: Store) -> None:
    first = commit(store, made_up_run(1)).id
    store.metrics.save(first, [measured("seam", 0.5)])
    assert run_table(store)["seam"].tolist() == [0.5]
    store.metrics.save(first, [measured("seam", 0.75)])
    store.opinions.rate(first, 4)
    commit(store, made_up_run(2))
    table = run_table(store, metrics_age=3600).set_index("id")
    assert table.loc[first, ["seam", "rating"]].tolist() == [0.5, 4]
    assert len(table) == 2
    assert run_table(store).set_index("id").loc[first, "seam"] == 0.75


def test_nothing_is_read_again_while_nothing_is_committed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(store, made_up_run(1))
    table = run_table(store)
    monkeypatch.setattr(wide_table, "_read", lambda *_: pytest.fail("read again"))
    assert run_table(store).equals(table)


def test_nobody_changes_what_others_see(store: Store) -> None:
    commit(store, made_up_run(1))
    mine = run_table(store)
    mine.loc[0, "prompt"] = "changed"
    mine["new"] = 1
    assert run_table(store)["prompt"].tolist() == ["a beach at sunset"]
    assert "new" not in run_table(store)


def test_the_mark_changes_with_every_commit_and_with_nothing_else(store: Store, settings: Settings) -> None:
    run = commit(store, made_up_run(1))
    with open_store(settings) as other:
        seen = [store.revision()]
        for rating in (1, 2, None, 1):
            other.opinions.rate(run.id, rating)
            seen.append(store.revision())
            other.runs.select()
            assert store.revision() == seen[-1]
            with other.database.coordinating() as session:  # who computes what is no content
                session.execute(sa.text("INSERT INTO looks (name, at) VALUES (:name, 0)"), {"name": f"{rating}"})
                session.execute(sa.text("DELETE FROM looks"))
            with other.database.writing():  # as `/readyz` does, to see whether it could
                pass
            assert store.revision() == seen[-1]
        assert len(set(seen)) == len(seen)
        assert other.revision() not in seen, "marks of two stores are not comparable, and must never look equal"
