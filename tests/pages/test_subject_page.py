"""The mask page through AppTest; strokes are put where the canvas would send them. Drawing needs a browser."""

import io
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit import config
from streamlit.testing.v1 import AppTest

from bgen_core.runs.store import Store, open_store
from bgen_core.settings import load_settings
from bgen_core.subject.cutout import cut_out
from bgen_core.subject.edit import MaskEdit
from bgen_core.subject.fabric import COLOURS
from bgen_core.subject.image_io import DecodeLimits, encode_png, read_photo
from bgen_core.subject.masks import apply_edit
from bgen_core.subject.samples.samples import SAMPLES
from bgen_core.subject.subject import quantise_alpha
from pages._ui import page_files, resources
from pages._ui.mask_preview import preview_of
from pages._ui.subject_draft import Draft

SHELL = str(Path(page_files.SUBJECT).parent / "_ui" / "shell.py")
SERIALIZABLE = "runner.enforceSerializableSessionState"
LIMITS = DecodeLimits(max_bytes=10**8, max_pixels=10**8, min_side=1)


@pytest.fixture
def store() -> Iterator[Store]:
    enforced = config.get_option(SERIALIZABLE)
    config.set_option(SERIALIZABLE, False)
    st.cache_resource.clear()
    with open_store(load_settings()) as store:
        yield store
    resources.store().close()
    st.cache_resource.clear()
    config.set_option(SERIALIZABLE, enforced)


@pytest.fixture
def at(store: Store) -> AppTest:
    at = AppTest.from_file(SHELL, default_timeout=60).run()
    assert not at.exception
    return at


def draft(at: AppTest) -> Draft:
    return at.session_state["subject_draft"]


def draw(at: AppTest, *strokes: tuple[str, float, tuple]) -> AppTest:
    """Put strokes on the canvas: (mode, brush in canvas pixels, canvas points)."""
    objects = [
        {
            "type": "Path",
            "stroke": COLOURS[mode],
            "strokeWidth": size,
            "left": (min(x for x, _ in points) + max(x for x, _ in points)) / 2,
            "top": (min(y for _, y in points) + max(y for _, y in points)) / 2,
            "path": [["M", *points[0]], *(["L", *point] for point in points)],
        }
        for mode, size, points in strokes
    ]
    at.session_state[draft(at).canvas_key] = {"drawing": {"raw": {"objects": objects}, "data": None}}
    return at.run()


def upload(at: AppTest, name: str, data: bytes) -> AppTest:
    at.file_uploader(key="photo_upload").upload(name, data, "image/png")
    return at.run()


def button(at: AppTest, label: str):
    return next(button for button in at.button if button.label == label)


def said(at: AppTest) -> str:
    texts = " ".join(str(element.value) for kind in (at.caption, at.info, at.warning, at.error) for element in kind)
    return texts.replace("\\", "")  # Markdown's escapes


def wall(width: int = 300, height: int = 200) -> bytes:
    return encode_png(np.full((height, width, 3), 128, np.uint8))


