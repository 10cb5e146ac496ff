"""The report as a browser reads it: what it shows, and that it loads nothing and runs its own script alone."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.ids import SweepId
from bgen_core.metrics import MetricValue, find_metric
from bgen_core.records.race import Race, RaceStep
from bgen_core.records.run import RunRecord
from bgen_core.reports import html_report as html_report_module
from bgen_core.reports.html_report import html_report
from bgen_core.store.store import Store
from bgen_core.sweep.axes import parse_axis
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from bgen_core.sweep.seeds.redraw import Redraw
from tests.html_page import HOSTILE, HtmlPage
from tests.made_up import LONG_AGO, commit, made_up_run, made_up_sweep, run_id


def read(pieces: Iterator[bytes]) -> HtmlPage:
    return HtmlPage(b"".join(pieces).decode())


def swept(store: Store, runs: list[RunRecord], axes: dict[str, str], *, prompt: str = "a beach") -> list[RunRecord]:
    """A sweep whose cells are these runs, in the plan's order."""
    plan = SweepPlan(
        subject_id="s" * 64,
        model="demo",
        base=InpaintParams(prompt=prompt),
        axes=tuple(parse_axis(name, text) for name, text in axes.items()),
    )
    ids = [run.id for run in runs]
    store.sweeps.add(made_up_sweep(cells=ids, state="done", plan=plan.to_json()), ids)
    return [commit(store, run) for run in runs]


def grid_of(store: Store, **changes: object) -> list[RunRecord]:
    """2 guidances by 2 seeds."""
    runs = [
        made_up_run(2 * row + column, params={"guidance_scale": 2 + row, "seed": column + 1, **changes})
        for row in range(2)
        for column in range(2)
    ]
    return swept(store, runs, {"guidance": "2,3", "seed": "1,2"})


def test_a_question_and_its_decision_stand_above_the_pictures(store: Store):
    grid_of(store)
    assert "Decided" not in read(html_report(store, sweep_id="sweep-1")).text
    store.decisions.ask("sweep-1", f"which? {HOSTILE}")
    store.decisions.decide("sweep-1", f"the first {HOSTILE}", evidence="Seed 1 is preferred.")
    text = read(html_report(store, sweep_id="sweep-1")).text
    assert f"which? {HOSTILE}" in text
    assert f"Decided: the first {HOSTILE}" in text
    assert "Seed 1 is preferred." in text


def test_what_was_decided_in_a_race_stands_above_the_pictures(store: Store):
    grid_of(store)
    assert "race" not in read(html_report(store, sweep_id="sweep-1")).text
    steps = (RaceStep(kind="lost", value=1, text=f"Out: guidance 3 {HOSTILE}.", created=LONG_AGO),)
    race = Race(
        sweep_id=SweepId("sweep-1"), started_from=None, axis="guidance", by="seam", budget=9, begun_with=0,
        state="open", steps=steps,
    )  # fmt: skip
    store.races.begin(race)
    assert f"Out: guidance 3 {HOSTILE}." in read(html_report(store, sweep_id="sweep-1")).text


def test_what_other_seeds_gave_stands_above_the_pictures(store: Store):
    runs = [commit(store, made_up_run(seed, params={"seed": seed})) for seed in (1, 2)]
    plan = SweepPlan(
        subject_id="s" * 64, model="demo", base=InpaintParams(prompt="a beach"), axes=(parse_axis("seed", "1,2"),),
        redraw=Redraw(max_expansion=3, attempts=2),
    )  # fmt: skip
    cells = [run.id for run in runs]
    store.sweeps.add(made_up_sweep("sweep-1", cells=cells, plan=plan.to_json()), cells)
    store.attempts.decide(SweepId("sweep-1"), 0, run_id=cells[0], expansion=1.0, following=None)
    assert "drawn again" not in read(html_report(store, sweep_id="sweep-1")).text
    store.attempts.decide(SweepId("sweep-1"), 1, run_id=cells[1], expansion=5.0, following=run_id(9))
    text = read(html_report(store, sweep_id="sweep-1")).text
    assert "a beach, Seed 2: The 2nd seed of at most 2 is tried; so far 5.00 % (limit 3 %)." in text


def test_a_sweep_is_its_labelled_grid_with_every_picture_once(store: Store):
    runs = grid_of(store)
    page = read(html_report(store, sweep_id="sweep-1"))
    assert len(page.pictures) == len(runs)
    assert [attributes["scope"] for attributes in page.all("th")][:4] == ["col", "col", "row", "row"]
    assert "Guidance ↓ Seed →" in page.text
    assert "4 of 4 cells" in page.text
    ids = [attributes["id"] for attributes in page.all("tr") if "id" in attributes]
    assert ids == [run.id for run in runs]
    assert [attributes["href"] for attributes in page.all("a")] == [f"#{run.id}" for run in runs]
    for told in (
        "Prompt",
        "a beach at sunset",
        "Guidance",
        "Seed",
        "torch 2.13.0",
        "diffusers 0.42.1",
        "float32 on cpu",
    ):
        assert told in page.text, told


