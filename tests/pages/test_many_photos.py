"""Many photos on the mask page at once: what is kept, what is left out and why, and what goes into one sweep."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from bgen_core.store.store import Store
from bgen_core.subject.decoding.image_io import encode_png
from bgen_core.subject.samples.samples import SAMPLES
from pages._ui.app import page_files
from pages._ui.subject import photo_batch
from pages._ui.subject.photo_batch import Batch

SHELL = str(Path(page_files.SUBJECT).parent / "_ui" / "app" / "shell.py")
File = tuple[str, bytes, str]


@pytest.fixture
def store(page_store: Store) -> Store:
    return page_store


def figure(number: int) -> bytes:
    """A picture that says itself what of it is opaque."""
    pixels = np.full((80, 64, 4), (40 * number % 256, 90, 160, 0), np.uint8)
    pixels[30:, 20:40, 3] = 255
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def wall() -> bytes:
    return encode_png(np.full((90, 120, 3), 128, np.uint8))


def chosen(*files: tuple[str, bytes]) -> AppTest:
    """The page after these files were chosen together."""
    at = AppTest.from_file(SHELL, default_timeout=90).run()
    next(each for each in at.toggle if each.label == "Many photos at once").set_value(True).run()
    field = next(each for each in at.file_uploader if "photos, with" in each.label)
    at = field.set_value([(name, data, "image/png") for name, data in files]).run()
    assert not at.exception
    return at


def batch(at: AppTest) -> Batch:
    return at.session_state["photo_batch"]


def decide(at: AppTest, name: str, choice: str | None) -> AppTest:
    photo = next(each for each in batch(at).photos if each.name == name)
    return at.segmented_control(key=f"review_{photo.id}").set_value(choice).run()


def test_doubtful_masks_stand_first_and_bad_files_are_left_out(store: Store) -> None:
    cat = next(each for each in SAMPLES if each.file_name == "cat.jpg")
    at = chosen(
        ("first.png", figure(1)), ("broken.png", b"no photo"), ("cat.jpg", cat.read()), ("wall.png", wall()),
        ("again.png", figure(1)), ("empty.png", b""), ("second.png", figure(2)),
    )  # fmt: skip
    made = batch(at)
    assert [photo.name for photo in made.photos] == ["first", "cat", "second"]
    assert [(photo.name, photo.is_used) for photo in made.in_order()] == [
        ("cat", None),
        ("first", True),
        ("second", True),
    ]
    reasons = dict(made.left_out)
    assert reasons.keys() == {"broken.png", "wall.png", "again.png", "empty.png"}
    assert "No person was found" in reasons["wall.png"]
    assert reasons["again.png"] == "The same photo as 'first.png'."
    assert {entry.name for entry in store.subjects.all()} == {"first", "cat", "second"}
    assert [each.label for each in at.expander if "Review" in each.label] == [
        "Review: 3 photos · 2 to use · **1 to look at** · 4 files left out"
    ]
    assert any("not sure that this is a person" in each.value for each in at.caption)


def test_what_is_decided_goes_into_one_sweep(store: Store) -> None:
    at = chosen(*((f"p{number}.png", figure(number)) for number in range(1, 5)))
    at = decide(at, "p2", "Leave out")
    assert at.button(key="review_use").label == "Use 3 in sweep →"
    at = decide(at, "p4", None)
    assert at.button(key="review_use").label == "Use 2 in sweep →"
    at.button(key="review_all").click().run()
    ids = batch(at).used
    assert [store.subjects.get(each).name for each in ids] == ["p1", "p3", "p4"]
    at.button(key="review_use").click().run()
    assert not at.exception
    assert at.query_params["subject"] == ids


def test_what_is_mended_takes_its_place(store: Store) -> None:
    at = chosen(("p1.png", figure(1)), ("p2.png", figure(2)))
    first, second = (photo.id for photo in batch(at).photos)
    at.button(key=f"mend_{first}").click().run()
    assert not at.session_state["review_open"]  # the editor is below the list
    grow = next(each for each in at.slider if each.label == "Grow")
    grow.set_value(2.0).run()
    next(each for each in at.button if each.label == "Save").click().run()
    assert not at.exception
    assert at.session_state["review_open"]
    mended, other = batch(at).photos
    assert other.id == second
    assert mended.id != first
    assert mended.is_used
    assert store.subjects.get(mended.id).name == "p1"
    assert batch(at).used == [mended.id, second]


def test_a_fault_of_one_photo_leaves_the_others(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    real = photo_batch.decode_foreign_photo

    def failing(data: bytes, *, name: str, limits: object) -> object:
        if name == "b.png":
            raise RuntimeError("a fault")
        return real(data, name=name, limits=limits)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(photo_batch, "decode_foreign_photo", failing)
    at = chosen(("a.png", figure(1)), ("b.png", figure(2)), ("c.png", figure(3)))
    assert [photo.name for photo in batch(at).photos] == ["a", "c"]
    assert dict(batch(at).left_out) == {"b.png": photo_batch.INTERNAL}


def test_hostile_names_are_said_as_they_are(store: Store) -> None:
    at = chosen(("# <b>$x$ :red[a].png", figure(1)), ("**no** [photo](http://x).png", b"nothing"))
    assert not at.exception
    assert len(batch(at).photos) == len(batch(at).left_out) == 1


def test_a_batch_is_found_again_by_its_address_and_ends_when_it_is_closed(store: Store) -> None:
    at = chosen(("a.png", figure(1)))
    mark = at.query_params["review"]
    other = AppTest.from_file(SHELL, default_timeout=60)
    other.query_params["review"] = mark
    assert batch(other.run()).photos == batch(at).photos
    store.subjects.delete(batch(at).photos[0].id)
    assert batch(other.run()).photos == ()
    other.button(key="review_close").click().run()
    assert "photo_batch" not in other.session_state
    assert "review" not in other.query_params
