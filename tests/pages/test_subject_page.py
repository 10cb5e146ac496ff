"""The mask page through AppTest; strokes are put where the canvas would send them. Drawing needs a browser."""

import io
import threading
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from bgen_core.errors import UserInputError
from bgen_core.extent import Box, Extent
from bgen_core.store.store import Store
from bgen_core.subject.cutout import cut_out
from bgen_core.subject.decoding.image_io import DecodeLimits, encode_png, read_photo
from bgen_core.subject.edit import QUALITIES, MaskEdit
from bgen_core.subject.fabricjs_strokes import COLOURS
from bgen_core.subject.masks import apply_edit
from bgen_core.subject.samples.samples import SAMPLES
from bgen_core.subject.segmentation import Segmentation, default_segmenter
from bgen_core.subject.subject import Subject, quantise_alpha
from pages._ui.app import page_files
from pages._ui.mask import mask_base
from pages._ui.mask.fine_edge import FineEdges, fine_edges
from pages._ui.mask.mask_preview import detail_of, preview_of
from pages._ui.mask.mask_view import VIEWS
from pages._ui.subject.subject_draft import Draft
from tests.pages.compare_pages import as_read
from tests.waiting import wait_until

SHELL = str(Path(page_files.SUBJECT).parent / "_ui" / "app" / "shell.py")
LIMITS = DecodeLimits(max_bytes=10**8, max_pixels=10**8, min_side=1)


@pytest.fixture
def store(page_store: Store) -> Store:
    return page_store


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
    return send(at, objects)


def click(at: AppTest, *points: tuple[float, float]) -> AppTest:
    """Click on the canvas with the tool Choose, at these canvas points, since it was cleared."""
    circle = {"type": "Circle", "stroke": "#2f6f6200", "strokeWidth": 0, "radius": 1, "width": 2, "height": 2}
    return send(at, [{**circle, "originX": "left", "left": x - 1, "top": y} for x, y in points])


def point_at(at: AppTest, left: float, top: float, right: float, bottom: float, colour: str = "#2f6f6233") -> AppTest:
    """Drag a box with the tool Object, or click where it has no width."""
    at.session_state["brush_tool"] = "object"
    corner = {"type": "Rect", "originX": "left", "originY": "top", "left": left, "top": top, "strokeWidth": 2}
    return send(at, [{**corner, "stroke": colour, "width": right - left, "height": bottom - top}])


def send(at: AppTest, objects: list[dict]) -> AppTest:
    """Say what the canvas says when this is drawn on it: with the mark that it was given."""
    key, mark = draft(at).canvas_key, "#00000000"
    if "canvas_cleared" in at.session_state and at.session_state["canvas_cleared"].key == key:
        mark = at.session_state["canvas_cleared"].mark
    at.session_state[key] = {"drawing": {"raw": {"objects": objects, "overlay": mark}, "data": None}}
    return at.run()


def upload(at: AppTest, name: str, data: bytes) -> AppTest:
    at.file_uploader(key="photo_upload").upload(name, data, "image/png")
    return at.run()


def whole_box(at: AppTest) -> Box:
    photo = preview_of(draft(at)).photo
    return Box(left=0, top=0, right=photo.width, bottom=photo.height)


def button(at: AppTest, label: str):
    return next(button for button in at.button if button.label == label)


def said(at: AppTest) -> str:
    texts = " ".join(str(element.value) for kind in (at.caption, at.info, at.warning, at.error) for element in kind)
    return as_read(texts)


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


def test_a_mask_that_is_hardly_sure_is_not_called_found_by_its_figure(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Segmentation, "score", property(lambda self: 0.08))
    at = AppTest.from_file(SHELL, default_timeout=60).run()
    assert "A person was found, but the mask is unsure (confidence 8%)" in said(at)


def test_what_was_assumed_about_a_file_is_said(at: AppTest) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.full((80, 100), 4000, np.uint16)).save(buffer, "PNG")
    upload(at, "deep.png", buffer.getvalue())
    assert "Its samples go up to 4,000 of 65,535: they were read as 0 to 4,095." in said(at)


