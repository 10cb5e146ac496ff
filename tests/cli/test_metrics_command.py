import json

import pytest
from typer.testing import CliRunner

from bgen_core.cli import command_line
from bgen_core.errors import UserInputError
from bgen_core.metrics import LIKENESS, METRICS, MetricValue
from bgen_core.store.store import Store
from tests.made_up import commit, made_up_run, made_up_subject, made_up_sweep

# These need no network and no segmentation.
NAMES = "colourfulness,images_per_minute,seconds_denoise"
STALE = MetricValue(name="images_per_minute", value=-1.0, reason="", version=0)


@pytest.fixture
def store(store: Store) -> Store:
    subject = made_up_subject()
    store.subjects.save(subject, {})
    for number in range(3):
        commit(store, made_up_run(number, subject_id=subject.id, seconds={"denoise": 1.5 + number}))
    return store


def call(*words: str) -> tuple[str, str]:
    result = CliRunner().invoke(command_line(), ["metrics", *words], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout, result.stderr


def speeds(store: Store) -> list[float | None]:
    runs = store.runs.select()
    measured = store.metrics.of([run.id for run in runs])
    return [measured[run.id]["images_per_minute"].value if run.id in measured else None for run in runs]


def test_the_list_is_the_table() -> None:
    listed = json.loads(call("list", "--json")[0])
    assert [(each["name"], each["better"], each["version"]) for each in listed] == [
        (metric.name, metric.direction, metric.version) for metric in (*METRICS, LIKENESS)
    ]
    shown = CliRunner().invoke(command_line(), ["metrics", "list"], env={"COLUMNS": "300"}).stdout
    assert all(metric.help in shown for metric in (*METRICS, LIKENESS))


def test_every_run_is_compared_with_all_its_seed_mates(store: Store) -> None:
    out, _ = call("recompute", "--names", "seed_difference,images_per_minute", "--json")
    assert json.loads(out)["without_value"] == {}
    runs = [run.id for run in store.runs.select()]
    assert all(found["seed_difference"].value for found in store.metrics.of(runs).values())
    assert json.loads(call("recompute", "--names", "seed_difference", "--json")[0])["runs"] == 0


def test_without_a_choice_only_what_is_missing_or_old_is_measured(store: Store) -> None:
    newest, middle, oldest = store.runs.select()
    store.metrics.save(newest.id, [MetricValue(name="images_per_minute", value=7.0, reason="", version=1)])
    store.metrics.save(middle.id, [STALE])
    out, error = call("recompute", "--names", "images_per_minute", "--json")
    assert json.loads(out) == {"runs": 2, "metrics": ["images_per_minute"], "without_value": {}}
    assert error == ""
    assert speeds(store) == [7.0, 60 / 2.5, 60 / 1.5]
    assert store.metrics.of([oldest.id])[oldest.id].keys() == {"images_per_minute"}
    assert json.loads(call("recompute", "--names", "images_per_minute", "--json")[0])["runs"] == 0


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (["--all"], [60 / 3.5, 60 / 2.5, 60 / 1.5]),
        (["--sweep", "sweep-1"], [60 / 3.5, -1.0, -1.0]),
        (["--run", "OLDEST", "--run", "OLDEST"], [-1.0, -1.0, 60 / 1.5]),
    ],
)
def test_what_is_chosen_is_measured_again(store: Store, choice: list[str], expected: list[float]) -> None:
    runs = store.runs.select()
    for run in runs:
        store.metrics.save(run.id, [MetricValue(name="images_per_minute", value=-1.0, reason="", version=1)])
    store.sweeps.add(made_up_sweep(total=1), [runs[0].id])
    call("recompute", *[runs[2].id[:10] if word == "OLDEST" else word for word in choice], "--names", NAMES)
    assert speeds(store) == expected


def test_what_has_no_value_is_told_with_its_reason(store: Store) -> None:
    store.subjects.delete(store.subjects.all()[0].id)
    out, error = call("recompute", "--all", "--names", NAMES)
    assert out == ""
    assert error == (
        "3 runs measured, 3 metrics each\n  colourfulness has no value in 3: Its alpha cannot be had any more.\n"
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--names", "beauty"], "metric 'beauty' is not known: choose core_changed"),
        (["--all", "--sweep", "x"], "--all is every run: give it alone"),
        (["--sweep", "x", "--run", "y"], "give one of them"),
        (["--sweep", "nothing"], "No sweep is called 'nothing'"),
        (["--run", "abc"], "'abc' is not a run's id"),
    ],
)
def test_a_choice_that_cannot_be_is_a_sentence(store: Store, words: list[str], sentence: str) -> None:
    with pytest.raises(UserInputError, match=sentence):
        CliRunner().invoke(command_line(), ["metrics", "recompute", *words], catch_exceptions=False)
    assert store.metrics.of([run.id for run in store.runs.select()]) == {}
