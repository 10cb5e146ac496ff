"""The Sweep page through AppTest: what it says before it runs, and what its controls refuse."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from bgen_core.ids import RunId, SweepId, VisitorId
from bgen_core.jobs.background_faults import BackgroundFaults
from bgen_core.jobs.submission import forecast_sweep, submit_sweep
from bgen_core.metrics import MetricValue
from bgen_core.records.sweep_states import CANCEL, CLAIM, FINISH, StateChange
from bgen_core.records.visitor import Role, Visitor
from bgen_core.settings import load_settings
from bgen_core.store.references import KeptBackgrounds, load_references
from bgen_core.store.store import Store
from bgen_core.subject.decoding.image_io import encode_png
from bgen_core.subject.subject import Subject
from bgen_core.sweep.axes import Axis, parse_axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.seeds.redraw import Redraw
from pages._ui.app import page_files, resources
from pages._ui.sweep import live_sweep
from tests.made_up import commit, made_up_run, made_up_subject, made_up_sweep, run_id
from tests.pages.compare_pages import as_read, tables
from tests.subject.malformed_files import FILES

SHELL = str(Path(page_files.SWEEP).parent / "_ui" / "app" / "shell.py")


@pytest.fixture
def store(page_store: Store) -> Store:
    return page_store


@pytest.fixture
def subject(store: Store) -> Subject:
    alpha = np.zeros((64, 80), np.float32)
    alpha[20:, 20:60] = 1
    subject = Subject(name="box", image=np.full((64, 80, 3), 90, np.uint8), alpha=alpha)
    store.subjects.save(subject, {})
    return subject


def open_sweep(**query: str) -> AppTest:
    at = AppTest.from_file(SHELL, default_timeout=60)
    at.switch_page(page_files.SWEEP)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


def opened_more(at: AppTest) -> AppTest:
    at.session_state["more"] = True
    return at.run()


def said(at: AppTest) -> str:
    kinds = (at.markdown, at.info, at.warning, at.error, at.caption)
    return as_read(" ".join(str(element.value) for kind in kinds for element in kind))


def gridded(at: AppTest) -> dict[str, Any]:
    """What the grid was told."""
    return of_component(at, "bgen_sweep_grid")


def of_component(at: AppTest, name: str) -> Any:
    """What a component was told, but for its turn; None where it is not drawn."""
    found = [element.proto for element in at.get("bidi_component")]
    data = next((json.loads(proto.json or "{}") for proto in found if proto.component_name == name), None)
    return data if data is None else {key: value for key, value in data.items() if key != "told"}


def place_of_grid(node: Any, above: tuple[int, ...] = ()) -> tuple[int, ...]:
    """Where the grid stands among the elements of the page, from the outside in; empty where it is not."""
    for number, child in getattr(node, "children", {}).items():
        proto = getattr(child, "proto", None)
        if getattr(proto, "component_name", "") == "bgen_sweep_grid":
            return (*above, number)
        if found := place_of_grid(child, (*above, number)):
            return found
    return ()


def run_button(at: AppTest):
    return next(button for button in at.button if button.label == "Run")


def test_without_a_subject_it_leads_to_one(store: Store):
    at = open_sweep()
    assert "photo and the part of it to keep" in said(at)
    assert not [button for button in at.button if button.label == "Run"]
    next(button for button in at.button if button.label == "Start with the sample photo").click().run()
    assert [entry.name for entry in store.subjects.all()] == ["Astronaut"]
    assert at.text_area(key="prompt").value


def test_a_reference_picture_is_put_into_the_store_and_named(store: Store, subject: Subject):
    at = opened_more(open_sweep(prompt="a beach"))
    files = [np.full((80, 90, 3), shade, np.uint8) for shade in (50, 200)]
    for number, image in enumerate(files):
        at.file_uploader(key="reference_upload").upload(f"{number}.png", encode_png(image), "image/png").run()
        assert not at.exception
    names = at.text_area(key="reference").value.split("\n")
    for name, image in zip(names, load_references(store.blobs, names).values(), strict=True):
        assert np.array_equal(image, files[names.index(name)])
    assert "2 cells" in said(at)
    at.file_uploader(key="reference_upload").upload("broken.png", b"no picture", "image/png").run()
    assert "broken.png" in said(at)
    assert at.text_area(key="reference").value.split("\n") == names


def test_a_background_without_a_model_asks_for_what_acts_and_for_nothing_else(store: Store, subject: Subject):
    at = open_sweep(model="plain-colour", colour="white to sky blue")
    assert [each.key for each in at.text_area] == ["colour"], "no prompt, and no replacement in it"
    assert "1 cell" in said(at)
    at.text_area(key="colour").set_value("whiteish").run()
    assert "background colour 'whiteish' is not known: write a colour such as white" in said(at)


def test_an_opened_cell_without_a_model_shows_what_acts_and_nothing_else(store: Store, subject: Subject):
    two_colours(store)
    axis = Axis(name="background-colour", values=("#ff0000", "#0000ff"))
    at = open_sweep(id="plain", cell="2")
    assert f"2 of 2 · {axis.label} {axis.labels[1]}" in said(at)
    shown = {name for each in tables(at) for name in each}
    assert axis.label in shown
    assert not {"Prompt", "Negative prompt", "Steps", "Guidance", "Seed"} & shown


def two_colours(store: Store) -> list[RunId]:
    """Runs of a finished sweep of two cells, named `plain`."""
    (entry,) = store.subjects.all()
    axis = Axis(name="background-colour", values=("#ff0000", "#0000ff"))
    plan = SweepPlan(subject_id=entry.id, model="plain-colour", base=InpaintParams(prompt=""), axes=(axis,))
    runs = [
        commit(store, made_up_run(cell.index, model="plain-colour", params=cell.params.to_json()))
        for cell in plan.cells()
    ]
    ids = [run.id for run in runs]
    store.sweeps.add(made_up_sweep("plain", cells=ids, plan=plan.to_json(), state="done", subject_id=entry.id), ids)
    return ids


def test_a_cell_opens_though_the_marked_one_was_deleted(store: Store, subject: Subject):
    two_colours(store)
    elsewhere = commit(store, made_up_run(7))
    at = open_sweep(id="plain")
    at.session_state["marked_cell"] = elsewhere.id
    store.deletion.delete([elsewhere.id])
    at.query_params["cell"] = "2"
    at.run()
    assert "2 of 2" in said(at)
    assert "marked_cell" not in at.session_state


def test_the_address_opens_its_cell_though_another_sweeps_grid_was_seen_last(store: Store, subject: Subject):
    two_colours(store)
    at = open_sweep(id="plain")
    at.session_state["shown_rows"] = [[0]]  # of a sweep of one cell
    at.query_params["cell"] = "2"
    at.run()
    assert "2 of 2" in said(at)


@pytest.mark.parametrize("is_here", [True, False], ids=["here", "left out by a ZIP"])
def test_an_attempt_that_was_not_kept_leads_to_its_page_where_it_has_one(
    store: Store, subject: Subject, *, is_here: bool
) -> None:
    (entry,) = store.subjects.all()
    plan = SweepPlan(
        subject_id=entry.id, model="demo", base=InpaintParams(prompt="a beach"),
        axes=(Axis(name="seed", values=(1,)),), redraw=Redraw(max_expansion=3, attempts=2),
    )  # fmt: skip
    first, second = (made_up_run(number, subject_id=entry.id) for number in (0, 1))
    store.sweeps.add(made_up_sweep("redrawn", total=1, plan=plan.to_json(), state="done"), [first.id])
    commit(store, first)
    assert store.attempts.decide(SweepId("redrawn"), 0, run_id=first.id, expansion=4.0, following=second.id)
    if is_here:
        commit(store, second)
    assert store.attempts.decide(SweepId("redrawn"), 0, run_id=second.id, expansion=5.0, following=None)
    at = open_sweep(id="redrawn", cell="1")
    assert not at.exception
    links = [link.proto.label for link in at.get("page_link")]
    assert ("Attempt 2" in links) is is_here


def test_a_background_picture_is_put_into_the_store_at_its_own_size(store: Store, subject: Subject, worker: None):
    at = open_sweep(model="own-picture")
    assert "own-picture needs a picture: give one in background" in said(at)
    at.file_uploader(key="background_upload").upload("bomb.png", FILES["a gigapixel.png"](), "image/png").run()
    assert "bomb.png" in said(at)
    assert "megapixels" in said(at)
    wide = np.full((100, 1500, 3), 90, np.uint8)
    at.file_uploader(key="background_upload").upload("wide.png", encode_png(wide), "image/png").run()
    name = at.text_area(key="background").value
    assert np.array_equal(KeptBackgrounds(store.blobs)(name), wide)
    assert "1 cell" in said(at)


def test_it_says_what_a_sweep_costs_before_it_runs(subject: Subject, worker: None):
    at = open_sweep()
    at.text_input(key="steps").set_value("10..30:10")
    at.text_input(key="guidance").set_value("1-7 (+3)")
    at.text_input(key="seed").set_value("1-3").run()
    assert "27 cells: 0 known, 27 to make" in said(at)
    assert not run_button(at).disabled
    shown = gridded(at)
    assert (shown["shown"]["across"], shown["shown"]["down"]) == (["seed"], ["guidance"])
    assert [axis["values"] for axis in shown["axes"][1:]] == [["1", "4", "7"], ["1", "2", "3"]]
    assert "3 × 3 × 3 = 27 cells" in said(at)


def test_earlier_sweeps_say_whether_the_seeds_are_enough(store: Store, subject: Subject, worker: None):
    """Guidance moved the seam by 0.03 among chance of 0.01, which three seeds do not tell."""
    assert "To tell guidance apart" not in said(open_sweep(guidance="2,4", seed="1..3"))
    random = np.random.default_rng(0)
    axes = (Axis(name="guidance", values=(2.0, 4.0)), Axis(name="seed", values=tuple(range(1, 9))))
    plan = SweepPlan(subject_id=subject.id, model="demo", base=InpaintParams(prompt="a hill"), axes=axes)
    runs = [commit(store, made_up_run(cell.index, params=cell.params.to_json())) for cell in plan.cells()]
    for cell, run in zip(plan.cells(), runs, strict=True):
        value = float(0.3 + 0.03 * cell.position[0] + random.normal(0, 0.01))
        store.metrics.save(run.id, [MetricValue(name="seam", value=value, reason="", version=1)])
    cells = [run.id for run in runs]
    store.sweeps.add(made_up_sweep("earlier", cells=cells, state="done", plan=plan.to_json()), cells)
    st.cache_resource.clear()  # what earlier sweeps say is kept for a minute
    told = said(open_sweep(guidance="2,4", seed="1..3"))
    assert re.search(r"To tell guidance apart by seam \(a difference of 0\.0\d+, as in 1 earlier sweep\)", told)
    assert "seeds; you asked for 3." in told


def test_what_is_behind_is_said_without_names_of_servers(subject: Subject, worker: None):
    BackgroundFaults(load_settings().home).note("MLflow", "Runs are not copied to http://server: it is away.")
    at = open_sweep(subject=subject.id)
    assert "behind: MLflow" in said(at)
    assert "http://server" not in said(at)


@pytest.mark.parametrize(
    ("key", "text", "sentence"),
    [
        ("steps", "10..30:0", "step 0"),
        ("steps", "0", "steps 0 is not allowed"),
        ("guidance", "lots", "'lots' is not a number"),
        ("seed", "", "seed has no values"),
        ("strength", "0", "strength 0 is not allowed"),
        ("seed", "0..1000000000", "at most 10,000"),
        ("redraw", "little", "Redraw above an expansion of 'little' is not a number"),
        ("redraw", "101", "choose 0 to 100 % of the picture"),
    ],
)
def test_what_is_not_allowed_is_said_and_nothing_is_lost(
    subject: Subject, worker: None, key: str, text: str, sentence: str
):
    at = opened_more(open_sweep())
    at.text_area(key="prompt").set_value("a forest")
    at.text_input(key=key).set_value(text).run()
    assert sentence in said(at)
    assert run_button(at).disabled
    assert at.text_area(key="prompt").value == "a forest"
    assert at.text_input(key=key).value == text


def test_an_empty_prompt_is_asked_for(subject: Subject, worker: None):
    at = open_sweep()
    at.text_area(key="prompt").set_value("").run()
    assert "The prompt is empty" in said(at)


def test_a_seed_of_minus_one_is_drawn_once_for_each_sweep(store: Store, subject: Subject, worker: None):
    at = open_sweep(seed="-1,7,−1", scheduler="Euler a")
    assert "3 cells: 0 known, 3 to make" in said(at)
    run_button(at).click().run()
    (sweep,) = store.sweeps.select(states=["queued"])
    plan = SweepPlan.from_json(sweep.plan)
    first, seven, second = plan.values_of("seed")
    assert seven == 7
    assert len({-1, first, second, 7}) == 4
    assert plan.base.scheduler == "euler_a"
    assert at.text_input(key="seed").value == "-1,7,−1"
    assert "3 cells being made" in said(at)
    store.sweeps.change_state(sweep.id, CANCEL)
    assert "3 cells: 0 known, 3 to make" in said(at.run())
    run_button(at).click().run()
    (again,) = store.sweeps.select(states=["queued"])
    assert not {first, second} & set(SweepPlan.from_json(again.plan).values_of("seed"))


def test_pairs_and_drawn_seeds_stand_in_the_address_and_make_the_plan(
    store: Store, subject: Subject, worker: None
):  # fmt: skip
    at = open_sweep(steps="2,4,6", guidance="1,3,5", seed="7, vary 1, random", pair="steps+guidance")
    assert "3 (paired) × 3 = 9 cells" in said(at)
    seeds = at.text_input(key="seed").value
    assert re.fullmatch(r"7, 8, \d+", seeds)
    run_button(at).click().run()
    (sweep,) = store.sweeps.select(states=["queued"])
    plan = SweepPlan.from_json(sweep.plan)
    assert plan.axes[0].labels == ("2 · 1", "4 · 3", "6 · 5")
    assert plan.values_of("seed") == tuple(map(int, seeds.split(",")))
    linked = open_sweep(id=sweep.id)
    assert linked.text_input(key="pair").value == "steps+guidance"
    assert "3 (paired) × 3 = 9 cells" in said(linked)
    next(button for button in linked.button if button.label == "4 next to it").click().run()
    assert linked.text_input(key="seed").value == "7, 8, 9, 10, 11"


def test_run_puts_the_sweep_into_the_queue_and_into_the_url(store: Store, subject: Subject, worker: None):
    at = open_sweep()
    at.text_input(key="seed").set_value("1-2").run()
    run_button(at).click().run()
    (sweep,) = store.sweeps.select(states=["queued"])
    assert at.query_params["id"] in (sweep.id, [sweep.id])
    assert sweep.total == 2
    next(button for button in at.button if button.label == "Cancel").click().run()
    next(button for button in at.button if button.label == "Cancel it").click().run()
    assert store.sweeps.get(sweep.id).state == "cancelled"
    assert "Cancelled: 0 of 2" in said(at)


def test_a_second_press_of_run_that_does_not_know_the_address_yet_makes_no_second_sweep(
    store: Store, subject: Subject, worker: None
):
    at = open_sweep()
    run_button(at).click().run()
    (sweep,) = store.sweeps.select()
    del at.query_params["id"]
    at.run()
    run_button(at).click().run()
    assert [each.id for each in store.sweeps.select()] == [sweep.id]
    assert at.query_params["id"] in (sweep.id, [sweep.id])


def test_what_was_typed_beside_a_sweep_is_there_after_a_look_at_another_page(
    store: Store, subject: Subject, worker: None
):
    at = open_sweep()
    run_button(at).click().run()
    at.text_area(key="prompt").set_value("a red barn").run()
    at.switch_page(page_files.COMPARE).run()
    at.query_params.clear()
    at.switch_page(page_files.SWEEP).run()
    assert at.text_area(key="prompt").value == "a red barn"


def test_a_link_to_a_sweep_fills_the_controls(store: Store, subject: Subject, worker: None):
    plan = SweepPlan(
        subject_id=subject.id,
        model="demo",
        base=InpaintParams(prompt="a red studio", strength=0.8),
        axes=(parse_axis("steps", "5,7"), parse_axis("scheduler", "ddim,euler")),
    )
    settings = load_settings()
    forecast = forecast_sweep(
        store, settings, plan, photos={subject.id: subject.extent}, device_kind="cpu", dtype_name="float32"
    )
    sweep_id = submit_sweep(store, forecast, owner="somebody")
    at = open_sweep(id=sweep_id)
    assert at.text_area(key="prompt").value == "a red studio"
    assert at.text_input(key="steps").value == "5, 7"
    assert at.text_input(key="strength").value == "0.8"
    assert at.multiselect(key="scheduler").value == ["ddim", "euler"]
    assert "4 cells" in said(at)


STRANGE = ("a [red|blue] barn | by the sea", "a beach\nat night ", "\\o/")


def test_a_link_to_a_sweep_holds_its_prompts_to_the_letter(store: Store, subject: Subject, worker: None):
    axes = (Axis(name="prompt", values=STRANGE), parse_axis("seed", "1,2"))
    plan = SweepPlan(subject_id=subject.id, model="demo", base=InpaintParams(prompt=STRANGE[0], seed=1), axes=axes)
    forecast = forecast_sweep(
        store, load_settings(), plan, photos={subject.id: subject.extent}, device_kind="cpu", dtype_name="float32"
    )
    at = open_sweep(id=submit_sweep(store, forecast, owner="somebody"))
    assert at.text_area(key="prompt").value == "a [red|blue] barn | by the sea\na beach\\nat night\\u0020\n\\o/"
    assert "6 cells being made" in said(at)  # the form describes the very plan


def test_an_address_holds_a_line_break_inside_a_prompt(store: Store, subject: Subject, worker: None):
    at = open_sweep(prompt=r"a beach | at night\nby the sea")
    run_button(at).click().run()
    plan = SweepPlan.from_json(store.sweeps.select()[0].plan)
    assert (plan.base.prompt, len(plan)) == ("a beach | at night\nby the sea", 1)


def test_drawing_again_is_said_before_and_is_in_the_sweeps_form(store: Store, subject: Subject, worker: None):
    at = open_sweep(prompt="a beach", seed="1,2")
    assert not [field for field in at.text_input if field.label == "Seeds at most"]
    at.text_input(key="redraw").set_value("2.5 %").run()
    at.text_input(key="attempts").set_value("3").run()
    assert "grows by more than 2.5 % of the picture is drawn again with another seed, up to 3 seeds" in said(at)
    at.text_input(key="explore").set_value("5").run()
    assert "exploring and drawing again do not go together" in said(at)
    at.text_input(key="explore").set_value("").run()
    run_button(at).click().run()
    (sweep,) = store.sweeps.select()
    assert SweepPlan.from_json(sweep.plan).redraw == Redraw(max_expansion=2.5, attempts=3)
    linked = open_sweep(id=sweep.id)
    assert (linked.text_input(key="redraw").value, linked.text_input(key="attempts").value) == ("2.5", "3")
    assert "2 cells being made" in said(linked)


def test_nothing_grows_where_no_model_paints(subject: Subject, worker: None):
    at = open_sweep(model="plain-colour")
    assert "Redraw above an expansion of" not in {field.label for field in at.text_input}


def test_a_sweep_that_is_gone_says_so(subject: Subject, worker: None):
    assert "No sweep is called 'nothing'" in said(open_sweep(id="nothing"))


def test_what_the_models_family_ignores_is_not_offered(
    subject: Subject, worker: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BGEN_MODELS_ALLOWED", f"{tmp_path}/*")
    folder = tmp_path / "schnell"
    folder.mkdir()
    (folder / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')
    at = open_sweep(model=str(folder), prompt="a beach")
    labels = {element.label for kind in (at.text_input, at.text_area, at.multiselect) for element in kind}
    assert {"Steps", "Seed", "Negative prompt"} <= labels
    assert "Guidance" not in labels
    assert [element.value for element in at.text_input if element.label == "Steps"] == ["4"]
    assert "1 cell: 0 known, 1 to make" in said(at)


def test_a_model_that_cannot_be_found_says_so_and_the_page_works(
    subject: Subject, worker: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BGEN_MODELS_ALLOWED", "*")
    at = open_sweep(model="./nowhere")
    assert "model './nowhere' is not there" in said(at)
    assert run_button(at).disabled


@pytest.mark.slow
def test_the_tab_is_told_how_far_the_sweep_is(store: Store, subject: Subject, worker: None):
    at = open_sweep(prompt="a beach", seed="1-3")
    run_button(at).click().run()
    (sweep,) = store.sweeps.select()
    told = {"id": sweep.id, "title": sweep.title, "done": 0, "total": 3}
    assert of_component(at, "bgen_sweep_title") == {**told, "state": "queued"}
    assert of_component(at, "bgen_notify_button") is not None
    store.sweeps.change_state(sweep.id, CLAIM)
    store.sweeps.change_state(sweep.id, FINISH)
    at.run()
    assert of_component(at, "bgen_sweep_title") == {**told, "state": "done"}
    assert of_component(at, "bgen_notify_button") is None


def test_the_grid_keeps_its_place_whatever_is_remarked_above_it(store: Store, subject: Subject, worker: None):
    """One that moves stands on the page twice until Streamlit has thrown the old one away."""
    at = opened_more(open_sweep(seed="1-3"))
    run_button(at).click().run()
    place = place_of_grid(at._tree)  # pyright: ignore[reportPrivateUsage]
    assert place
    at.text_input(key="strength").set_value("0").run()
    assert "strength 0 is not allowed" in said(at)
    assert place_of_grid(at._tree) == place  # pyright: ignore[reportPrivateUsage]
    at.text_input(key="strength").set_value("1").run()
    (sweep,) = store.sweeps.select()
    store.sweeps.change_state(sweep.id, CLAIM)
    store.sweeps.change_state(sweep.id, FINISH)
    at.run()
    assert place_of_grid(at._tree) == place  # pyright: ignore[reportPrivateUsage]


def test_a_cancelled_sweep_goes_on(store: Store, subject: Subject, worker: None):
    at = open_sweep()
    run_button(at).click().run()
    (sweep,) = store.sweeps.select()
    next(button for button in at.button if button.label == "Cancel").click().run()
    next(button for button in at.button if button.label == "Cancel it").click().run()
    next(button for button in at.button if button.label == "Continue").click().run()
    assert store.sweeps.get(sweep.id).state == "queued"


def test_the_link_of_a_sweep_whose_subject_is_deleted_still_opens(store: Store, subject: Subject, worker: None):
    at = open_sweep()
    run_button(at).click().run()
    (sweep,) = store.sweeps.select()
    store.sweeps.change_state(sweep.id, CANCEL)
    store.subjects.delete(subject.id)
    at = open_sweep(id=sweep.id)
    assert "Cancelled: 0 of 1" in said(at), "with no photo left"
    assert "Start with the sample photo" not in {button.label for button in at.button}
    other = Subject(name="other", image=subject.image, alpha=1 - subject.alpha)
    store.subjects.save(other, {})
    at = open_sweep(id=sweep.id)
    assert "Cancelled: 0 of 1" in said(at)
    assert any("it was left out" in toast.value for toast in at.toast), (
        "another subject takes its place, and not silently"
    )


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_a_sweep_of_somebody_elses_photo_opens_for_who_has_none(
    store: Store, worker: None, monkeypatch: pytest.MonkeyPatch, role: Role
):
    mine, bo = store.seen_by(Visitor(id=VisitorId("ada"))), Visitor(id=VisitorId("bo"), role=role)
    subject_id = mine.subjects.save(made_up_subject(), {})
    mine.subjects.share(subject_id, "private")
    plan = SweepPlan(subject_id=subject_id, model="demo", base=InpaintParams(prompt="a beach"))
    mine.sweeps.add(
        made_up_sweep("sweep-1", total=1, plan=plan.to_json(), state="cancelled", sharing="shared"), [run_id(0)]
    )
    monkeypatch.setattr(resources, "store", lambda: resources.opened_store().seen_by(bo))
    at = open_sweep(id="sweep-1")
    assert "Cancelled: 0 of 1" in said(at)
    assert "Start with the sample photo" not in {button.label for button in at.button}
    at = open_sweep()
    offered = {button.label for button in at.button}
    assert ("Start with the sample photo" in offered) is (role == "member")
    assert ("No sweep is open" in said(at)) is (role == "viewer")


def test_a_sweep_that_its_owner_hides_while_it_is_looked_at_is_said_to_be_gone(
    store: Store, subject: Subject, worker: None, monkeypatch: pytest.MonkeyPatch
):
    mine, bo = store.seen_by(Visitor(id=VisitorId("ada"))), Visitor(id=VisitorId("bo"))
    plan = SweepPlan(subject_id=subject.id, model="demo", base=InpaintParams(prompt="a beach"))
    record = made_up_sweep("sweep-1", total=1, plan=plan.to_json(), state="running", sharing="shared")
    mine.sweeps.add(record, [run_id(0)])
    monkeypatch.setattr(resources, "store", lambda: resources.opened_store().seen_by(bo))

    def hidden(*given: object) -> None:
        """Between the look of the page and that of the part that refreshes itself."""
        mine.sweeps.share(SweepId("sweep-1"), "private")

    monkeypatch.setattr(live_sweep, "way_back", hidden)
    at = open_sweep(id="sweep-1")
    assert [as_read(error.value) for error in at.error] == [
        "No sweep is called 'sweep-1': open one from the sweep page, or start a new one."
    ]


def test_who_sees_a_sweep_is_shown_as_another_tab_has_set_it(
    store: Store, subject: Subject, worker: None, monkeypatch: pytest.MonkeyPatch
):
    ada = Visitor(id=VisitorId("ada"))
    mine, sweep_id = store.seen_by(ada), SweepId("sweep-1")
    plan = SweepPlan(subject_id=subject.id, model="demo", base=InpaintParams(prompt="a beach"))
    record = made_up_sweep(sweep_id, total=1, plan=plan.to_json(), state="cancelled", sharing="shared", owner=ada.id)
    mine.sweeps.add(record, [run_id(0)])
    monkeypatch.setattr(resources, "store", lambda: resources.opened_store().seen_by(ada))
    at = open_sweep(id=sweep_id)
    assert at.radio(key="sharing_sweep-1").value == "shared"
    mine.sweeps.share(sweep_id, "link")
    mine.sweeps.let_viewers_vote(sweep_id, vote=True)
    at.run()
    assert at.radio(key="sharing_sweep-1").value == "link"
    assert at.checkbox(key="voting_sweep-1").value is True
    at.radio(key="sharing_sweep-1").set_value("private").run()
    assert mine.sweeps.get(sweep_id).sharing == "private"
    assert at.radio(key="sharing_sweep-1").value == "private"


@pytest.mark.parametrize("changes", [(CLAIM,), (CLAIM, FINISH)], ids=lambda changes: changes[-1].to)
def test_a_grid_is_downloaded_as_it_is_shown(
    store: Store, subject: Subject, worker: None, changes: tuple[StateChange, ...]
):
    axes = tuple(parse_axis(name, text) for name, text in (("steps", "2,3"), ("guidance", "1,3"), ("seed", "1-2")))
    plan = SweepPlan(subject_id=subject.id, model="demo", base=InpaintParams(prompt="a beach"), axes=axes)
    forecast = forecast_sweep(
        store, load_settings(), plan, photos={subject.id: subject.extent}, device_kind="cpu", dtype_name="float32"
    )
    sweep_id = submit_sweep(store, forecast, owner="somebody")
    for change in changes:
        store.sweeps.change_state(sweep_id, change)
    at = open_sweep(id=sweep_id, x="Seed", y="Steps")
    assert not at.get("link_button")  # sizes cost a look at pictures: they are looked up once somebody asks
    at.session_state["save_sweep"] = True
    at.run()
    links = {link.proto.label.partition(" · ")[0]: link.proto.url for link in at.get("link_button")}
    assert links["PNG 512 px"] == f"download/sheet/{sweep_id}.png?x=seed&y=steps"
    assert links["WebP 256 px"] == f"download/sheet/{sweep_id}.webp?x=seed&y=steps&side=256"
    assert links["HTML 256 px"] == f"download/runs.html?sweep={sweep_id}&side=256&x=seed&y=steps"
    assert links["ZIP"] == f"download/zip/{sweep_id}.zip"
    assert all(link.proto.label.endswith(" MB") for link in at.get("link_button"))


def test_a_link_names_the_subject_by_its_id(store: Store, subject: Subject, worker: None):
    newer = Subject(name="newer", image=subject.image, alpha=1 - subject.alpha)
    store.subjects.save(newer, {})
    at = open_sweep(subject=subject.id)
    assert at.multiselect(key="subject").value == [subject.id]
    run_button(at).click().run()
    assert store.sweeps.select()[0].subject_id == subject.id
    at.multiselect(key="subject").set_value([newer.id]).run()
    assert at.query_params["subject"] in (newer.id, [newer.id])
    at.multiselect(key="subject").set_value([newer.id, subject.id]).run()
    assert at.query_params["subject"] == [newer.id, subject.id]
    assert "2 cells: 1 known" in said(at) or "2 cells: 0 known" in said(at)


@pytest.mark.parametrize(
    ("query", "sentences"),
    [
        ({"steps": "1,2", "seed": "1,2", "x": "<b>", "y": "Seed"}, ["x “<b>” is not known."]),
        ({"steps": "1,2", "seed": "1,2", "y": "Guidance"}, ["y “Guidance” is not varied here."]),
        ({"steps": "1,2", "seed": "1,2", "x": "Seed", "y": "Seed"}, ["y “Seed” lies across already."]),
        ({"steps": "1,2", "x": "colour", "y": "Seed"}, ["x “colour” is not known."]),
    ],
)
def test_what_a_link_says_of_the_grid_and_means_nothing_is_said_once(
    subject: Subject, worker: None, query: dict[str, str], sentences: list[str]
):
    at = open_sweep(**query)
    assert [as_read(toast.value) for toast in at.toast] == [
        f"A part of this link was left out: {sentence}" for sentence in sentences
    ]
    assert not at.error
    at.run()
    assert not at.toast


def test_a_scheduler_that_a_link_names_and_nobody_knows_is_said(subject: Subject, worker: None):
    assert "scheduler 'colour' is not known: choose default, ddim" in said(open_sweep(scheduler="colour"))


@pytest.mark.parametrize(
    ("x", "y", "across", "down"),
    [("Seed", "Steps", ["seed"], ["steps"]), ("Steps", "Steps", ["steps"], ["guidance"])],
)
def test_a_link_keeps_which_axis_lies_where(
    subject: Subject, worker: None, x: str, y: str, across: list[str], down: list[str]
):
    at = open_sweep(steps="1,2", guidance="1,2", seed="1,2", x=x, y=y)
    shown = gridded(at)["shown"]
    assert (shown["across"], shown["down"]) == (across, down)
    assert at.query_params["x"] in (x, [x])


def test_what_is_under_more_is_drawn_once_opened_and_where_a_link_sets_it(subject: Subject, worker: None):
    at = open_sweep()
    assert "shadow" not in {element.key for element in at.text_input}
    assert "shadow" in {element.key for element in opened_more(at).text_input}
    linked = open_sweep(shadow="0.3, 0.6")
    assert "2 cells" in said(linked)
    linked.text_input(key="shadow").set_value("0").run()
    assert "1 cell:" in said(linked)


def test_where_loras_cannot_be_applied_the_page_says_so(
    subject: Subject, worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bgen_core.models.steering.loras.find_spec", lambda name: None)
    at = opened_more(open_sweep())
    assert "LoRAs need the package peft, which is not installed" in said(at)
    assert {"lora", "lora-weight"}.isdisjoint(element.key for element in (*at.text_area, *at.text_input))
    linked = open_sweep(lora="ink:0.5")
    assert "lora" in {element.key for element in linked.text_area}
    assert "leave lora empty" in said(linked)


def finished_sweep(store: Store, subject: Subject, sweep_id: str = "over", steps: int = 20) -> None:
    plan = SweepPlan(
        subject_id=subject.id, model="demo", base=InpaintParams(prompt="a beach", num_inference_steps=steps),
        axes=(Axis(name="seed", values=(1, 2, 3)),),
    )  # fmt: skip
    runs = [
        made_up_run(100 * steps + cell.index, params=cell.params.to_json(), subject_id=subject.id)
        for cell in plan.cells()
    ]
    for run in runs[:2]:
        commit(store, run)
    ids = [run.id for run in runs]
    store.sweeps.add(made_up_sweep(sweep_id, cells=ids, plan=plan.to_json(), state="done", subject_id=subject.id), ids)


def test_ticks_of_a_second_pass_are_in_the_address(store: Store, subject: Subject, worker: None):
    finished_sweep(store, subject)
    at = open_sweep(id="over", tick="2,3,x")
    assert gridded(at)["ticked"] == [1]  # what is not finished, or no cell, is left out
    assert at.query_params["tick"] == "2"
    at.multiselect(key="finish_cells").set_value([0, 1]).run()
    assert at.query_params["tick"] == "1,2"
    at.switch_page(page_files.COMPARE).run()
    at.switch_page(page_files.SWEEP).run()
    assert gridded(at)["ticked"] == [0, 1]
    at.query_params["tick"] = "1"  # as Back does
    assert gridded(at.run())["ticked"] == [0]
    at.multiselect(key="finish_cells").set_value([]).run()
    assert "tick" not in at.query_params


def test_another_sweep_proposes_its_own_full_steps(store: Store, subject: Subject, worker: None):
    finished_sweep(store, subject, "fine", steps=20)
    finished_sweep(store, subject, "quick", steps=4)
    at = open_sweep(id="fine")
    for sweep_id, proposed in (("fine", "60"), ("quick", "20")):
        at.query_params["id"] = sweep_id
        at.run()
        assert next(field for field in at.text_input if field.label == "Full steps").value == proposed


def test_another_sweep_has_no_ticks_of_the_one_before(store: Store, subject: Subject, worker: None):
    finished_sweep(store, subject)
    at = open_sweep(id="over", tick="1,2")
    button = next(button for button in at.button if button.label == "Finish these")
    button.click().run()
    assert not at.exception
    assert at.query_params["id"] != "over"
    assert "tick" not in at.query_params
