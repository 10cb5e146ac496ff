"""A store that cannot be used, as the person on a page or at a route reads it: a sentence, and never "not there"."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bgen_core.errors import NoRoomError, StoreError
from bgen_core.runs.links import runs_url, sheet_url, zip_url
from bgen_core.settings import load_settings
from bgen_core.store import database
from bgen_core.store.store import Store
from pages._ui.app import page_files, resources
from pages._ui.app.faults import tell_fault
from pages._ui.compare.compare_view import CompareView
from pages._ui.compare.rows_in_view import chosen_runs, sweep_ids
from pages._ui.routes.routes import own_routes
from pages._ui.shared.plain_text import plain
from pages._ui.sweep.queue_panel import ask
from tests.made_up import commit, made_up_run, made_up_subject, made_up_sweep, run_id
from tests.pages.compare_pages import open_compare, open_run, texts

GARBAGE = "because it is not a database of this program"


@pytest.fixture
def used_store(page_store: Store) -> Store:
    """A store in which everything that these tests ask for was there."""
    page_store.subjects.save(made_up_subject(), {})
    runs = [commit(page_store, made_up_run(number)).id for number in range(2)]
    page_store.sweeps.add(made_up_sweep(cells=runs, state="done"), runs)
    resources.opened_store()  # by an earlier page: what breaks, breaks while the server runs
    return page_store


def break_the_database(*opened: Store) -> None:
    """What a bad disk or a wrong backup leaves: a file that is no database, for those too who have it open."""
    for store in opened:
        store.database.close()
    file = load_settings().home / "bgen.sqlite3"
    for beside in file.parent.glob("bgen.sqlite3-*"):
        beside.unlink()
    file.write_bytes(b"holiday photos " * 1000)


@pytest.fixture
def held() -> Iterator[None]:
    """Another program writes for longer than anybody waits."""
    holder = sqlite3.connect(load_settings().home / "bgen.sqlite3", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    yield
    holder.close()


def test_the_app_tells_its_faults_so() -> None:
    from streamlit_app import app

    assert app._on_script_error is tell_fault


def test_what_a_button_asks_for_and_the_store_refuses_is_a_sentence_beside_the_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    monkeypatch.setattr("streamlit.toast", lambda text, **_: told.append(text))

    def refuse(sweep_id: str) -> None:
        raise NoRoomError(f"no room in /srv for {sweep_id}", public="There is no room")

    ask(refuse, "sweep-1")
    assert told == ["There is no room"]


@pytest.mark.parametrize(
    ("page", "query"),
    [
        (page_files.SUBJECT, {}),
        (page_files.SUBJECT, {"id": made_up_subject().id}),
        (page_files.SWEEP, {}),
        (page_files.SWEEP, {"id": "sweep-1"}),
        (page_files.SWEEP, {"base": run_id(0)}),
        (page_files.COMPARE, {}),
        (page_files.COMPARE, {"ids": run_id(0)}),
        (page_files.COMPARE, {"sweep": "sweep-1", "panel": "findings"}),
        (page_files.RUN, {"id": run_id(0)}),
    ],
)
def test_each_page_says_once_what_is_wrong_with_the_store(used_store: Store, page: str, query: dict[str, str]) -> None:
    at = open_compare()
    break_the_database(used_store, resources.opened_store())
    at.switch_page(page)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    (said,) = [error.value for error in at.error]
    assert plain(GARBAGE) in said
    assert load_settings().home.name not in said
    assert not at.warning
    assert "No run" not in texts(at)


def test_a_page_shows_everything_again_once_the_store_is_mended(used_store: Store) -> None:
    at = open_compare(ids=run_id(0))
    file = load_settings().home / "bgen.sqlite3"
    used_store.database.close()
    resources.opened_store().database.close()  # the last to close writes everything into the one file
    kept = file.read_bytes()
    break_the_database()
    assert [plain(GARBAGE) in error.value for error in at.run().error] == [True]
    resources.opened_store().database.close()
    file.write_bytes(kept)
    at.run()
    assert not at.error
    assert at.dataframe[0].value["seed"].tolist() == [1, 0]


@pytest.mark.parametrize("what", ["stars", "tags", "notes"])
def test_what_cannot_be_kept_is_told_beside_it_and_the_page_stays(
    used_store: Store,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.1)
    resources.opened_store().database.close()  # connections that wait no longer than that
    at = open_run(id=run_id(0))
    request.getfixturevalue("held")
    field = at.get_by_key(f"run_{what}_{run_id(0)[:12]}")
    field.set_value({"stars": 4, "tags": ["print"], "notes": "good light"}[what]).run()
    assert not at.exception
    assert ["another program holds it" in error.value for error in at.error] == [True]
    assert str(load_settings().home) in caplog.text  # for who runs the server
    assert load_settings().home.name not in at.error[0].value
    assert at.code, "the rest of the page is gone"
    assert used_store.opinions.of([run_id(0)]) == {}


def test_a_broken_store_is_no_answer_to_what_is_there(used_store: Store) -> None:
    break_the_database(used_store)
    with pytest.raises(StoreError, match=GARBAGE):
        sweep_ids(used_store, "sweep-1")
    with pytest.raises(StoreError, match=GARBAGE):
        chosen_runs(used_store, [run_id(0), "no id"])


@pytest.mark.parametrize(
    "url",
    [
        zip_url("sweep-1"),
        sheet_url("sweep-1", across=None, down=None),
        runs_url("csv", CompareView(sweep="sweep-1").to_query()),
        runs_url("zip", CompareView(ids=(run_id(0),)).to_query()),
        "/download/subjects.zip",
    ],
)
def test_downloads_of_a_broken_store_are_not_to_be_had_now(used_store: Store, url: str) -> None:
    break_the_database(used_store, resources.opened_store())
    with TestClient(Starlette(routes=own_routes())) as client:
        answer = client.get(url)
    assert answer.status_code == 503
    assert GARBAGE in answer.text
    assert str(load_settings().home) not in answer.text


def test_a_picture_whose_folder_cannot_be_read_is_not_called_missing(used_store: Store) -> None:
    blob = used_store.runs.get(run_id(0)).image
    picture = Path(used_store.blobs.path(blob))
    picture.unlink()
    picture.mkdir()  # reading it is an error of the disk, and no "no such file"
    with TestClient(Starlette(routes=own_routes())) as client:
        answer = client.get(f"/i/{blob}.png")
    assert answer.status_code == 503
    assert "cannot be read" in answer.text
    assert str(load_settings().home) not in answer.text