def test_the_axes_can_be_turned(store: Store):
    grid_of(store)
    page = read(html_report(store, sweep_id="sweep-1", across="guidance", down="seed"))
    assert "Seed ↓ Guidance →" in page.text


def own_script() -> str:
    return (Path(html_report_module.__file__).parent / "report.js").read_text(encoding="utf-8")


def test_the_file_loads_nothing_and_runs_its_own_script_alone(store: Store):
    grid_of(store)
    page = read(html_report(store, sweep_id="sweep-1"))
    policy = next(each["content"] for each in page.all("meta") if each.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    digest = base64.b64encode(hashlib.sha256("".join(page.scripts).encode()).digest()).decode()
    assert policy == (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert page.all("script") == [{}]
    assert page.scripts == [own_script()]
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|fetch\(|import\(", own_script()
    )
    assert {tag for tag, _ in page.elements}.isdisjoint({"link", "iframe", "object", "embed", "form", "base"})
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") for name in attributes), tag
        for name in ("src", "href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:image/webp;base64,"))
    html = b"".join(html_report(store, sweep_id="sweep-1")).decode()
    assert "url(" not in html
    assert "@import" not in html


@pytest.mark.parametrize("place", ["prompt", "negative_prompt", "subject_name", "notes", "tags", "model", "title"])
def test_what_people_typed_is_text_wherever_it_stands(store: Store, place: str):
    changes = {place: HOSTILE} if place in ("subject_name", "model") else {}
    params = {place: HOSTILE} if "prompt" in place else {}
    runs = [commit(store, made_up_run(number, params=params if number else {}, **changes)) for number in range(2)]
    text = HOSTILE
    if place == "notes":
        store.opinions.note(runs[0].id, HOSTILE)
    if place == "tags":
        text = HOSTILE[:30]
        store.opinions.tag(runs[0].id, [text])
    page = read(html_report(store, run_ids=[run.id for run in runs], title=HOSTILE if place == "title" else ""))
    assert text in page.text
    assert (page.all("script"), page.scripts) == ([{}], [own_script()])
    assert len(page.all("img")) == 2
    assert all("onerror" not in attributes for _, attributes in page.elements)


def test_what_its_script_lays_out_is_in_attributes(store: Store):
    runs = grid_of(store)
    store.opinions.rate(runs[3].id, 4)
    store.metrics.save(runs[0].id, [measured("seam", 0.25)])
    page = read(html_report(store, sweep_id="sweep-1"))
    (main,) = page.all("main")
    axes = [{"label": "Guidance", "values": ["2", "3"]}, {"label": "Seed", "values": ["1", "2"]}]
    assert (json.loads(main["data-axes"]), json.loads(main["data-shown"])) == (axes, [1, 0])
    assert json.loads(main["data-badges"]) == ["Rating", "Seam"]
    places = [each for each in page.all("div") if each.get("class") == "place"]
    assert [json.loads(each["data-at"]) for each in places] == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert [each["data-stars"] for each in places] == ["0", "0", "0", "4"]
    assert [json.loads(each["data-badges"]) for each in places][::3] == [["", "0.250"], ["★★★★", ""]]
    assert "Guidance 3 · Seed 2" in places[3]["data-search"]


def test_chosen_runs_can_be_laid_out_by_what_they_differ_in(store: Store):
    runs = [
        commit(store, made_up_run(number, params={"seed": 7, "guidance_scale": 9.0 - number})) for number in range(3)
    ]
    page = read(html_report(store, run_ids=[run.id for run in runs]))
    (main,) = page.all("main")
    assert json.loads(main["data-axes"]) == [{"label": "Guidance", "values": ["7", "8", "9"]}]
    assert json.loads(main["data-shown"]) == [-1, -1]
    assert [each["data-at"] for each in page.all("div") if each.get("class") == "place"] == ["[2]", "[1]", "[0]"]


def test_the_title_says_what_the_sweep_is(store: Store):
    grid_of(store)
    page = read(html_report(store, sweep_id="sweep-1"))
    assert "Ada · demo · Guidance × Seed" in page.text
    assert "a beach · 4 of 4 cells" in page.text


def test_the_pictures_size_can_be_asked_for(store: Store):
    run = commit(store, made_up_run(1, extent=Extent(width=600, height=300)))
    (picture,) = read(html_report(store, run_ids=[run.id], side=96)).pictures
    assert picture.size == (96, 48)
    with pytest.raises(UserInputError, match="96, 256, 512, 1024 pixels large, not 7"):
        html_report(store, run_ids=[run.id], side=7)


def test_an_axis_of_prompts_is_text_too(store: Store):
    runs = [made_up_run(number, params={"prompt": prompt}) for number, prompt in enumerate((HOSTILE, "a forest"))]
    swept(store, runs, {"prompt": f"{HOSTILE}\na forest"})
    page = read(html_report(store, sweep_id="sweep-1"))
    assert page.text.count(HOSTILE) >= 2
    assert len(page.all("img")) == 2


def test_half_a_character_does_not_stop_it(store: Store):
    run = commit(store, made_up_run(1))
    page = read(html_report(store, run_ids=[run.id], title="a \ud83c beach"))
    assert "a ? beach" in page.text


def measured(name: str, value: float | None) -> MetricValue:
    return MetricValue(name=name, value=value, reason="" if value is not None else "Nothing to measure.", version=1)


def test_metrics_stand_in_the_table_with_their_meaning_and_the_best_marked(store: Store):
    runs = grid_of(store)
    for run, seam in zip(runs, (0.5, 0.25, 0.75, 0.25), strict=True):
        store.metrics.save(run.id, [measured("seam", seam), measured("detail", 3.0), measured("clip_score", None)])
    page = read(html_report(store, sweep_id="sweep-1"))
    assert page.text.count("★") == 3  # two that tie, and what the sign means
    assert page.text.count("0.250 ★") == 2
    assert find_metric("seam").help in page.text
    assert "Background detail (levels/px)" in page.text
    assert "CLIP score" not in page.text  # it has no value for any of them


def test_opinions_stand_in_the_table_where_there_are_any(store: Store):
    runs = grid_of(store)
    assert "Rating" not in read(html_report(store, sweep_id="sweep-1")).text
    store.opinions.rate(runs[0].id, 4)
    store.opinions.tag(runs[1].id, ["for Ada"])
    page = read(html_report(store, sweep_id="sweep-1"))
    for told in ("Rating", "for Ada"):
        assert told in page.text


def test_chosen_runs_are_cards_in_their_order_with_what_differs(store: Store):
    runs = [commit(store, made_up_run(number, params={"seed": number})) for number in range(3)]
    chosen = [runs[2].id, runs[0].id[:12], runs[2].id]
    page = read(html_report(store, run_ids=chosen, title="For the meeting"))
    assert len(page.pictures) == 2
    assert [each["id"] for each in page.all("tr") if "id" in each] == [runs[2].id, runs[0].id]
    assert "For the meeting" in page.text
    assert "Seed 2 ·" in page.text
    assert "Seed 1 ·" not in page.text


def test_a_cell_without_a_picture_says_why(store: Store):
    plan = SweepPlan(
        subject_id="s" * 64, model="demo", base=InpaintParams(prompt="a"), axes=(parse_axis("seed", "0..3"),)
    )  # fmt: skip
    ids = [run_id(number) for number in range(4)]
    store.sweeps.add(made_up_sweep(cells=ids, state="failed", plan=plan.to_json()), ids)
    kept, gone = (commit(store, made_up_run(number)) for number in range(2))
    store.blobs.delete(gone.image)
    store.sweeps.set_cell_error("sweep-1", 3, "The disk is full.")
    page = read(html_report(store, sweep_id="sweep-1"))
    assert len(page.pictures) == 1
    for told in ("Its picture is missing from the store or damaged.", "Not made.", "The disk is full.", kept.short_id):
        assert told in page.text


@pytest.mark.parametrize(("side", "shown"), [(900, 512), (300, 300)])
def test_pictures_are_bounded_and_never_enlarged(store: Store, side: int, shown: int):
    run = commit(store, made_up_run(1, extent=Extent(width=side, height=side // 2)))
    (picture,) = read(html_report(store, run_ids=[run.id])).pictures
    assert (picture.format, picture.size) == ("WEBP", (shown, shown // 2))


def test_a_large_report_comes_piece_by_piece_with_smaller_pictures(
    store: Store, monkeypatch: pytest.MonkeyPatch
):  # fmt: skip
    from bgen_core.reports import html_report as report

    monkeypatch.setattr(report, "_MOST_LARGE", 5)
    extent = Extent(width=600, height=300)
    runs = [commit(store, made_up_run(number, extent=extent)) for number in range(6)]
    pieces = list(html_report(store, run_ids=[run.id for run in runs]))
    assert len(pieces) > 2
    pictures = HtmlPage(b"".join(pieces).decode()).pictures
    assert {picture.size for picture in pictures} == {(256, 128)}
    largest = max(len(re.findall(b"data:image/webp", piece)) for piece in pieces)
    assert largest < 6  # no piece holds all of them


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        ({}, "give either of them"),
        ({"sweep_id": "sweep-1", "run_ids": [run_id(1)]}, "give either of them"),
        ({"sweep_id": "nobody"}, "No sweep is called 'nobody'"),
        ({"run_ids": [run_id(9)]}, "No run has the id"),
    ],
)
def test_what_is_not_there_is_refused_before_anything_is_sent(store: Store, request_: dict, complaint: str):
    with pytest.raises(UserInputError, match=complaint):
        html_report(store, **request_)
