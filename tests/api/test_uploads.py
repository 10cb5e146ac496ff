"""Uploading a subject by a script: with a mask, with the file's own, with the one that is found."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from bgen_core.store.store import Store
from bgen_core.subject.samples.samples import SAMPLES
from pages._ui.routes.api import upload_turns
from tests.api.scripts import token, with_token
from tests.api.test_sweeps_by_script import shaped

ADDRESS = "/api/v1/subjects"


@pytest.fixture
def client(served: TestClient, store: Store) -> TestClient:
    return with_token(served, token(store))


def png(pixels: np.ndarray) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


PHOTO = png(np.full((80, 100, 3), 90, np.uint8))
MASK = np.zeros((80, 100), np.uint8)
MASK[20:60, 30:70] = 255


def test_a_photo_with_a_mask_is_a_subject_as_it_was_sent(client: TestClient, store: Store) -> None:
    files = {"photo": ("Ada at work.png", PHOTO), "alpha": ("mask.png", png(MASK))}
    answer = client.post(ADDRESS, files=files)
    assert answer.status_code == 201, answer.text
    told = shaped("SubjectSaved", answer.json())
    assert (told["name"], told["width"], told["height"]) == ("Ada at work", 100, 80)
    kept = store.subjects.load(told["id"]).alpha
    assert np.array_equal(kept, MASK / np.float32(255))
    assert client.get("/" + told["alpha"]).status_code == 200
    assert [each["id"] for each in client.get(ADDRESS).json()["subjects"]] == [told["id"]]


def test_a_mask_may_be_turned_round_and_edited(client: TestClient, store: Store) -> None:
    files = {"photo": ("a.png", PHOTO), "alpha": ("mask.png", png(255 - MASK))}
    told = client.post(ADDRESS, files=files, data={"invert": "true", "grow": "5", "name": "Ada"}).json()
    kept = store.subjects.load(told["id"]).alpha
    assert kept[MASK > 0].min() == 1
    assert (kept > 0.5).sum() > (MASK > 0).sum()
    assert store.subjects.load_edit(told["id"])["grow"] == 5


@pytest.mark.slow
def test_without_a_mask_the_person_is_found(client: TestClient) -> None:
    answer = client.post(ADDRESS, files={"photo": (SAMPLES[0].file_name, SAMPLES[0].read())}, data={"quality": "fast"})
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    ("files", "fields", "status", "said"),
    [
        ({}, {"photo": "text"}, 415, "multipart"),
        ({"alpha": png(MASK)}, {}, 422, "photo is missing"),
        ({"photo": b""}, {}, 422, "empty"),
        ({"photo": b"GIF89a nothing"}, {}, 422, "photo"),
        ({"photo": PHOTO, "alpha": b"nothing"}, {}, 422, "alpha"),
        ({"photo": PHOTO, "alpha": png(MASK[:40])}, {}, 422, "both must have the same size"),
        ({"photo": PHOTO, "alpha": png(MASK * 0)}, {}, 422, "keeps nothing"),
        ({"photo": PHOTO, "alpha": png(MASK * 0 + 255)}, {}, 422, "keeps the whole photo"),
        ({"photo": PHOTO, "alpha": png(MASK)}, {"threshold": "nan"}, 422, "threshold"),
        ({"photo": PHOTO, "alpha": png(MASK)}, {"threshold": "7"}, 422, "threshold"),
        ({"photo": PHOTO, "alpha": png(MASK)}, {"quality": "best"}, 422, "quality"),
        ({"photo": PHOTO, "alpha": png(MASK)}, {"colour": "red"}, 422, "'colour' is not known here"),
        ({"photo": PHOTO, "alpha": png(MASK)}, {"name": "x" * 501}, 422, "name"),
        ({"photo": PHOTO, "alpha": png(MASK)}, {"name": "a\0b"}, 422, "zero byte"),
        ({"photo": PHOTO, "alpha": png(MASK), "more": b"x"}, {}, 400, "form"),
        ({"photo": PHOTO, "colour": b"x"}, {}, 400, "colour"),
        ({"photo": PHOTO}, {"invert": "true"}, 422, "invert"),
        ({"photo": png(np.zeros((20, 20, 3), np.uint8))}, {}, 422, "shorter side"),
    ],
)  # fmt: skip
def test_what_is_no_subject_is_refused(
    client: TestClient, store: Store, files: dict[str, bytes], fields: dict[str, str], status: int, said: str
) -> None:
    answer = client.post(ADDRESS, files={name: (f"{name}.png", data) for name, data in files.items()}, data=fields)
    assert answer.status_code == status, answer.text
    assert said in answer.json()["detail"]
    assert store.subjects.all() == []


def test_a_file_name_is_no_path_and_no_format(client: TestClient) -> None:
    files = {"photo": ("../../etc/pass_wd.exe", PHOTO), "alpha": ("mask", png(MASK))}
    answer = client.post(ADDRESS, files=files)
    assert (answer.status_code, answer.json()["name"]) == (201, "pass wd")


@pytest.mark.parametrize(("limit", "status"), [("_MOST_EACH", 429), ("_MOST", 503)])
def test_no_more_uploads_are_worked_on_than_may_be(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, limit: str, status: int
) -> None:
    monkeypatch.setattr(upload_turns, limit, 0)
    answer = client.post(ADDRESS, files={"photo": ("a.png", PHOTO)})
    assert (answer.status_code, answer.headers["retry-after"]) == (status, "5")


def test_a_form_that_breaks_off_is_said(client: TestClient) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    for body in (b"", b"--x", b"--x\r\nnothing\r\n", b"--x--\r\n", b"--y\r\n\r\n"):
        answer = client.post(ADDRESS, content=body, headers=kind)
        assert answer.status_code in (400, 422), answer.text
    answer = client.post(ADDRESS, content=b"x", headers={"Content-Type": "multipart/form-data"})
    assert answer.status_code == 400