def test_the_servers_settings_allow_the_canvas() -> None:
    # Streamlit 1.67 cannot pickle the state of a component with a key: with this on, every run of the page fails.
    project = Path(page_files.SUBJECT).parents[1]
    settings = tomllib.loads((project / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert settings.get("runner", {}).get("enforceSerializableSessionState", False) is False


def test_first_visit_shows_the_sample_cut_out(at: AppTest) -> None:
    assert at.title[0].value == "Subject"
    assert at.text_input[0].value == "Astronaut"
    assert "Person found, confidence" in said(at)
    assert len(at.get("image")) == 1
    assert not at.error


def test_save_and_open_again(at: AppTest, store: Store) -> None:
    at.slider(key=f"mask_grow_{draft(at).token}").set_value(2.0)
    draw(at, ("add", 30, ((500, 60), (560, 90))), ("erase", 20, ((300, 300),)))
    at.text_input[0].set_value("Eileen")
    button(at, "Save").click().run()
    assert not at.exception
    (entry,) = store.list_subjects()
    assert entry.name == "Eileen"
    assert at.query_params["id"] == entry.id

    image = read_photo(SAMPLES[0].path, limits=LIMITS).image
    edit = MaskEdit.from_json(store.load_subject_edit(entry.id))
    assert [stroke.mode for stroke in edit.strokes] == ["add", "erase"]
    assert edit.grow == 2
    subject = store.load_subject(entry.id)
    np.testing.assert_array_equal(subject.image, image)
    np.testing.assert_array_equal(subject.alpha, quantise_alpha(apply_edit(cut_out(image)[0], edit)))

    again = AppTest.from_file(SHELL, default_timeout=60)
    again.query_params["id"] = entry.id
    again.run()
    assert not again.exception
    assert draft(again).edit == edit
    assert again.text_input[0].value == "Eileen"
    assert again.slider(key=f"mask_grow_{draft(again).token}").value == 2


def test_a_stroke_changes_the_alpha_and_survives_a_page_change(at: AppTest) -> None:
    before = draft(at)
    draw(at, ("erase", 60, ((300, 200), (300, 260))))
    assert [stroke.mode for stroke in draft(at).edit.strokes] == ["erase"]
    assert draft(at).canvas_key == before.canvas_key
    edited = draft(at).edit

    at.switch_page(page_files.COMPARE).run()
    assert not at.exception
    assert before.canvas_key not in at.session_state  # what is not shown loses its state
    at.switch_page(page_files.SUBJECT).run()
    assert not at.exception
    assert draft(at).edit == edited


def test_many_strokes_become_part_of_the_picture(at: AppTest) -> None:
    key = draft(at).canvas_key
    draw(at, *[("add", 10, ((10 + number, 20), (10 + number, 40))) for number in range(50)])
    assert len(draft(at).edit.strokes) == draft(at).baked == 50
    assert draft(at).canvas_key != key
    draw(at, ("erase", 10, ((20, 30), (40, 30))))
    assert len(draft(at).edit.strokes) == 51


def test_reset(at: AppTest) -> None:
    at.slider(key=f"mask_threshold_{draft(at).token}").set_value(0.3)
    draw(at, ("add", 30, ((500, 60), (560, 90))))
    assert not draft(at).edit.changes_nothing
    button(at, "Reset").click().run()
    assert draft(at).edit.changes_nothing
    assert at.slider(key=f"mask_threshold_{draft(at).token}").value == 0.5


def test_uploading_a_photo_without_a_person_leads_to_the_brush(at: AppTest, store: Store) -> None:
    upload(at, "my_grey wall.png", wall())
    assert at.text_input[0].value == "my grey wall"
    assert "No person was found" in said(at)
    assert "brush" in said(at)
    button(at, "Save").click().run()
    assert "keeps nothing: paint over what you want to keep" in said(at)
    assert store.list_subjects() == []
    draw(at, ("add", 80, ((200, 100), (300, 250))))
    button(at, "Save").click().run()
    assert [entry.name for entry in store.list_subjects()] == ["my grey wall"]


def test_a_thing_is_doubted(at: AppTest) -> None:
    upload(at, "coffee.jpg", SAMPLES[2].read())
    assert "Not sure that this is a person" in said(at)


def test_a_bad_file_is_refused_and_nothing_is_lost(at: AppTest) -> None:
    draw(at, ("add", 30, ((500, 60), (560, 90))))
    before = draft(at)
    upload(at, "broken.png", b"no photo")
    assert len(at.error) == 1
    assert "broken.png is not a picture: allowed are JPEG, PNG, WebP, AVIF, HEIC, GIF, TIFF and BMP." in said(at)
    assert draft(at) == before
    at.run()
    assert not at.error


def test_the_files_own_alpha_is_offered(at: AppTest, store: Store) -> None:
    image = Image.new("RGBA", (300, 200), (90, 80, 70, 255))
    circle = np.hypot(*(np.mgrid[:200, :300] - np.array([100, 150])[:, None, None])) < 60
    image.putalpha(Image.fromarray(np.where(circle, 255, 0).astype(np.uint8)))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    upload(at, "sticker.png", buffer.getvalue())
    assert draft(at).base == "given"
    draw(at, ("erase", 40, ((300, 200), (310, 200))))
    button(at, "Save").click().run()
    (entry,) = store.list_subjects()
    expected = quantise_alpha(apply_edit(circle.astype(np.float32), draft(at).edit))
    np.testing.assert_array_equal(store.load_subject(entry.id).alpha, expected)

    again = AppTest.from_file(SHELL, default_timeout=60)
    again.query_params["id"] = entry.id
    again.run()
    assert not again.exception
    st.cache_resource.clear()
    given = preview_of(draft(again)).given
    assert given is not None
    np.testing.assert_array_equal(given, circle.astype(np.float32))


def test_an_unknown_id_is_said_and_leaves_the_page_usable(store: Store) -> None:
    at = AppTest.from_file(SHELL, default_timeout=60)
    at.query_params["id"] = "0123456789abcdef"
    at.run()
    assert not at.exception
    assert "No saved subject is called '0123456789ab'" in said(at)
    assert at.text_input[0].value == "Astronaut"


def test_use_in_sweep_saves_and_goes_there(at: AppTest, store: Store) -> None:
    button(at, "Use in sweep →").click().run()
    assert not at.exception
    (entry,) = store.list_subjects()
    assert at.title[0].value == "Sweep"
    assert draft(at).saved_id == entry.id


def test_a_subject_needs_a_name(at: AppTest, store: Store) -> None:
    at.text_input[0].set_value("   ")
    button(at, "Save").click().run()
    assert "needs a name" in said(at)
    assert store.list_subjects() == []


def test_library_opens_and_deletes(at: AppTest, store: Store) -> None:
    button(at, "Save").click().run()
    (entry,) = store.list_subjects()
    upload(at, "wall.png", wall())
    at.button(key=f"open_{entry.id}").click().run()
    assert draft(at).source_id == entry.id
    assert "Person found" in said(at)
    at.button(key=f"delete_{entry.id}").click().run()
    assert store.list_subjects() != []
    at.button(key="delete_for_good").click().run()
    assert store.list_subjects() == []
