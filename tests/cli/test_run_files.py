"""`runs export` and `runs import` as a person calls them."""

import csv
import io
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from bgen_core.cli import command_line
from bgen_core.errors import UserInputError
from bgen_core.metrics import MetricValue
from bgen_core.settings import load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.sweep.axes import Axis
from bgen_core.sweep.plan import SweepPlan
from tests.made_up import commit, flip_a_bit, made_up_run, made_up_subject, made_up_sweep


@pytest.fixture
def store(store: Store) -> Store:
    subject = made_up_subject()
    store.subjects.save(subject, {})
    runs = [commit(store, made_up_run(number, subject_id=subject.id)) for number in range(3)]
    plan = SweepPlan(subject_id=subject.id, model="demo", base=runs[0].params, axes=(Axis(name="seed", values=(0, 2)),))
    store.sweeps.add(made_up_sweep(total=2, plan=plan.to_json()), [runs[0].id, runs[2].id])
    store.opinions.rate(runs[2].id, 4)
    store.metrics.save(runs[2].id, [MetricValue(name="seam", value=0.5, reason="", version=1)])
    return store


def call(*words: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(command_line(), ["runs", *map(str, words)], catch_exceptions=False)
    return result.exit_code, result.stdout, result.stderr


def seeds(path: Path) -> list[int]:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)["seed"].tolist()
    if path.suffix == ".json":
        return [run["seed"] for run in json.loads(path.read_text(encoding="utf-8"))]
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            table = archive.read("runs.csv").decode("utf-8-sig")
        return [int(row["seed"]) for row in csv.DictReader(io.StringIO(table))]
    return [int(row["seed"]) for row in csv_rows(path)]


def csv_rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["runs.csv", "runs.json", "runs.parquet", "runs.zip"])
def test_every_format_holds_the_same_runs(store: Store, tmp_path: Path, name: str) -> None:
    assert call("export", "--out", tmp_path / name) == (0, "", f"3 runs written to {tmp_path / name}\n")
    assert seeds(tmp_path / name) == [2, 1, 0]
    assert call("export", "--out", tmp_path / name, "--sweep", "sweep-1")[0] == 0
    assert seeds(tmp_path / name) == [2, 0]
    newest = store.runs.select()[0].id
    assert call("export", "--out", tmp_path / name, "--run", newest[:8], "--run", newest)[0] == 0
    assert seeds(tmp_path / name) == [2]
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


def test_metrics_and_opinions_come_along(store: Store, tmp_path: Path) -> None:
    call("export", "--out", tmp_path / "runs.csv")
    assert [(row["seam"], row["rating"]) for row in csv_rows(tmp_path / "runs.csv")] == [
        ("0.5", "4"),
        ("", ""),
        ("", ""),
    ]


def test_a_page_shows_chosen_runs_or_the_grid_of_a_sweep(store: Store, tmp_path: Path) -> None:
    newest, middle, _ = store.runs.select()
    call("export", "--out", tmp_path / "runs.html", "--run", newest.id)
    page = (tmp_path / "runs.html").read_text(encoding="utf-8")
    assert newest.id in page
    assert middle.id not in page
    call("export", "--out", tmp_path / "runs.html", "--sweep", "sweep-1")
    assert '<th scope="col">2</th>' in (tmp_path / "runs.html").read_text(encoding="utf-8")


def test_the_format_wins_over_the_name(store: Store, tmp_path: Path) -> None:
    code, out, _ = call("export", "--out", tmp_path / "runs.txt", "--format", "json", "--json")
    assert json.loads(out) == {"out": str(tmp_path / "runs.txt"), "format": "json", "runs": 3, "not_included": []}
    assert (code, len(json.loads((tmp_path / "runs.txt").read_text(encoding="utf-8")))) == (0, 3)


def test_what_is_not_in_the_zip_is_said(store: Store, tmp_path: Path) -> None:
    run = store.runs.select()[0]
    store.blobs.path(run.image).unlink()
    code, _, error = call("export", "--out", tmp_path / "runs.zip")
    assert code == 2
    assert f"not included: Run {run.id}" in error
    assert error.endswith(f"{tmp_path / 'runs.zip'} written, without what is listed above\n")


@pytest.mark.parametrize("name", ["runs.zip", "runs.html"])
def test_a_damaged_picture_is_named_in_words_and_in_json(store: Store, tmp_path: Path, name: str) -> None:
    run = store.runs.select()[0]
    flip_a_bit(store.blobs.path(run.image))
    code, out, error = call("export", "--out", tmp_path / name, "--json")
    (told,) = json.loads(out)["not_included"]
    assert code == 2
    assert run.id in told
    assert "is damaged" in told
    assert f"not included: {told}" in error


def test_what_of_a_zip_is_damaged_is_said_and_the_rest_taken(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("export", "--out", tmp_path / "runs.zip")
    run = store.runs.select()[0]
    packed, picture = (tmp_path / "runs.zip").read_bytes(), store.blobs.get(run.image)
    place = packed.index(picture[-200:])
    (tmp_path / "runs.zip").write_bytes(packed[:place] + b"!" + packed[place + 1 :])
    monkeypatch.setenv("BGEN_HOME", str(tmp_path / "other"))
    code, out, error = call("import", tmp_path / "runs.zip", "--json")
    told = json.loads(out)
    assert (code, len(told["added"])) == (2, 2)
    assert error == f"not imported: {told['not_imported'][0]}\n"
    assert run.id in error


def test_a_zip_goes_into_another_store(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call("export", "--out", tmp_path / "runs.zip")
    monkeypatch.setenv("BGEN_HOME", str(tmp_path / "other"))
    code, out, _ = call("import", tmp_path / "runs.zip", "--json")
    runs = store.runs.select()
    assert code == 0
    assert json.loads(out) == {
        "added": [run.id for run in runs], "known": 0, "subjects_added": 1, "subjects_known": 0,
        "sweeps_added": ["sweep-1"], "votes_added": 0, "restored": 0, "not_imported": [],
    }  # fmt: skip
    with open_store(load_settings()) as other:
        assert other.runs.select() == runs
    assert call("import", tmp_path / "runs.zip")[2] == "0 runs imported, 3 there already and left as they are.\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["export", "--out", "runs.xlsx"],
            "does not say in which format: give --format, one of csv, json, parquet, zip, html",
        ),
        (["export", "--out", "/missing/runs.csv"], r"/missing/runs.csv cannot be written \(No such file"),
        (["export", "--out", "/", "--format", "csv"], "cannot be written"),
        (["export", "--out", "x.csv", "--sweep", "a", "--run", "b"], "give one of them"),
        (["export", "--out", "x.csv", "--sweep", "nothing"], "No sweep is called 'nothing'"),
        (["export", "--out", "x.csv", "--run", "f" * 64], "No run has the id"),
        (["import", "missing.zip"], "missing.zip cannot be read"),
    ],
)
def test_what_can_be_mended_is_a_sentence(
    store: Store, words: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserInputError, match=sentence):
        call(*words)
    assert not list(tmp_path.iterdir())