def test_save_and_open_again(at: AppTest, store: Store) -> None:
    at.slider(key=f"mask_grow_{draft(at).token}").set_value(2.0)
    draw(at, ("add", 30, ((500, 60), (560, 90))), ("erase", 20, ((300, 300),)))
    at.text_input[0].set_value("Eileen")
    button(at, "Save").click().run()
    assert not at.exception
    (entry,) = store.subjects.all()
    assert entry.name == "Eileen"
    assert at.query_params["id"] == entry.id

    image = read_photo(SAMPLES[0].path, limits=LIMITS).image
    edit = MaskEdit.from_json(store.subjects.load_edit(entry.id))
    assert [stroke.mode for stroke in edit.strokes] == ["add", "erase"]
    assert edit.grow == 2
    subject = store.subjects.load(entry.id)
    np.testing.assert_array_equal(subject.image, image)
    np.testing.assert_array_equal(subject.alpha, quantise_alpha(apply_edit(cut_out(image)[0], edit)))

    again = AppTest.from_file(SHELL, default_timeout=60)
    again.query_params["id"] = entry.id
    again.run()
    assert not again.exception
    assert draft(again).edit == edit
    assert again.text_input[0].value == "Eileen"
    assert again.slider(key=f"mask_grow_{draft(again).token}").value == 2


def test_the_controls_of_a_mask_begin_with_its_values(at: AppTest) -> None:
    # Streamlit 1.67 drops what a run set where the next one begins at once: the browser then shows what a control was
    # made with, and sends it back.
    at.slider(key=f"mask_grow_{draft(at).token}").set_value(-2.0).run()
    begin = {each.label: list(each.proto.default) for each in at.slider}
    assert {"Threshold": [0.5], "Grow": [-2], "Feather": [0]}.items() <= begin.items()
    (edge,) = (each for each in at.segmented_control if each.label == "Edge")
    assert list(edge.proto.default) == [QUALITIES.index("standard")]


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


@pytest.mark.slow
def test_many_strokes_become_part_of_the_picture(at: AppTest) -> None:
    draw(at, *[("add", 10, ((10 + number, 20), (10 + number, 40))) for number in range(400)])
    assert len(draft(at).edit.strokes) == draft(at).baked == 400
    at.run()  # the canvas still says what it said before it was cleared
    assert len(draft(at).edit.strokes) == 400
    draw(at, ("erase", 10, ((20, 30), (40, 30))))
    assert len(draft(at).edit.strokes) == 401


def test_the_canvas_takes_a_stroke_back_by_itself(at: AppTest) -> None:
    first, second, third = (("add", 10 + number, ((10, 20), (10, 40 + number))) for number in range(3))
    draw(at, first)
    draw(at, first, second)
    draw(at, first)
    assert len(draft(at).edit.strokes) == 1
    draw(at, first, third)
    draw(at, third)
    (stroke,) = draft(at).edit.strokes
    assert stroke.points[-1][1] == pytest.approx(42 * 512 / 600, abs=0.1)


def test_the_same_strokes_again_after_the_canvas_was_cleared(at: AppTest) -> None:
    drawn = ("add", 30, ((500, 60), (560, 90)))
    draw(at, drawn)
    at.segmented_control(key="zoom_level").set_value(2).run()
    draw(at, drawn)
    assert len(draft(at).edit.strokes) == 2
    assert draft(at).edit.strokes[0] != draft(at).edit.strokes[1]


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
    assert store.subjects.all() == []
    draw(at, ("add", 80, ((200, 100), (300, 250))))
    button(at, "Save").click().run()
    assert [entry.name for entry in store.subjects.all()] == ["my grey wall"]


