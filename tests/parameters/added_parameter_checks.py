"""Run in the copy of `added_parameters`: the two new ones stand wherever a parameter stands."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from typer.testing import CliRunner

from bgen_core.archive.run_archive import run_archive
from bgen_core.archive.run_import import import_runs
from bgen_core.cli import command_line
from bgen_core.records.png_text import parameters_text, read_record
from bgen_core.records.run import RunRecord
from bgen_core.runs.export import runs_csv, runs_json
from bgen_core.runs.recipe import read_recipe
from bgen_core.runs.run_filter import Condition, RunFilter, filter_runs
from bgen_core.runs.table import differing_parameters
from bgen_core.runs.wide_table import run_table
from bgen_core.settings import load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.subject.samples.samples import SAMPLES
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan, address_cell
from pages._ui.app import resources
from tests.made_up import commit, made_up_run, made_up_subject
from tests.pages.compare_pages import open_run, tables
from tests.pages.test_sweep_page import open_sweep

NEW = {"eta": 0.25, "glow": 1.5}


@pytest.fixture
def store() -> Iterator[Store]:
    st.cache_resource.clear()
    with open_store(load_settings()) as store:
        yield store
    st.cache_resource.clear()


@pytest.fixture
def runs(store: Store) -> list[RunRecord]:
    """One with the defaults, one with other values."""
    subject = made_up_subject()
    store.subjects.save(subject, {})
    made = [made_up_run(0), made_up_run(1, params=NEW)]
    return [commit(store, replace(run, subject_id=subject.id)) for run in made]


@pytest.mark.parametrize("command", ["generate", "sweep"])
def test_the_command_line_offers_them(command: str) -> None:
    shown = CliRunner().invoke(command_line(), [command, "--help"], env={"COLUMNS": "200"}).output
    assert "--eta" in shown
    assert "--glow" in shown


def test_the_command_line_and_a_spec_sweep_them(tmp_path: Path) -> None:
    photo = SAMPLES[0].path
    spec = tmp_path / "plan.yaml"
    spec.write_text(f"photo: {photo}\nprompt: a beach\neta: 0..1/3\n", encoding="utf-8")
    done = CliRunner().invoke(command_line(), ["sweep", "--spec", str(spec), "--glow", "0,2", "--dry-run", "--json"])
    assert json.loads(done.stdout)["axes"] == {"eta": [0.0, 0.5, 1.0], "glow": [0.0, 2.0]}


def test_a_value_beyond_the_range_is_refused() -> None:
    with pytest.raises(Exception, match="glow 3 is not allowed: choose 0 to 2"):
        InpaintParams(prompt="a", glow=3)  # pyright: ignore[reportCallIssue]


def test_csv_json_and_table_have_columns(store: Store, runs: list[RunRecord]) -> None:
    rows = list(csv.DictReader(io.StringIO(runs_csv(runs))))
    assert [(row["eta"], row["glow"]) for row in rows] == [("0.0", "0.0"), ("0.25", "1.5")]
    assert [(run["eta"], run["glow"]) for run in json.loads(runs_json(runs))] == [(0, 0), (0.25, 1.5)]
    assert run_table(store)["glow"].tolist() == [1.5, 0.0]
    wanted = RunFilter(conditions=(Condition(column="glow", piece="1..2"),))
    assert filter_runs(run_table(store), wanted)["id"].tolist() == [runs[1].id]
    assert {"eta", "glow"} <= {field.name for field in differing_parameters(runs).differing}


def test_both_texts_of_a_png_say_them_and_are_read_back(store: Store, runs: list[RunRecord]) -> None:
    png = store.blobs.get(runs[1].image)
    record = read_record(png)
    assert record is not None
    assert record.params == runs[1].params
    assert "Eta: 0.25, Rim glow: 1.5" in parameters_text(runs[1])
    assert "glow" not in parameters_text(runs[0])


def test_a_text_alone_is_read_back(runs: list[RunRecord]) -> None:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    text.add_text("parameters", parameters_text(runs[1]))
    file = io.BytesIO()
    Image.new("RGB", (64, 64)).save(file, "PNG", pnginfo=text)
    recipe = read_recipe(file.getvalue())
    assert {"eta", "glow"} <= recipe.given
    assert (recipe.params.eta, recipe.params.glow) == (0.25, 1.5)  # pyright: ignore[reportAttributeAccessIssue]


def test_a_zip_carries_them(store: Store, runs: list[RunRecord], tmp_path: Path) -> None:
    path = tmp_path / "runs.zip"
    path.write_bytes(b"".join(run_archive(store, [run.id for run in runs])))
    with open_store(load_settings(home=tmp_path / "other")) as other:
        import_runs(other, path)
        assert {run.id: run.params for run in other.runs.select()} == {run.id: run.params for run in runs}


def test_form_and_address_hold_them(store: Store, runs: list[RunRecord]) -> None:
    at = open_sweep(eta="0,0.5", rim="1", prompt="a beach")
    assert (at.text_input(key="eta").value, at.text_input(key="rim").value) == ("0,0.5", "1")
    base = open_sweep(base=runs[1].id)
    assert (base.text_input(key="eta").value, base.text_input(key="rim").value) == ("0.25", "1.5")
    resources.opened_store.clear()


def test_the_page_of_a_run_shows_them(store: Store, runs: list[RunRecord]) -> None:
    parameters = tables(open_run(id=runs[1].id))[0]
    assert parameters[r"Eta \(σ\)"] == [r"0\.25"]
    assert parameters["Rim glow"] == [r"1\.5"]


@pytest.mark.parametrize(("name", "paints_anew"), [("eta", True), ("glow", False)])
def test_an_address_knows_them_beyond_their_default(name: str, paints_anew: bool) -> None:
    def address(**params: float) -> tuple[str, str]:
        made = InpaintParams(prompt="a", **params)  # pyright: ignore[reportArgumentType]
        found = address_cell(made, subject_id="s", model_revision="m", device_kind="cpu", dtype_name="float32")
        return found.run_id, found.raw_id

    plain, changed = address(), address(**{name: 0.5})
    assert address(**{name: 0.0}) == plain
    assert changed[0] != plain[0]
    assert (changed[1] != plain[1]) is paints_anew


def test_a_plan_keeps_them(runs: list[RunRecord]) -> None:
    plan = SweepPlan(subject_id="s", model="demo", base=runs[1].params)
    assert SweepPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
