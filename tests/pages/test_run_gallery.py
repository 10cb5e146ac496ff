"""What the gallery's component is told: nothing that it has, and all of it where it has something else."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from bgen_core.store.store import Store
from pages._ui.compare import run_gallery
from tests.made_up import commit, made_up_run, run_id
from tests.pages.compare_pages import open_link


def told(at: AppTest) -> dict[str, Any]:
    found = [element.proto for element in at.get("bidi_component")]
    return next(json.loads(proto.json) for proto in found if proto.component_name == "bgen_run_gallery")


def scrolled(at: AppTest) -> dict[str, Any]:
    asked, count = at.session_state["run_gallery_listed"]
    at.session_state["run_gallery_listed"] = (asked, count + 2)
    at.session_state["run_gallery_lacking"] = False
    return told(at.run())


def test_runs_that_the_browser_has_are_not_given_again(page_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_gallery, "LISTED_AT_ONCE", 2)
    for number in range(5):
        commit(page_store, made_up_run(number))
    page_store.opinions.rate(run_id(4), 3)
    at = open_link(list="gallery")
    first = told(at)
    assert [run["id"] for run in first["runs"]] == [run_id(4), run_id(3)]
    assert (first["begin"], first["before"], first["ratings"], first["total"]) == (0, "", "30", 5)
    second = scrolled(at)
    assert [run["id"] for run in second["runs"]] == [run_id(2), run_id(1)]
    assert (second["begin"], second["before"], second["ratings"]) == (2, first["whole"], "3000")
    assert told(at.run()) == second  # whatever else is clicked
    last = scrolled(at)
    assert [run["id"] for run in last["runs"]] == [run_id(0)]
    assert (last["begin"], last["before"]) == (4, second["whole"])
    commit(page_store, made_up_run(5))
    assert told(at.run())["before"] != second["whole"]  # another list: the browser asks for all of it
    at.session_state["run_gallery_lacking"] = True
    assert [run["id"] for run in told(at.run())["runs"]] == [run_id(number) for number in (5, 4, 3, 2, 1, 0)]
