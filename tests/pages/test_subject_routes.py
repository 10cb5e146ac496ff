"""The library as a download, through the routes that the app has."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bgen_core.archive.subject_import import import_subjects
from bgen_core.settings import load_settings
from bgen_core.store.store import Store, open_store
from bgen_core.subject.decoding.image_io import DecodeLimits
from pages._ui.routes.routes import own_routes
from pages._ui.routes.subject_routes import subjects_url
from tests.made_up import VISITOR, made_up_subject

LIMITS = DecodeLimits(max_bytes=1_000_000, max_pixels=1_000_000, min_side=4)


@pytest.fixture
def store(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("BGEN_MIN_SIDE", str(LIMITS.min_side))
    for number in range(3):
        store.subjects.save(made_up_subject(number), {"base": "given"})
    return store


@pytest.fixture
def client(store: Store) -> TestClient:
    return TestClient(Starlette(routes=own_routes(lambda request: store.seen_by(VISITOR))))


@pytest.mark.parametrize("count", [0, 2])
def test_what_is_ticked_or_all_is_brought_to_another_store(
    count: int, client: TestClient, store: Store, tmp_path: Path
) -> None:
    ids = [entry.id for entry in store.subjects.all()]
    answer = client.get(subjects_url(ids[:count]))
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith('attachment; filename="subjects.zip"')
    with open_store(load_settings(home=tmp_path / "other")) as other:
        imported = import_subjects(other, answer.content, limits=LIMITS)
    assert set(imported.new) == set(ids[:count] or ids)


def test_refusals_are_sentences(client: TestClient, store: Store) -> None:
    unknown = client.get(subjects_url(["0" * 64]))
    assert unknown.status_code == 400
    assert "No saved subject" in unknown.text
    too_many = client.get(subjects_url([store.subjects.all()[0].id] * 201))
    assert too_many.status_code == 400
    assert "allowed are 1 to 200" in too_many.text


def test_a_picture_that_is_gone_is_no_half_file(client: TestClient, store: Store, tmp_path: Path) -> None:
    entry = store.subjects.all()[-1]
    store.blobs.path(entry.alpha).unlink()
    answer = client.get(subjects_url([entry.id]))
    assert answer.status_code == 503
    assert "No subject can be exported" in answer.text
    with open_store(load_settings(home=tmp_path / "other")) as other:
        imported = import_subjects(other, client.get(subjects_url()).content, limits=LIMITS)
    assert set(imported.new) == {each.id for each in store.subjects.all()} - {entry.id}