def test_a_thing_is_kept_by_a_box_around_it_and_opened_again(at: AppTest, store: Store) -> None:
    photo = np.full((300, 400, 3), 120, np.uint8)
    photo[80:200, 100:260] = (200, 30, 30)
    upload(at, "a red tile.png", encode_png(photo))
    button(at, "Empty").click().run()
    point_at(at, 0.1 * 600, 0.1 * 450, 0.8 * 600, 0.8 * 450)
    (_, tile) = draft(at).edit.strokes
    assert (tile.shape, tile.mode, tile.found_by) == ("object", "add", "persons, GrabCut")
    at.run()  # what is on the canvas was read: it is not found a second time
    assert len(draft(at).edit.strokes) == 2
    button(at, "Save").click().run()
    alpha = store.subjects.load(store.subjects.all()[0].id).alpha > 0.5
    assert alpha[90:190, 110:250].all()
    assert not alpha[:70].any()
    at.button(key="brush_undo").click().run()
    assert len(draft(at).edit.strokes) == 1
    again = AppTest.from_file(SHELL, default_timeout=60)
    again.query_params["id"] = store.subjects.all()[0].id
    again.run()
    assert draft(again).edit.strokes[1] == tile


def test_a_subject_that_was_saved_before_masks_said_how_they_were_made_opens_with_its_mask(store: Store) -> None:
    photo = read_photo(SAMPLES[0].path, limits=LIMITS).image
    image = np.hstack([photo, photo[:, ::-1]])  # two persons, each of whom is looked at by themselves today
    alpha = cut_out(image, segmenter=default_segmenter(1))[0]
    before = Subject(name="before", image=image, alpha=alpha)
    assert not np.array_equal(before.alpha, quantise_alpha(cut_out(image)[0]))  # today's is another
    store.subjects.save(before, {"base": "auto", "threshold": 0.5, "strokes": [], "quality": "standard"})
    at = AppTest.from_file(SHELL, default_timeout=60)
    at.query_params["id"] = before.id
    at.run()
    button(at, "Save").click().run()
    assert [entry.id for entry in store.subjects.all()] == [before.id]
    draw(at, ("add", 30, ((500, 60), (560, 90))))
    button(at, "Reset").click().run()
    assert draft(at).edit.way == 1


def test_a_click_on_nothing_is_a_sentence_and_no_stroke(at: AppTest) -> None:
    upload(at, "wall.png", wall())
    point_at(at, 590, 440, 599, 449)  # beyond what a box needs, in a photo that is smaller than the canvas
    assert draft(at).edit.strokes == ()
    assert "too small or outside the photo" in said(at)
    point_at(at, 300, 200, 302, 202)
    assert all(stroke.shape == "object" for stroke in draft(at).edit.strokes)


def test_an_unsaved_photo_and_its_strokes_survive_a_reload(at: AppTest, store: Store) -> None:
    assert "draft" not in at.query_params  # the sample comes by itself
    upload(at, "my wall.png", wall())
    draw(at, ("add", 80, ((200, 100), (300, 250))))
    again = AppTest.from_file(SHELL, default_timeout=60)
    again.query_params["draft"] = at.query_params["draft"]
    again.run()
    assert not again.exception
    assert again.text_input[0].value == "my wall"
    assert (draft(again).data, draft(again).edit) == (draft(at).data, draft(at).edit)
    again.button(key="brush_undo").click().run()
    assert draft(again).edit.changes_nothing
    assert len(draft(at).edit.strokes) == 1
    draw(again, ("add", 80, ((200, 100), (300, 250))))
    button(again, "Save").click().run()
    assert "draft" not in again.query_params  # the library has it
    assert again.query_params["id"] == store.subjects.all()[0].id


def test_two_tabs_of_one_address_do_not_take_each_others_strokes(at: AppTest) -> None:
    upload(at, "my wall.png", wall())
    first = at.query_params["draft"]
    second = AppTest.from_file(SHELL, default_timeout=60)
    second.query_params["draft"] = first
    second.run()
    assert second.query_params["draft"] != first
    draw(second, ("add", 80, ((200, 100), (300, 250))))
    reloaded = AppTest.from_file(SHELL, default_timeout=60)
    reloaded.query_params["draft"] = first
    reloaded.run()
    assert draft(reloaded).edit.changes_nothing
    assert len(draft(second).edit.strokes) == 1


