"""What a page's HTML tells browsers to fetch early."""

import re
from pathlib import Path

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from pages._ui.routes.page_html import page_html, page_routes
from pages._ui.routes.page_scripts import ELEMENTS, scripts_of

STATIC = Path(st.__file__).parent / "static"


def test_each_element_that_is_named_is_one_of_streamlits() -> None:
    names = scripts_of(STATIC / "static" / "js")
    assert [element for element in ELEMENTS if not any(name.startswith(f"{element}.") for name in names)] == []


def test_what_is_fetched_early_is_there_and_is_fetched_once() -> None:
    links = re.findall(r'<link[^>]*rel="(?:modulepreload|preload)"[^>]*>', page_html())
    files = [re.search(r'href="\./([^"]+)"', link) for link in links]
    named = [found[1] for found in files if found]
    assert len(named) == len(links) > len(ELEMENTS)
    assert [name for name in named if not (STATIC / name).is_file()] == []
    assert len(set(named)) == len(named)


def test_an_element_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "Button.abc.js").write_text('import{a}from"./shared.def.js";')
    (tmp_path / "shared.def.js").write_text('import"./Button.abc.js";')
    assert sorted(scripts_of(tmp_path, ["Button", "Gone"])) == ["Button.abc.js", "shared.def.js"]


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ("/run/0123abcd", "/run?id=0123abcd"),
        ("/sweep/a%26b=c", "/sweep?id=a%26b%3Dc"),
        ("/sweep/a/b?axes=x", "/sweep?id=a%2Fb"),
        ("/compare/what", "/compare"),
        ("/run/", "/run"),
    ],
)
def test_an_address_below_a_page_leads_to_the_page(asked: str, place: str) -> None:
    client = TestClient(Starlette(routes=page_routes()), follow_redirects=False)
    answer = client.get(asked)
    assert (answer.status_code, answer.headers["location"]) == (307, place)


def test_what_streamlit_looks_for_below_a_page_is_not_there() -> None:
    assert TestClient(Starlette(routes=page_routes())).get("/sweep/_stcore/health").status_code == 404
