"""A store that version 0.1.0 made opens, shows and repeats, with nothing computed again.

`store_0_1_0.zip` holds its home folder (31 runs in five sweeps, four more sweeps that are queued, paused, cancelled and
failed; votes, opinions, views) and what that version wrote of it: CSV, JSON, A1111's texts and the wide table.
"""

import json
import zipfile
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

from bgen_core.archive.run_import import import_runs
from bgen_core.cli.running.here import resume_here
from bgen_core.jobs.submission import forecast_sweep
from bgen_core.models.model_source import ModelSource
from bgen_core.models.revision import find_model
from bgen_core.records.png_text import parameters_text, parse_parameters, read_record
from bgen_core.records.run import RunRecord
from bgen_core.runs.export import runs_csv, runs_json
from bgen_core.runs.wide_table import run_table
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.sweep.plan import SweepPlan, address_plan
from tests.made_up import painted

OLD = Path(__file__).parent / "store_0_1_0.zip"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    with zipfile.ZipFile(OLD) as archive:
        archive.extractall(settings.home.parent)
    return settings


@pytest.fixture(autouse=True)
def model_and_libraries_of_then(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    """A new demo model and newer libraries give other addresses, and rightly so; here they stay as they were."""
    run = store.runs.select(limit=1)[0]
    monkeypatch.setattr("bgen_core.sweep.plan.pixel_versions", lambda: run.versions)

    def pinned(spec: str) -> ModelSource:
        return replace(find_model(spec), revision=run.model_revision)

    for module in ("bgen_core.jobs.submission", "bgen_core.jobs.runner"):
        monkeypatch.setattr(f"{module}.find_model", pinned)


def written(name: str) -> str:
    with zipfile.ZipFile(OLD) as archive:
        return archive.read(f"written/{name}").decode()


def oldest_first(store: Store) -> list[RunRecord]:
    return list(reversed(store.runs.select()))


def test_every_sweep_is_repeated_without_a_cell_to_make(store: Store, settings: Settings) -> None:
    photos = {entry.id: entry.extent for entry in store.subjects.all()}
    sweeps = store.sweeps.select()
    assert len(sweeps) == 9
    for sweep in sweeps:
        plan = SweepPlan.from_json(sweep.plan)
        assert SweepPlan.from_json(plan.to_json()) == plan
        forecast = forecast_sweep(store, settings, plan, photos=photos, device_kind="cpu", dtype_name="float32")
        assert (forecast.to_make, forecast.to_paint, forecast.known) == (0, 0, sweep.total)
        assert list(forecast.run_ids.values()) == [cell.run_id for cell in store.sweeps.cells(sweep.id)]


def test_a_sweep_that_waited_is_run_from_what_is_there(store: Store, settings: Settings) -> None:
    result = resume_here(store, settings, "a-queued-one")
    assert (result.made, result.reused, result.failed) == (0, 8, 0)
    assert store.sweeps.get("a-queued-one").state == "done"


def test_states_are_as_they_were(store: Store) -> None:
    states = {sweep.id: (sweep.state, sweep.message) for sweep in store.sweeps.select() if sweep.id.startswith("a-")}
    assert states == {
        "a-queued-one": ("queued", ""),
        "a-paused-one": ("paused", ""),
        "a-cancelled-one": ("cancelled", ""),
        "a-failed-one": ("failed", "a reason"),
    }


def test_raw_pictures_have_their_addresses(store: Store) -> None:
    for run in store.runs.select():
        plan = SweepPlan(subject_id=run.subject_id, model=run.model, base=run.params)
        (address,) = address_plan(
            plan, {run.model: run.model_revision}, device_kind="cpu", dtype_name="float32"
        ).values()
        assert (address.run_id, address.raw_id) == (run.id, run.raw_id)


def test_exports_say_what_they_said(store: Store) -> None:
    runs = oldest_first(store)
    ids = [run.id for run in runs]
    metrics, opinions = store.metrics.of(ids), store.opinions.of(ids)
    before = pd.read_csv(StringIO(written("runs.csv")), dtype=str)
    after = pd.read_csv(StringIO(runs_csv(runs, metrics=metrics, opinions=opinions)), dtype=str)
    pd.testing.assert_frame_equal(after[list(before.columns)], before)
    was, now = json.loads(written("runs.json")), json.loads(runs_json(runs, metrics=metrics, opinions=opinions))
    assert [{name: run[name] for name in old} for old, run in zip(was, now, strict=True)] == was


def test_the_table_shows_what_it_showed(store: Store) -> None:
    before = json.loads(written("table.json"))
    for row in before:  # links led from the root of the host, which the app may share now
        row |= {name: row[name].removeprefix("/") for name in ("thumbnail", "permalink")}
    after = json.loads(run_table(store).to_json(orient="records", date_format="iso", force_ascii=False))
    assert [{name: row[name] for name in old} for old, row in zip(before, after, strict=True)] == before


def test_pngs_say_what_they_said_and_are_read(store: Store) -> None:
    texts = json.loads(written("parameters.json"))
    runs = oldest_first(store)
    assert {run.id for run in runs} == set(texts)
    for run in runs:
        was, now = parse_parameters(texts[run.id]), parse_parameters(parameters_text(run))
        assert {name: now[name] for name in was if name != "Version"} == {
            name: value for name, value in was.items() if name != "Version"
        }
        read = read_record(store.blobs.get(run.image))
        assert read == painted(run)


def test_votes_opinions_and_views_are_there(store: Store) -> None:
    (sweep,) = [sweep for sweep in store.sweeps.select() if sweep.total == 12]
    cells = store.sweeps.cells(sweep.id)
    assert [vote.winner for vote in store.opinions.votes_of(sweep.id)] == ["a", "b", "tie", "a"]
    opinion = store.opinions.of([cells[0].run_id])[cells[0].run_id]
    assert (opinion.rating, opinion.notes, opinion.tags) == (4, "the soft edge is right", ("beach", "keep"))
    views = {view.name: dict(view.query) for view in store.views.all()}
    assert views["Beaches"]["f"] == ["guidance_scale:1..3", "edge_softness:1"]


def test_a_zip_of_then_is_imported_with_its_sweep_and_votes(store: Store, tmp_path: Path) -> None:
    with open_store(load_settings(home=tmp_path / "new")) as new:
        import_runs(new, Path(__file__).parent / "runs_0_1_0.zip")
        (sweep,) = new.sweeps.select()
        assert new.sweeps.cells(sweep.id) == store.sweeps.cells(sweep.id)
        assert new.opinions.votes_of(sweep.id) == store.opinions.votes_of(sweep.id)
        assert new.runs.select() == store.runs.select(sweep_id=sweep.id)