def test_the_complaint_stands_below_the_row_with_the_button(at: AppTest) -> None:
    upload(at, "wall.png", wall())
    button(at, "Use in sweep →").click().run()
    kinds = [element.type for element in at.main if hasattr(element, "type")]
    shown = [str(getattr(element, "value", "")) for element in at.main]
    complaint = next(place for place, text in enumerate(shown) if "keeps nothing" in text)
    assert kinds[complaint] == "error"
    assert not any(kind in ("slider", "selectbox") for kind in kinds[:complaint])


def test_a_thing_is_doubted(at: AppTest) -> None:
    upload(at, "coffee.jpg", SAMPLES[2].read())
    assert "It is not sure that this is a person" in said(at)


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
    (entry,) = store.subjects.all()
    expected = quantise_alpha(apply_edit(circle.astype(np.float32), draft(at).edit))
    np.testing.assert_array_equal(store.subjects.load(entry.id).alpha, expected)

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


def test_a_subject_whose_photo_is_lost_leaves_the_page_usable(store: Store) -> None:
    subject = Subject(name="box", image=np.full((64, 80, 3), 90, np.uint8), alpha=np.ones((64, 80), np.float32))
    saved = store.subjects.save(subject, {})
    store.blobs.path(store.subjects.get(saved).photo).unlink()
    at = AppTest.from_file(SHELL, default_timeout=60)
    at.query_params["id"] = saved
    at.run()
    assert not at.exception
    assert "is missing from the store" in said(at)
    assert any(button.label.startswith("Library") for button in at.button)


def test_use_in_sweep_saves_and_goes_there(at: AppTest, store: Store) -> None:
    button(at, "Use in sweep →").click().run()
    assert not at.exception
    (entry,) = store.subjects.all()
    assert at.title[0].value == "Sweep"
    assert draft(at).saved_id == entry.id


def test_the_first_picture_is_one_click_from_the_first_page(at: AppTest, store: Store, worker: None) -> None:
    button(at, "Make a first picture").click().run()
    assert not at.exception
    (entry,) = store.subjects.all()
    (sweep,) = store.sweeps.select()
    assert sweep.plan["subject_id"] == entry.id
    assert sweep.total == 1
    at.run()
    assert len(store.sweeps.select()) == 1


def test_the_first_picture_waits_for_the_engine(at: AppTest, store: Store, request: pytest.FixtureRequest) -> None:
    button(at, "Make a first picture").click().run()
    assert not store.sweeps.select()
    request.getfixturevalue("worker")
    at.run()
    assert [sweep.total for sweep in store.sweeps.select()] == [1]


def test_who_has_a_subject_is_offered_no_first_picture(at: AppTest, store: Store) -> None:
    button(at, "Save").click().run()
    at.run()
    assert "Make a first picture" not in [each.label for each in at.button]


def test_a_subject_needs_a_name(at: AppTest, store: Store) -> None:
    at.text_input[0].set_value("   ")
    button(at, "Save").click().run()
    assert "needs a name" in said(at)
    assert store.subjects.all() == []


@pytest.mark.slow
def test_from_an_empty_mask_a_thing_is_drawn_around(at: AppTest, store: Store) -> None:
    upload(at, "coffee.jpg", SAMPLES[2].read())
    draw(at, ("add", 30, ((10, 10), (60, 10))))
    at.button(key="brush_empty").click().run()
    assert not detail_of(draft(at), preview_of(draft(at)), whole_box(at)).alpha.any()
    draw(at, ("add", 30, ((300, 200), (360, 200))))
    button(at, "Save").click().run()
    alpha = store.subjects.load(store.subjects.all()[0].id).alpha
    rows, columns = np.nonzero(alpha > 0.5)
    assert (columns.max() - columns.min()) / alpha.shape[1] == pytest.approx(90 / 600, abs=0.01)
    assert (rows.max() - rows.min()) / alpha.shape[1] == pytest.approx(30 / 600, abs=0.01)
    at.button(key="brush_undo").click().run()
    at.button(key="brush_undo").click().run()
    assert [stroke.mode for stroke in draft(at).edit.strokes] == ["add"]


