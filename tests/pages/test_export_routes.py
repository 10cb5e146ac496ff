"""Downloads of chosen and filtered runs, through the routes that the app has."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient

from bgen_core.archive.run_import import import_runs
from bgen_core.errors import StoreError
from bgen_core.metrics import MetricValue
from bgen_core.runs.links import runs_url
from bgen_core.settings import load_settings
from bgen_core.store.store import SeenStore, Store, open_store
from pages._ui.routes import export_routes
from pages._ui.routes.export_routes import EXPORT_FORMS
from pages._ui.routes.routes import own_routes
from tests.made_up import VISITOR, commit, made_up_run, made_up_sweep, run_id

SUFFIXES = [form.suffix for form in EXPORT_FORMS]


@pytest.fixture
def store(store: Store) -> Store:
    for number in range(4):
        commit(store, made_up_run(number, params={"prompt": "a forest" if number % 2 else "=a “beach”, at\nnight"}))
    store.opinions.rate(run_id(1), 4)
    store.opinions.tag(run_id(1), ["print"])
    store.metrics.save(run_id(1), [MetricValue(name="seam", value=0.25, reason="", version=1)])
    store.sweeps.add(made_up_sweep(total=2), [run_id(0), run_id(3)])
    return store


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    with TestClient(Starlette(routes=own_routes(lambda request: store.seen_by(VISITOR)))) as client:
        yield client


def exported(client: TestClient, **query: str | list[str]) -> list[str]:
    """Ids of the runs in the CSV, in its order."""
    answer = client.get(runs_url("csv", query))
    assert answer.status_code == 200
    return pd.read_csv(io.BytesIO(answer.content))["id"].tolist()


def test_an_address_means_the_runs_that_its_page_shows(client: TestClient) -> None:
    assert exported(client) == [run_id(number) for number in (3, 2, 1, 0)]
    assert exported(client, q="forest") == [run_id(3), run_id(1)]
    assert exported(client, f=["rating:4..", "tags:print"]) == [run_id(1)]
    assert exported(client, sweep="sweep-1", sort="seed") == [run_id(0), run_id(3)]
    assert exported(client, ids=f"{run_id(2)[:12]},{run_id(0)}", q="forest") == [run_id(2), run_id(0)]


def test_every_form_holds_the_runs(client: TestClient, store: Store, tmp_path: Path) -> None:
    ids = [run_id(1), run_id(0)]
    answers = {suffix: client.get(runs_url(suffix, {"ids": ",".join(ids)})) for suffix in SUFFIXES}
    for suffix, answer in answers.items():
        assert answer.status_code == 200
        assert answer.headers["content-disposition"].startswith(f'attachment; filename="bgen-runs.{suffix}"')
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
    table = pd.read_csv(io.BytesIO(answers["csv"].content))
    assert table["id"].tolist() == ids
    assert table["seam"].tolist()[0] == 0.25
    assert table["rating"].tolist()[0] == 4
    assert table["prompt"].tolist()[1] == "'=a “beach”, at\nnight"
    parquet = pd.read_parquet(io.BytesIO(answers["parquet"].content))
    assert parquet["prompt"].tolist() == ["a forest", "=a “beach”, at\nnight"]
    # Decoded first: from bytes, json takes a byte order mark that other programs refuse.
    assert [run["id"] for run in json.loads(answers["json"].content.decode("utf-8"))] == ids
    assert all(run_id[:12] in answers["html"].text for run_id in ids)
    (tmp_path / "runs.zip").write_bytes(answers["zip"].content)
    assert zipfile.ZipFile(tmp_path / "runs.zip").testzip() is None
    with open_store(load_settings(home=tmp_path / "other")) as other:
        assert set(import_runs(other, tmp_path / "runs.zip").added) == set(ids)
        assert other.blobs.get(other.runs.get(run_id(1)).image) == store.blobs.get(store.runs.get(run_id(1)).image)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"q": "nothing such"}, "No run passes this filter"),
        ({"f": "seed:abc"}, "'abc' is not a range of numbers"),
        ({"f": "nothing:1"}, "column 'nothing' is not known"),
        ({"sweep": "gone"}, "No sweep is called 'gone'"),
        ({"ids": "ffffffffff"}, "No run has the id ffffffffff"),
        ({"ids": "../x"}, "is not a run's id"),
    ],
)
def test_what_is_not_there_is_a_sentence_and_not_all_runs(
    client: TestClient, query: dict[str, str], words: str
) -> None:
    for suffix in SUFFIXES:
        answer = client.get(runs_url(suffix, query))
        assert answer.status_code == 400, suffix
        assert words in answer.text, suffix
        assert "content-disposition" not in answer.headers, suffix


def test_a_report_that_no_browser_could_open_is_refused(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_routes, "MOST_IN_REPORT", 3)
    answer = client.get(runs_url("html", {}))
    assert answer.status_code == 400
    assert "A report of 4 runs is too large" in answer.text
    assert client.get(runs_url("html", {"q": "forest"})).status_code == 200


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_asking_for_a_download_without_its_body_makes_nothing(client: TestClient, suffix: str) -> None:
    answer = client.head(runs_url(suffix, {}))
    assert (answer.status_code, answer.content) == (200, b"")


def test_other_forms_and_methods_are_refused(client: TestClient) -> None:
    assert client.get("/download/runs.exe").status_code == 404
    assert client.get("/download/runs.csv/x").status_code == 404
    assert client.post(runs_url("csv", {})).status_code == 405


def test_a_store_that_cannot_be_opened_is_a_sentence() -> None:
    def broken(request: Request) -> SeenStore:
        raise StoreError("The database /srv/bgen.sqlite3 cannot be opened.", public="The database cannot be opened.")

    with TestClient(Starlette(routes=own_routes(broken))) as client:
        answer = client.get(runs_url("csv", {}))
        assert (answer.status_code, answer.text) == (503, "The database cannot be opened.")
