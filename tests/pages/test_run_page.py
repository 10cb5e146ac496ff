"""The permalink page of one run through AppTest."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bgen_core.metrics import MetricValue
from bgen_core.records.png_text import parameters_text
from bgen_core.runs.links import thumbnail_url
from bgen_core.store.opinions import Opinion
from bgen_core.store.store import Store
from bgen_core.subject.decoding.image_io import encode_png
from tests.made_up import commit, flip_a_bit, made_up_run, made_up_sweep, picture
from tests.pages.compare_pages import as_read, images, open_run, tables, texts


def test_one_run_on_its_own_page(page_store: Store) -> None:
    made_on = {"gpu": "NVIDIA H200", "driver": "570", "host": "gpu-7", "quantum": "4", "of a later version": "yes"}
    run = commit(page_store, made_up_run(7, subject_name="Ada *at* sea", params={"shadow": 0.25}, made_on=made_on))
    page_store.sweeps.add(made_up_sweep(total=1), [run.id])
    at = open_run(id=run.id[:12])
    (image,) = images(at)
    assert image["src"] == thumbnail_url(run.image, 1024)
    parameters, provenance = tables(at)
    assert parameters["Subject"] == [r"Ada \*at\* sea"]
    assert parameters["Guidance"] == ["3"]
    assert parameters["Shadow"] == [r"0\.25"]
    assert provenance["Denoise \\(s\\)"] == ["1\\.5"]
    assert provenance["Library versions"] == [r"diffusers 0\.42\.1\, torch 2\.13\.0"]
    told = {"GPU": "NVIDIA H200", "Driver": "570", "Host": "gpu\\-7", "Calls filled to multiples of": "4"}
    assert {label: provenance[label] for label in told} == {label: [text] for label, text in told.items()}
    assert provenance["of a later version"] == ["yes"]
    assert at.code[0].value == parameters_text(run)
    made = re.compile(r"Sweep of \d\d \w+, \d\d:\d\d: ")  # when: sweeps of one prompt are told apart by it
    links = {made.sub("Sweep: ", as_read(link.proto.label)): link.proto.query_string for link in at.get("page_link")}
    assert links == {"Compare": f"ids={run.id}", "Sweep: steps × guidance": "id=sweep-1"}
    assert [button.label for button in at.button] == ["Use as base", "Run again and verify"]
    assert "Nothing yet" in texts(at)
    at.segmented_control[0].set_value("Model's own output").run()
    assert [image["src"] for image in images(at)] == [thumbnail_url(run.raw, 1024)]


def test_the_reference_picture_is_shown(page_store: Store) -> None:
    name = page_store.blobs.put(encode_png(picture(3)))
    run = commit(page_store, made_up_run(7, params={"reference": name, "ip_adapter": "style"}))
    at = open_run(id=run.id)
    assert [image["src"] for image in images(at)] == [thumbnail_url(run.image, 1024), thumbnail_url(name, 256)]


@pytest.mark.parametrize("harm", [flip_a_bit, Path.unlink])
def test_a_picture_that_is_lost_is_said_in_its_place(page_store: Store, harm: Callable[[Path], None]) -> None:
    run = commit(page_store, made_up_run(7))
    harm(page_store.blobs.path(run.image))
    at = open_run(id=run.id)
    assert images(at) == []
    assert "missing from the store or damaged" in at.warning[0].value
    assert not at.exception
    at.segmented_control[0].set_value("Model's own output").run()
    assert [image["src"] for image in images(at)] == [thumbnail_url(run.raw, 1024)]


def test_metrics_have_their_unit_direction_source_or_reason(page_store: Store) -> None:
    run = commit(page_store, made_up_run(0))
    page_store.metrics.save(
        run.id,
        [
            MetricValue(name="expansion", value=1.23456, reason="", version=1),
            MetricValue(name="detail", value=2.0, reason="", version=1),
            MetricValue(name="clip_score", value=None, reason="No CLIP model is set.", version=1),
        ],
    )
    at = open_run(id=run.id)
    captions = [element.value for element in at.caption]
    assert r"**1\.23 \% of picture** · lower is better" in captions
    assert r"**2\.00 levels\/px**" in captions
    assert r"No CLIP model is set\." in captions
    helps = [element.proto.help for element in at.caption if element.value == "Expansion"]
    assert helps == ["Area by which the model let the person grow beyond the mask. Source: "
                     "Eshratifar et al. 2024, arXiv:2404.10157, as a union."]  # fmt: skip


def test_opinions_are_kept_as_they_are_given(page_store: Store) -> None:
    run = commit(page_store, made_up_run(0))
    page_store.opinions.rate(run.id, 2)
    at = open_run(id=run.id)
    short = run.id[:12]
    assert at.get_by_key(f"run_stars_{short}").value == 1
    at.get_by_key(f"run_stars_{short}").set_value(4).run()
    at.multiselect(key=f"run_tags_{short}").set_value(["print", "web"]).run()
    at.text_area(key=f"run_notes_{short}").set_value("good light").run()
    assert page_store.opinions.of([run.id])[run.id] == Opinion(
        rating=5, tags=("print", "web"), notes="good light", mean_rating=5.0, raters=1
    )
    at.multiselect(key=f"run_tags_{short}").set_value(["x" * 41]).run()
    assert "is not allowed: up to 40 letters" in texts(at)
    assert at.multiselect(key=f"run_tags_{short}").value == ["print", "web"]


def test_a_tag_leaves_those_that_another_tab_has_given_and_taken_meanwhile(page_store: Store) -> None:
    run = commit(page_store, made_up_run(0))
    page_store.opinions.tag(run.id, ["print", "web"])
    at = open_run(id=run.id)
    page_store.opinions.tag(run.id, ["print", "sky"])
    field = at.multiselect(key=f"run_tags_{run.id[:12]}")
    field.set_value(["web", "sea"]).run()
    assert page_store.opinions.of([run.id])[run.id].tags == ("sea", "sky")
    assert at.multiselect(key=f"run_tags_{run.id[:12]}").value == ["sea", "sky"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({}, "No run is named in this link"),
        ({"id": "nonsense"}, "'nonsense' is not a run's id"),
        ({"id": "f" * 64}, "No run has the id"),
    ],
)
def test_a_link_to_no_run_leads_to_all_runs(page_store: Store, query: dict[str, str], sentence: str) -> None:
    at = open_run(**query)
    assert sentence in texts(at)
    assert [link.proto.label for link in at.get("page_link")] == ["All runs"]