def test_undo_and_redo_go_through_strokes_and_sliders(at: AppTest) -> None:
    draw(at, ("add", 30, ((500, 60), (560, 90))))
    at.slider(key=f"mask_grow_{draft(at).token}").set_value(3.0).run()
    assert (len(draft(at).edit.strokes), draft(at).edit.grow) == (1, 3)
    at.button(key="brush_undo").click().run()
    assert (len(draft(at).edit.strokes), draft(at).edit.grow) == (1, 0)
    assert at.slider(key=f"mask_grow_{draft(at).token}").value == 0
    at.button(key="brush_undo").click().run()
    assert draft(at).edit.changes_nothing
    assert at.button(key="brush_undo").disabled
    for _ in range(2):
        at.button(key="brush_redo").click().run()
    assert (len(draft(at).edit.strokes), draft(at).edit.grow) == (1, 3)
    at.button(key="brush_reset").click().run()
    assert draft(at).edit.changes_nothing
    at.button(key="brush_undo").click().run()
    assert (len(draft(at).edit.strokes), draft(at).edit.grow) == (1, 3)


def test_a_stroke_before_undo_in_the_same_run_is_not_lost(at: AppTest) -> None:
    draw(at, ("add", 30, ((500, 60), (560, 90))))
    at.button(key="brush_undo").click()
    draw(at, ("add", 30, ((500, 60), (560, 90))), ("erase", 30, ((100, 60), (160, 90))))
    assert [stroke.mode for stroke in draft(at).edit.strokes] == ["add"]
    at.button(key="brush_redo").click().run()
    assert [stroke.mode for stroke in draft(at).edit.strokes] == ["add", "erase"]


@pytest.mark.slow
def test_strokes_survive_another_quality(at: AppTest, store: Store) -> None:
    draw(at, ("add", 30, ((500, 60), (560, 90))), ("erase", 20, ((300, 300),)))
    before = replace(draft(at).edit, quality="fast")
    at.segmented_control(key=f"mask_quality_{draft(at).token}").set_value("fast").run()
    assert draft(at).edit == before
    button(at, "Save").click().run()
    (entry,) = store.subjects.all()
    image = read_photo(SAMPLES[0].path, limits=LIMITS).image
    expected = quantise_alpha(apply_edit(cut_out(image, "fast")[0], before))
    np.testing.assert_array_equal(store.subjects.load(entry.id).alpha, expected)
    again = AppTest.from_file(SHELL, default_timeout=60)
    again.query_params["id"] = entry.id
    again.run()
    assert draft(again).quality == "fast"


