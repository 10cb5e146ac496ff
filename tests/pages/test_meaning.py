"""Looking for pictures by meaning: on Compare, by the API, on the terminal."""

from pathlib import Path

import numpy as np
import pytest

from bgen_core.jobs.running.picture_reading import PictureReading
from bgen_core.runs.likeness import AlikeTo, likeness
from bgen_core.settings import Settings, load_settings
from bgen_core.store.store import Store
from tests.made_up import commit, made_up_run
from tests.pages.compare_pages import address, button, has_button, open_compare, open_run, seeds, texts
from tests.tiny_clip import saved_clip

NUMBER = 4


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def with_clip(page_store: Store, clip_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A deployment with a CLIP model that has read all runs."""
    monkeypatch.setenv("BGEN_CLIP_MODEL", str(clip_folder))
    for number in range(NUMBER):
        commit(page_store, made_up_run(number))
    settings = load_settings(device="cpu")
    PictureReading(page_store, settings).read_some(at_once=NUMBER)
    return settings


def by_likeness(store: Store, settings: Settings, asked: AlikeTo) -> list[int]:
    """The runs' seeds, the most alike first."""
    runs = store.runs.select()
    values = likeness(store, settings.clip_model, asked, [run.id for run in runs]).values
    return [runs[place].params.seed for place in np.argsort(-values, kind="stable")]


def test_words_bring_the_most_alike_to_the_top_and_are_taken_away_again(page_store: Store, with_clip: Settings) -> None:
    newest_first = [3, 2, 1, 0]
    at = open_compare()
    assert seeds(at) == newest_first
    at.text_input("compare_meaning").set_value("a beach").run()
    assert not at.exception
    nearest = by_likeness(page_store, with_clip, AlikeTo(words="a beach"))
    assert seeds(at) == nearest
    assert address(at)["meaning"] == "a beach"
    assert f"Likeness as {Path(with_clip.clip_model).name} sees it." in texts(at)
    at.text_input("compare_less").set_value("a red room").run()
    assert seeds(at) == by_likeness(page_store, with_clip, AlikeTo(words="a beach", less="a red room"))
    button(at, "more “a beach” than “a red room” ×").click().run()
    assert seeds(at) == newest_first
    assert "meaning" not in address(at)


def test_likeness_is_a_measure_to_sort_and_filter_by(page_store: Store, with_clip: Settings) -> None:
    nearest = by_likeness(page_store, with_clip, AlikeTo(words="a beach"))
    at = open_compare(meaning="a beach", sort="likeness", cols="seed,likeness")
    assert seeds(at) == nearest[::-1]
    shown = at.dataframe[0].value["likeness"].tolist()
    least = shown[1]
    at = open_compare(meaning="a beach", f=f"likeness:{least}..")
    assert seeds(at) == nearest[:3]


def test_a_run_finds_those_that_are_like_it(page_store: Store, with_clip: Settings) -> None:
    run = page_store.runs.select()[2]
    at = open_compare(ids=run.id[:12])
    button(at, "More like this").click().run()
    assert not at.exception
    assert seeds(at) == by_likeness(page_store, with_clip, AlikeTo(run_id=run.id))
    assert seeds(at)[0] == run.params.seed
    assert address(at)["like"] == run.id[:12]
    assert "More like this" in [link.proto.label for link in open_run(id=run.id).get("page_link")]
    gone = open_compare(like="f" * 12)
    assert seeds(gone) == [3, 2, 1, 0]
    assert "ffffffffffff" in texts(gone)


def test_without_a_model_nothing_is_offered_and_a_link_that_asks_for_it_is_told(page_store: Store) -> None:
    commit(page_store, made_up_run())
    at = open_compare(ids=page_store.runs.select()[0].id[:12])
    assert "Pictures are found by what they show" not in texts(at)
    assert not has_button(at, "More like this")
    searched = texts(open_compare(meaning="a beach"))
    assert "How alike pictures are cannot be told." in searched
    assert "No CLIP model is set: BGEN_CLIP_MODEL." in searched


def test_what_is_not_read_yet_stands_last(page_store: Store, with_clip: Settings) -> None:
    commit(page_store, made_up_run(NUMBER))
    at = open_compare(meaning="a beach")
    assert seeds(at) == [*by_likeness(page_store, with_clip, AlikeTo(words="a beach"))[:NUMBER], NUMBER]
    assert f"The CLIP model has read {NUMBER} of {NUMBER + 1} pictures so far." in texts(at)