def test_the_fine_edge_does_not_hold_the_page_up(at: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    may_end = threading.Event()

    def slow(image: np.ndarray, alpha: np.ndarray, cancelled: threading.Event) -> np.ndarray:
        assert may_end.wait(30)
        return np.zeros_like(alpha)

    monkeypatch.setattr(mask_base, "refine_fine", slow)
    draw(at, ("erase", 20, ((300, 300),)))
    edit = replace(draft(at).edit, quality="fine")
    at.segmented_control(key=f"mask_quality_{draft(at).token}").set_value("fine").run()
    assert not at.exception
    assert preview_of(draft(at)).alpha.any()  # the standard edge meanwhile
    assert any("fine edge is being made" in str(text.value) for text in at.markdown)
    may_end.set()
    fine_edges().wait(draft(at).key)
    at.run()
    assert not preview_of(draft(at)).alpha.any()
    assert draft(at).edit == edit


def test_a_fine_edge_that_fails_is_a_sentence(at: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(image: np.ndarray, alpha: np.ndarray, cancelled: threading.Event) -> np.ndarray:
        raise UserInputError("The fine edge took too long.")

    monkeypatch.setattr(mask_base, "refine_fine", broken)
    at.segmented_control(key=f"mask_quality_{draft(at).token}").set_value("fine").run()
    wait_until(lambda: fine_edges().seconds(draft(at).key) is None, "its end")
    at.run()
    assert not at.exception
    assert "The fine edge took too long." in said(at)
    assert draft(at).quality == "standard"


def test_a_fine_edge_that_is_given_up_while_somebody_waits_for_it_is_a_sentence() -> None:
    edges, may_end = FineEdges(), threading.Event()
    edges.start("first", lambda cancelled: np.array(may_end.wait(60)))
    edges.start("second", lambda cancelled: np.array(True))
    edges._jobs["second"].cancel()  # as where several others begin after somebody has begun to wait
    with pytest.raises(UserInputError, match="was given up, because others want theirs: save again"):
        edges.wait("second")
    may_end.set()
    assert edges.wait("first")


def test_a_few_transparent_pixels_are_asked_about(at: AppTest) -> None:
    image = Image.new("RGBA", (300, 200), (90, 80, 70, 255))
    image.paste((0, 0, 0, 0), (0, 0, 12, 12))  # a corner
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    upload(at, "portrait.png", buffer.getvalue())
    assert draft(at).base == "auto"
    assert "keeps 99.8% of the photo (all but 144 pixels): it may be no mask" in said(at)
    assert "found automatically" in said(at)
    at.segmented_control(key=f"mask_base_{draft(at).token}").set_value("given").run()
    assert draft(at).base == "given"
    assert "It is the mask now." in said(at)


def test_a_mask_is_turned_round(at: AppTest, store: Store) -> None:
    upload(at, "wall.png", wall())
    circle = np.hypot(*(np.mgrid[:200, :300] - np.array([100, 150])[:, None, None])) < 60
    mask = encode_png(np.where(circle, 0, 255).astype(np.uint8))  # white = repaint
    at.file_uploader(key="mask_upload").upload("mask.png", mask, "image/png")
    at.run()
    draw(at, ("add", 20, ((352, 235),)))  # about the middle of the circle: it turns into a hole
    at.button(key="brush_invert").click().run()
    assert not at.exception
    button(at, "Save").click().run()
    (entry,) = store.subjects.all()
    expected = quantise_alpha(apply_edit(circle.astype(np.float32), replace(draft(at).edit, inverted=False)))
    alpha = store.subjects.load(entry.id).alpha
    np.testing.assert_array_equal(alpha, expected)
    (x, y) = draft(at).edit.strokes[0].points[0]
    assert (alpha[round(y), round(x)], alpha[60, 150], alpha[10, 10]) == (0, 1, 0)
    at.button(key="brush_undo").click().run()
    assert not draft(at).edit.inverted


def test_a_mask_from_a_file(at: AppTest, store: Store) -> None:
    upload(at, "wall.png", wall())
    circle = np.hypot(*(np.mgrid[:200, :300] - np.array([100, 150])[:, None, None])) < 60
    mask = encode_png(np.where(circle, 255, 0).astype(np.uint8))
    at.file_uploader(key="mask_upload").upload("mask.png", mask, "image/png")
    at.run()
    assert draft(at).base == "given"
    draw(at, ("add", 20, ((30, 30),)))
    button(at, "Save").click().run()
    (entry,) = store.subjects.all()
    expected = quantise_alpha(apply_edit(circle.astype(np.float32), draft(at).edit))
    np.testing.assert_array_equal(store.subjects.load(entry.id).alpha, expected)


def test_strokes_that_nobody_saved_are_a_click_away_when_another_photo_takes_their_place(at: AppTest) -> None:
    upload(at, "two.png", wall())
    draw(at, ("add", 80, ((200, 100), (300, 250))))
    first = draft(at).edit
    upload(at, "other.png", wall(320))
    assert "“two” was left with strokes that are not saved" in said(at)
    draw(at, ("add", 40, ((100, 100),)))
    second = draft(at).edit
    at.button(key="go_back").click().run()
    assert not at.exception
    assert (draft(at).name, draft(at).edit) == ("two", first)
    assert "“other” was left" in said(at)  # it has strokes too
    at.button(key="go_back").click().run()
    assert (draft(at).name, draft(at).edit) == ("other", second)
    button(at, "Save").click().run()
    assert "was left" not in said(at.run())


def test_a_photo_without_strokes_is_left_without_a_word(at: AppTest) -> None:
    upload(at, "two.png", wall())
    upload(at, "other.png", wall(320))
    assert "was left" not in said(at)


def test_strokes_come_back_onto_a_mask_from_a_file(at: AppTest) -> None:
    upload(at, "two.png", wall())
    draw(at, ("add", 80, ((200, 100), (300, 250))))
    strokes = draft(at).edit.strokes
    at.file_uploader(key="mask_upload").upload("mask.png", encode_png(np.full((200, 300), 255, np.uint8)), "image/png")
    at.run()
    assert draft(at).edit.strokes == ()
    at.button(key="brush_undo").click().run()
    assert (draft(at).base, draft(at).edit.strokes) == ("given", strokes)


def test_the_same_photo_under_another_name_takes_that_name(at: AppTest) -> None:
    upload(at, "two.png", wall())
    upload(at, "three.png", wall())
    assert at.text_input[0].value == "three"


def test_a_mask_of_another_size_is_a_sentence(at: AppTest) -> None:
    upload(at, "wall.png", wall())
    before = draft(at)
    at.file_uploader(key="mask_upload").upload("mask.png", encode_png(np.zeros((20, 30), np.uint8)), "image/png")
    at.run()
    assert "30 × 20" in said(at)
    assert draft(at) == before


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_drawn(at: AppTest, view: str) -> None:
    at.selectbox(key="mask_view").set_value(view).run()
    assert not at.exception
    assert len(at.get("image")) == 1


def test_zooming_in_keeps_strokes_and_shows_the_saved_pixels(at: AppTest, store: Store) -> None:
    at.segmented_control(key="zoom_level").set_value(4).run()
    assert not at.exception
    draw(at, ("erase", 60, ((300, 200), (300, 260))))
    (stroke,) = draft(at).edit.strokes
    assert all(192 <= x <= 320 and 192 <= y <= 320 for x, y in stroke.points)  # the middle of 512 × 512
    seen = detail_of(draft(at), preview_of(draft(at)), Box(left=192, top=192, right=320, bottom=320))
    button(at, "Save").click().run()
    saved = store.subjects.load(store.subjects.all()[0].id).alpha
    np.testing.assert_array_equal(quantise_alpha(seen.alpha), saved[192:320, 192:320])
    at.segmented_control(key="zoom_level").set_value(1).run()
    assert draft(at).edit.strokes == (stroke,)


def test_both_masks_are_shown_to_who_asks(at: AppTest) -> None:
    at.session_state["purposes"] = True
    at.run()
    assert not at.exception
    assert len(at.get("image")) == 3
    assert "For the model" in said(at)


def two_persons() -> bytes:
    """The first sample beside its mirror image, with a strip of grey between."""
    image = read_photo(SAMPLES[0].path, limits=LIMITS).image
    return encode_png(np.hstack([image, np.full((512, 120, 3), 150, np.uint8), image[:, ::-1]]))


@pytest.mark.slow
def test_several_persons_one_is_kept(at: AppTest, store: Store) -> None:
    upload(at, "two.png", two_persons())
    key = f"mask_kept_{draft(at).token}"
    assert at.pills(key=key).value == [1, 2]
    at.pills(key=key).set_value([2]).run()
    assert draft(at).edit.kept_regions is not None
    at.button(key="brush_undo").click().run()
    assert at.pills(key=key).value == [1, 2]
    at.button(key="brush_redo").click().run()
    button(at, "Save").click().run()
    alpha = store.subjects.load(store.subjects.all()[0].id).alpha
    assert not alpha[:, :500].any()
    assert alpha[:, 640:].any()
    at.segmented_control(key="zoom_level").set_value(2).run()
    half = Box(left=0, top=0, right=572, bottom=256)
    assert not detail_of(draft(at), preview_of(draft(at)), half).alpha[:, :480].any()


@pytest.mark.slow
def test_persons_are_chosen_by_clicks(at: AppTest, store: Store) -> None:
    upload(at, "two.png", two_persons())
    at.segmented_control(key="brush_tool").set_value("choose").run()
    assert "Click on who should go" in said(at)
    key, on_first, on_second, between = f"mask_kept_{draft(at).token}", (140, 150), (460, 150), (300, 20)
    click(at, on_first)
    assert at.pills(key=key).value == [2]
    click(at, on_first, between)
    assert at.pills(key=key).value == [2]
    assert "Nobody was found at that place" in said(at)
    click(at, on_first, between, on_first, on_second)
    assert at.pills(key=key).value == [1]
    assert "Nobody was found" not in said(at)
    at.button(key="brush_undo").click().run()
    assert at.pills(key=key).value == [2]
    click(at, on_second)  # what was clicked before the undo is not on the canvas any more
    assert at.pills(key=key).value == []
    at.button(key="brush_undo").click().run()
    at.segmented_control(key="zoom_level").set_value(2).run()
    at.segmented_control(key="brush_tool").set_value("choose").run()
    click(at, (10, 150))  # at 2× the canvas shows the middle half: this is the first person's shoulder
    assert at.pills(key=key).value == [1, 2]
    assert draft(at).edit.kept_regions is None
    at.pills(key=key).set_value([2]).run()
    button(at, "Save").click().run()
    alpha = store.subjects.load(store.subjects.all()[0].id).alpha
    assert not alpha[:, :500].any()
    assert alpha[:, 640:].any()


@pytest.mark.slow
def test_persons_of_a_large_photo_are_told_apart_at_its_own_size(at: AppTest, store: Store) -> None:
    small = Image.open(io.BytesIO(two_persons()))
    buffer = io.BytesIO()
    small.resize((small.width * 3, small.height * 3)).save(buffer, "PNG")
    upload(at, "large.png", buffer.getvalue())
    regions = preview_of(draft(at)).found.regions
    assert regions.extent == Extent(width=3432, height=1536)
    assert [region.centre[0] > 1716 for region in regions.items] == [False, True]
    at.segmented_control(key="brush_tool").set_value("choose").run()
    click(at, (140, 150))
    button(at, "Save").click().run()
    alpha = store.subjects.load(store.subjects.all()[0].id).alpha
    assert not alpha[:, :1500].any()
    assert alpha[:, 1920:].any()


@pytest.mark.slow
def test_one_person_is_not_chosen(at: AppTest) -> None:
    upload(at, "two.png", two_persons())
    at.segmented_control(key="brush_tool").set_value("choose").run()
    upload(at, "wall.png", wall())
    assert not at.exception
    assert at.segmented_control(key="brush_tool").value == "brush"
    assert not any("Choose" in option for option in at.segmented_control(key="brush_tool").options)


@pytest.mark.slow
def test_library_opens_and_deletes(at: AppTest, store: Store) -> None:
    button(at, "Save").click().run()
    (entry,) = store.subjects.all()
    upload(at, "wall.png", wall())
    button(at, "Library · 1").click().run()
    at.button(key=f"open_{entry.id}").click().run()
    assert draft(at).source_id == entry.id
    assert "Person found" in said(at)
    button(at, "Library · 1").click().run()
    # What is clicked in a dialog runs the dialog alone, which AppTest does not: it is opened again with each click
    at.button(key=f"delete_{entry.id}").click()
    button(at, "Library · 1").click().run()
    assert store.subjects.all() != []
    assert "Nothing was made with it yet" in said(at)
    at.button(key="delete_for_good").click()
    button(at, "Library · 1").click().run()
    assert store.subjects.all() == []
